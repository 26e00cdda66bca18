"""
Commands and bulk jobs on a database: `relay.journal.commands_port.CommandJournal`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from relay.journal import bulk_loading, bulk_rows, command_lists, command_rows, idempotency
from relay.journal.api_port import Once
from relay.journal.bulk_loading import ROWS_OF_A_SLICE
from relay.journal.commands_port import MAX_BULK_ROWS
from relay.journal.fence import Fence
from relay.journal.sqlite import SqliteDatabase
from relay.model.command import BulkJob, BulkRow, Command
from relay.model.errors import Conflict
from relay.model.listing import Page

SCANNED_ROWS: Final = 5_000


class SqlCommands:
    """
    The commands of one journal; `answer` runs on the thread of the writer: it may not wait for anything.

    Args:
        database: where the journal is.
        fence: for writes.
        scanned_rows: how many rows one page may look at to find those wanted; then it ends short.
    """

    def __init__(self, database: SqliteDatabase, fence: Fence, scanned_rows: int = SCANNED_ROWS) -> None:
        self._database = database
        self._fence = fence
        self._scanned_rows = scanned_rows

    # one by one

    async def begin_command(self, command: Command, once: Once | None, now: datetime) -> bytes | None:
        return await self._fence.write(lambda conn, _: command_rows.begin_command(conn, command, once, now))

    async def finish_command(self, command: Command, reply: bytes, now: datetime) -> None:
        await self._fence.write(lambda conn, _: command_rows.finish_command(conn, command, reply, now))

    async def withdraw_command(self, command_id: str) -> None:
        await self._fence.write(lambda conn, _: command_rows.withdraw_command(conn, command_id))

    async def unfinished_commands(self, source_id: str) -> list[Command]:
        return await self._database.read(lambda conn: command_rows.unfinished_commands(conn, source_id))

    async def link_command(self, command_id: str, call_id: str) -> None:
        await self._fence.write(lambda conn, _: command_rows.link_command(conn, command_id, call_id))

    async def unlinked_commands(self, source_id: str, function: str, since: datetime) -> list[Command]:
        return await self._database.read(
            lambda conn: command_rows.unlinked_commands(conn, source_id, function, since)
        )

    async def list_commands(
        self, source_id: str, wanted: Mapping[str, Any], after: str | None, limit: int
    ) -> Page[Command]:
        return await self._database.look_up(
            lambda look: command_lists.list_commands(
                look, source_id, wanted, after, limit, self._scanned_rows
            )
        )

    async def command(self, command_id: str) -> Command | None:
        return await self._database.look_up(lambda look: command_lists.command(look, command_id))

    # many at once

    async def make_bulk(
        self,
        job: BulkJob,
        rows: Sequence[Mapping[str, Any]],
        answer: Callable[[BulkJob], bytes],
        once: Once | None,
        now: datetime,
    ) -> bytes:
        if len(rows) > MAX_BULK_ROWS:
            raise Conflict(f"a bulk job has at most {MAX_BULK_ROWS} rows")
        try:
            stored = await self._fence.write(lambda conn, _: _begin_bulk(conn, job, len(rows), once, now))
            if stored is not None:
                return stored
            for first in range(0, len(rows), ROWS_OF_A_SLICE):
                await self._load(job.bulk_id, rows[first : first + ROWS_OF_A_SLICE], first + 1)
            return await self._fence.write_once(
                once, now, lambda conn, _: answer(bulk_loading.enter_bulk(conn, job.bulk_id, now))
            )
        finally:  # where it failed, or the same request was faster
            while await self._fence.write(lambda conn, _: bulk_loading.drop_loading(conn, job.bulk_id)):
                pass

    async def next_bulk(self, source_id: str) -> BulkJob | None:
        return await self._database.read(lambda conn: bulk_rows.next_bulk(conn, source_id))

    async def open_rows(self, bulk_id: str, limit: int) -> list[BulkRow]:
        return await self._database.read(lambda conn: bulk_rows.open_rows(conn, bulk_id, limit))

    async def note_rows(self, rows: Sequence[BulkRow], now: datetime) -> BulkJob:
        return await self._fence.write(lambda conn, _: bulk_rows.note_rows(conn, rows, now))

    async def cancel_bulk(self, bulk_id: str, now: datetime) -> BulkJob:
        return await self._fence.write(lambda conn, _: bulk_rows.cancel_bulk(conn, bulk_id, now))

    async def bulk(self, bulk_id: str) -> BulkJob | None:
        return await self._database.look_up(lambda look: command_lists.bulk(look, bulk_id))

    async def list_bulks(self, source_id: str, after: str | None, limit: int) -> Page[BulkJob]:
        return await self._database.look_up(
            lambda look: command_lists.list_bulks(look, source_id, after, limit)
        )

    async def list_rows(
        self, bulk_id: str, state: str | None, after: str | None, limit: int
    ) -> Page[BulkRow]:
        return await self._database.look_up(
            lambda look: command_lists.list_rows(look, bulk_id, state, after, limit)
        )

    async def _load(self, bulk_id: str, rows: Sequence[Mapping[str, Any]], first_no: int) -> None:
        values = bulk_loading.row_values(bulk_id, rows, first_no)
        await self._fence.write(lambda conn, _: bulk_loading.INSERT_ROW.run(conn, values))


def _begin_bulk(conn: Connection, job: BulkJob, total: int, once: Once | None, now: datetime) -> bytes | None:
    """
    Enter a job whose rows are still to come; for a key that was there before return the reply of then.
    """
    stored = None if once is None else idempotency.recall(conn, once, now)
    if stored is None:
        bulk_loading.begin_bulk(conn, job, total)
    return stored
