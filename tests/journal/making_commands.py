"""
Makes commands and bulk jobs for tests of the journal.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from relay.journal.api_port import Once
from relay.journal.store import SqlJournal
from relay.model.command import BULK_WAITING, SUCCEEDED, BulkJob, BulkRow, Command
from tests.journal.making import NOW, SECOND

ONCE = Once("ops", "key-1", b"digest")
RESULT = {
    "status": "success",
    "message": "add_lead LEAD HAS BEEN ADDED",
    "data": {"lead_id": "7"},
    "raw": "…",
}


def command(name: str, function: str = "add_lead", at_s: float = 0, **fields: Any) -> Command:
    """
    Make a command that is to be sent, asked for so many seconds after NOW.
    """
    made = Command(name, "dialer", function, {"phone_number": "0412"}, True, "ops", NOW + at_s * SECOND)
    return replace(made, **fields)


def finished(begun: Command, state: str = SUCCEEDED, **fields: Any) -> Command:
    """
    Give a command its verdict.
    """
    return replace(begun, state=state, finished_at=begun.requested_at + SECOND, result=RESULT, **fields)


async def finish(journal: SqlJournal, begun: Command, state: str = SUCCEEDED, **fields: Any) -> Command:
    """
    Begin and finish a command.
    """
    done = finished(begun, state, **fields)
    await journal.commands.begin_command(begun, None, NOW)
    await journal.commands.finish_command(done, b"reply", NOW)
    return done


def bulk_job(name: str = "bulk", at_s: float = 0, **fields: Any) -> BulkJob:
    """
    Make a bulk job.
    """
    at = NOW + at_s * SECOND
    made = BulkJob(name, "dialer", "add_lead", "ops", at, BULK_WAITING, 3, {"list_id": "101"})
    return replace(made, **fields)


async def make_bulk(
    journal: SqlJournal,
    job: BulkJob | None = None,
    rows: int = 3,
    once: Once | None = None,
    now: datetime = NOW,
) -> bytes:
    """
    Make a bulk job with some rows; the reply is its id, state and total.
    """

    def answer(made: BulkJob) -> bytes:
        return f"{made.bulk_id} {made.state} {made.total}".encode()

    given = [{"phone_number": str(number)} for number in range(1, rows + 1)]
    return await journal.commands.make_bulk(job or bulk_job(), given, answer, once, now)


def bulk_row(row_no: int, state: str | None = None, bulk_id: str = "bulk", **fields: Any) -> BulkRow:
    """
    Make a row as `make_bulk` gives it.
    """
    return replace(BulkRow(bulk_id, row_no, {"phone_number": str(row_no)}, state), **fields)
