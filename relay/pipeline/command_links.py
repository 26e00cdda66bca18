"""
Commands of a phone system that makes calls: their verdicts are told, and the calls that they caused found.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from relay.journal.commands_port import CommandJournal
from relay.model.call import USER_CALLS, Call
from relay.model.command import SUCCEEDED, UNKNOWN, Command
from relay.model.errors import RevisionConflict
from relay.model.ids import IdMaker, subject
from relay.model.mapping import Mappings
from relay.model.source_work import InboxItem
from relay.model.subject_state import COMMAND
from relay.normalise.command_links import AFTER, CALL_TO_NUMBER, call_of, time_of, told_link
from relay.pipeline.command_inbox import CommandInbox
from relay.pipeline.poll_context import PollContext

LOOKS_S: Final = (3, 10, 30)  # after a command its call is looked for, where the budget allows
TICK: Final = timedelta(milliseconds=1)
NO_MAPPINGS: Final = Mappings()


class CommandLinks:
    """
    Takes commands that have a verdict, for one source, and waits for the rows of their calls.

    What waits is in the journal; this is only a copy of it, read at the start.

    Args:
        context: the source.
        inbox: tells of verdicts.
        journal: keeps which call a command caused.
        ids: makes the ids of events.
        country: of numbers without a country code.
    """

    def __init__(
        self, context: PollContext, inbox: CommandInbox, journal: CommandJournal, ids: IdMaker, country: str
    ) -> None:
        self._context = context
        self._inbox = inbox
        self._journal = journal
        self._ids = ids
        self._country = country
        self._waiting: dict[str, Command] = {}

    async def start(self) -> None:
        """
        Read back which commands still wait for their call.
        """
        context = self._context
        since = context.clock.now() - self._patience()
        for command in await self._journal.unlinked_commands(context.source_id, CALL_TO_NUMBER, since):
            self._waiting[command.command_id] = command

    async def take(self, item: InboxItem) -> list[datetime]:
        """
        Tell of a verdict and take the item away; return when to look for the call that the command caused.
        """
        command = await self._inbox.take(item, NO_MAPPINGS)
        if command.function != CALL_TO_NUMBER or command.state not in (SUCCEEDED, UNKNOWN):
            return []
        self._waiting[command.command_id] = command
        return [command.requested_at + timedelta(seconds=seconds) for seconds in LOOKS_S]

    async def step(self) -> None:
        """
        Look in the journal for the calls of the commands that wait, oldest command first.
        """
        context = self._context
        for command in sorted(self._waiting.values(), key=lambda one: (one.requested_at, one.command_id)):
            if command.requested_at < context.clock.now() - self._patience():
                del self._waiting[command.command_id]
                continue
            if await self._is_linked(command):
                del self._waiting[command.command_id]

    async def _is_linked(self, command: Command) -> bool:
        context, skew = self._context, self._context.ledger.skew
        time = time_of(command, skew)
        near = await context.journal.calls_between(context.source_id, time.start, time.end + TICK)
        call = call_of(command, near, skew, self._country)
        if call is None:
            return False
        if call.record.get("command_id") is None and not await self._tell(command, call):
            return False
        await self._journal.link_command(command.command_id, call.call_id)
        return True

    async def _tell(self, command: Command, call: Call) -> bool:
        """
        Append what the link tells, of the call and of the command; False: not yet.
        """
        context, now = self._context, self._context.clock.now()
        about = subject(COMMAND, context.source_id, command.command_id)
        state = (await context.journal.subjects_named({about})).get(about)
        if state is None:  # its verdict comes first
            return False
        linked = told_link(self._ids, command, state, call.call_id, now)
        claimed = context.assembler.claim(call, command.command_id, now)
        try:
            await context.ingest.append_calls(context.source_id, USER_CALLS, [claimed], subjects=(linked,))
        except RevisionConflict:
            context.metrics.journal_errors.labels("append", "conflict").inc()
            return False
        return True

    def _patience(self) -> timedelta:
        # A row that is written when the call ends comes as late as calls may be read again.
        return self._context.settings.lookback + AFTER
