"""
What the journal promises to whoever makes phone systems do things, and to those who keep mappings.

As in `relay.journal.port` every method is one transaction and raises JournalUnusable and JournalBusy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from relay.journal.api_port import Once
from relay.model.command import BulkJob, BulkRow, Command
from relay.model.listing import Page
from relay.model.mapping import AgentMapping, LeadStatus, Mappings

MAX_BULK_ROWS: Final = 100_000
MAX_WAITING_BULKS: Final = 20
MAX_MAPPINGS: Final = 10_000  # lead statuses, and agent mappings, of one source


class CommandJournal(Protocol):
    """
    The journal as commands need it.
    """

    async def begin_command(self, command: Command, once: Once | None, now: datetime) -> bytes | None:
        """
        Write a command down before it is sent, with state `sent`; None: it is to be sent now.

        Where `once` came before with the same request its reply comes back, and nothing is written.  The
        key is taken here: until the command is finished, over a crash too, nothing is sent with it again.

        Raises:
            Conflict: the key came with another request; or its command has no verdict yet.
            NotFound: there is no such source.
        """
        ...

    async def finish_command(self, command: Command, reply: bytes, now: datetime) -> None:
        """
        Keep the verdict of a command, `reply` (not empty) for the key it began with, for KEEP_REPLIES from
        now on, and, in the same transaction, an inbox item of the kind `command_done` (body:
        `Command.as_json`) for the owner of the source, however full that inbox is.  A command that has a
        verdict already stays as it is.

        Raises:
            NotFound: it was never begun.
        """
        ...

    async def withdraw_command(self, command_id: str) -> None:
        """
        Forget a command without a verdict that was never sent, and let its key be used again.
        """
        ...

    async def unfinished_commands(self, source_id: str) -> list[Command]:
        """
        Return commands without a verdict, oldest first: of a process that is no more, when asked at a start.
        """
        ...

    async def link_command(self, command_id: str, call_id: str) -> None:
        """
        Keep which call a command caused; the first stands.  A command that was `unknown` has succeeded then.
        """
        ...

    async def unlinked_commands(self, source_id: str, function: str, since: datetime) -> list[Command]:
        """
        Return commands requested since that succeeded or are unknown and have no call yet, oldest first.
        """
        ...

    async def list_commands(
        self, source_id: str, wanted: Mapping[str, Any], after: str | None, limit: int
    ) -> Page[Command]:
        """
        Return commands of a source, newest first; `wanted` may hold function, state, bulk_id.
        """
        ...

    async def command(self, command_id: str) -> Command | None:
        """
        Return a command.
        """
        ...

    async def make_bulk(
        self,
        job: BulkJob,
        rows: Sequence[Mapping[str, Any]],
        answer: Callable[[BulkJob], bytes],
        once: Once | None,
        now: datetime,
    ) -> bytes:
        """
        Keep a bulk job with all its rows (at most MAX_BULK_ROWS), which are numbered from 1; its id, source,
        function, defaults and who asked when are taken from `job`.  Several transactions, in steps: it is
        seen by nobody before the last.

        Raises:
            Conflict: too many of them wait; too many rows; or the key came with another request.
            NotFound: there is no such source.
        """
        ...

    async def next_bulk(self, source_id: str) -> BulkJob | None:
        """
        Return the bulk job under way, or the oldest that waits.
        """
        ...

    async def open_rows(self, bulk_id: str, limit: int) -> list[BulkRow]:
        """
        Return the first rows without a verdict.
        """
        ...

    async def note_rows(self, rows: Sequence[BulkRow], now: datetime) -> BulkJob:
        """
        Keep verdicts of rows of one job, the first of each row stands, and return the job with its counts:
        running from the first verdict on, and done with the last.  A cancelled job stays so.

        Raises:
            ValueError: no rows, rows of several jobs, or one without a verdict.
            NotFound: there is no such job.
        """
        ...

    async def cancel_bulk(self, bulk_id: str, now: datetime) -> BulkJob:
        """
        Let the rows without a verdict be; a job that has ended stays as it is.

        Raises:
            NotFound: there is no such job.
        """
        ...

    async def bulk(self, bulk_id: str) -> BulkJob | None:
        """
        Return a bulk job.
        """
        ...

    async def list_bulks(self, source_id: str, after: str | None, limit: int) -> Page[BulkJob]:
        """
        Return the bulk jobs of a source, newest first.
        """
        ...

    async def list_rows(
        self, bulk_id: str, state: str | None, after: str | None, limit: int
    ) -> Page[BulkRow]:
        """
        Return the rows of a bulk job in their order.
        """
        ...


class MappingJournal(Protocol):
    """
    The journal as lead statuses and agent mappings need it.
    """

    async def mappings(self, source_id: str) -> Mappings:
        """
        Return the mappings of a source, for normalising and for commands.
        """
        ...

    async def lead_status(self, source_id: str, code: str) -> LeadStatus | None:
        """
        Return one lead status.
        """
        ...

    async def agent_mapping(self, source_id: str, agent_id: str) -> AgentMapping | None:
        """
        Return one agent mapping.
        """
        ...

    async def list_lead_statuses(
        self, source_id: str | None, after: str | None, limit: int
    ) -> Page[LeadStatus]:
        """
        Return lead statuses by source and code.
        """
        ...

    async def put_lead_status(self, status: LeadStatus, *, is_new: bool | None) -> LeadStatus:
        """
        Make or change a lead status (`is_new` None: whichever it is).  The first of a dialer status is its
        default, and a new default takes the place of the old one.

        Raises:
            NotFound: there is no such source, or with `is_new` False no such code.
            Conflict: with `is_new` True the code is there; or there are too many.
        """
        ...

    async def delete_lead_status(self, source_id: str, code: str) -> None:
        """
        Remove a lead status; where it was the default, the first other code of its dialer status becomes it.

        Raises:
            NotFound: there is none.
        """
        ...

    async def list_agent_mappings(
        self, source_id: str | None, after: str | None, limit: int
    ) -> Page[AgentMapping]:
        """
        Return agent mappings by source and agent id.
        """
        ...

    async def put_agent_mapping(self, mapping: AgentMapping, *, is_new: bool | None) -> AgentMapping:
        """
        Make or change an agent mapping, as `put_lead_status`.
        """
        ...

    async def delete_agent_mapping(self, source_id: str, agent_id: str) -> None:
        """
        Remove an agent mapping.

        Raises:
            NotFound: there is none.
        """
        ...
