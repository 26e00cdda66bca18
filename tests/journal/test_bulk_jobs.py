"""
Bulk jobs: seen only when whole, worked off in order, counted once, and removed with all their rows.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal import bulk_loading, bulk_rows, polling
from relay.journal.bulk_loading import ROWS_OF_A_SLICE
from relay.journal.commands_port import MAX_BULK_ROWS, MAX_WAITING_BULKS
from relay.journal.migrate import upgrade
from relay.journal.store import SqlJournal
from relay.model.command import (
    BULK_CANCELLED,
    BULK_DONE,
    BULK_RUNNING,
    BULK_WAITING,
    FAILED,
    SUCCEEDED,
    UNKNOWN,
    BulkJob,
)
from relay.model.errors import Conflict, NotFound
from relay.model.source_work import PUSH
from tests.journal.making import NOW, SECOND
from tests.journal.making_commands import ONCE, bulk_job, bulk_row, command, finish, make_bulk
from tests.journal.registry import query

LATER = NOW + 9 * SECOND


@pytest.fixture
async def known(journal: SqlJournal) -> SqlJournal:
    """
    Give a journal that knows two dialers.
    """
    for source_id in ("dialer", "other"):
        await journal.register_source(source_id, "dialer360", NOW, NOW)
    return journal


class HeldRows(Sequence[Mapping[str, Any]]):
    """
    Four slices of rows; once three of them are stored, the writer is held until told to go on.
    """

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal
        self._slices = 0
        self.are_under_way = asyncio.Event()
        self.may_go_on = threading.Event()
        self.holding: asyncio.Task[bytes] | None = None

    def __len__(self) -> int:
        return 4 * ROWS_OF_A_SLICE

    def __getitem__(self, index: Any) -> Any:
        self._slices += 1
        if self._slices == 3:
            self.holding = asyncio.create_task(self._hold(asyncio.get_running_loop()))
        return [{"phone_number": "1"}] * ROWS_OF_A_SLICE

    async def _hold(self, loop: asyncio.AbstractEventLoop) -> bytes:
        def wait(_: int) -> bytes:
            loop.call_soon_threadsafe(self.are_under_way.set)
            return b"%d" % self.may_go_on.wait(timeout=20)

        return await self._journal.work.put_down("dialer", PUSH, {}, wait, NOW)


def stored(path: Path) -> list[tuple[object, ...]]:
    """
    Count the jobs and the rows in the file.
    """
    return query(path, "SELECT (SELECT count(*) FROM bulk_jobs), (SELECT count(*) FROM bulk_rows)")


async def test_a_job_comes_back_with_all_its_rows(known: SqlJournal) -> None:
    reply = await make_bulk(known)

    assert b"bulk waiting 3" == reply
    assert bulk_job() == await known.commands.bulk("bulk") == await known.commands.next_bulk("dialer")
    assert [bulk_row(number) for number in (1, 2)] == await known.commands.open_rows("bulk", 2)
    assert None is await known.commands.next_bulk("other")


async def test_many_rows_come_in_slices_and_none_is_lost(known: SqlJournal) -> None:
    rows = 2 * ROWS_OF_A_SLICE + 1

    assert b"bulk waiting %d" % rows == await make_bulk(known, rows=rows)
    assert list(range(1, rows + 1)) == [
        row.row_no for row in await known.commands.open_rows("bulk", rows + 9)
    ]


async def test_nobody_sees_a_job_whose_rows_are_still_coming_in(
    known: SqlJournal, journal_path: Path
) -> None:
    rows = HeldRows(known)
    making = asyncio.create_task(known.commands.make_bulk(bulk_job(), rows, lambda _: b"made", None, NOW))
    await rows.are_under_way.wait()
    ((jobs, half),) = stored(journal_path)
    listed = await known.commands.list_bulks("dialer", None, 9)
    seen = (await known.commands.bulk("bulk"), await known.commands.next_bulk("dialer"), listed.items)
    cancelling = asyncio.create_task(known.commands.cancel_bulk("bulk", NOW))
    await asyncio.sleep(0)
    rows.may_go_on.set()

    assert (1, 3 * ROWS_OF_A_SLICE, (None, None, ())) == (jobs, half, seen)
    with pytest.raises(NotFound):
        await cancelling
    assert b"made" == await making
    assert [(1, len(rows))] == stored(journal_path)


async def test_a_job_that_fails_to_come_in_leaves_nothing(known: SqlJournal, journal_path: Path) -> None:
    def answer(_: BulkJob) -> bytes:
        raise ZeroDivisionError

    rows = [{"phone_number": "1"}] * (ROWS_OF_A_SLICE + 1)
    with pytest.raises(ZeroDivisionError):
        await known.commands.make_bulk(bulk_job(), rows, answer, ONCE, NOW)

    assert [(0, 0)] == stored(journal_path)
    assert b"bulk waiting 3" == await make_bulk(known, once=ONCE)


async def test_a_request_that_is_cancelled_under_way_leaves_nothing(
    known: SqlJournal, journal_path: Path
) -> None:
    rows = HeldRows(known)
    making = asyncio.create_task(known.commands.make_bulk(bulk_job(), rows, lambda _: b"made", ONCE, NOW))
    await rows.are_under_way.wait()
    making.cancel()
    rows.may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await making

    assert [(0, 0)] == stored(journal_path)
    assert b"bulk waiting 3" == await make_bulk(known, once=ONCE)


async def test_the_same_request_makes_one_job_even_at_once(known: SqlJournal, journal_path: Path) -> None:
    first, second = await asyncio.gather(
        make_bulk(known, bulk_job("a"), 600, ONCE), make_bulk(known, bulk_job("b"), 600, ONCE)
    )
    third = await make_bulk(known, bulk_job("c"), once=ONCE)

    assert first == second == third
    assert [(1, 600)] == stored(journal_path)
    with pytest.raises(Conflict, match="another request"):
        await make_bulk(known, bulk_job("d"), once=replace(ONCE, digest=b"other"))


async def test_there_is_a_most_of_jobs_and_of_rows(known: SqlJournal) -> None:
    for number in range(MAX_WAITING_BULKS):
        await make_bulk(known, bulk_job(str(number)), 1)

    with pytest.raises(Conflict, match=f"{MAX_WAITING_BULKS} bulk jobs of dialer wait already"):
        await make_bulk(known, bulk_job("more"), 1)
    await make_bulk(known, bulk_job("there", source_id="other"), 1)
    await known.commands.cancel_bulk("3", NOW)
    await make_bulk(known, bulk_job("more"), 1)
    with pytest.raises(Conflict, match="at most 100000 rows"):
        await known.commands.make_bulk(
            bulk_job("large", source_id="other"), [{}] * (MAX_BULK_ROWS + 1), lambda _: b"", None, NOW
        )
    with pytest.raises(NotFound, match="no source x"):
        await make_bulk(known, bulk_job("x", source_id="x"), 1)


async def test_a_job_without_rows_is_done(known: SqlJournal) -> None:
    assert b"bulk done 0" == await make_bulk(known, rows=0)
    assert None is await known.commands.next_bulk("dialer")


async def test_verdicts_are_counted_once_and_with_the_last_the_job_is_done(known: SqlJournal) -> None:
    await make_bulk(known, rows=4)
    lead = bulk_row(1, SUCCEEDED, command_id="c1", message="added", data={"lead_id": "7"})
    first = await known.commands.note_rows([lead, bulk_row(3, FAILED)], LATER)
    again = await known.commands.note_rows([bulk_row(1, FAILED), bulk_row(3, FAILED)], LATER + SECOND)
    left = await known.commands.open_rows("bulk", 9)
    last = await known.commands.note_rows([bulk_row(2, UNKNOWN), bulk_row(4, SUCCEEDED)], LATER + SECOND)

    under_way = bulk_job(state=BULK_RUNNING, total=4, started_at=LATER, done=2, succeeded=1, failed=1)
    assert under_way == first == again
    assert [2, 4] == [row.row_no for row in left]
    assert (
        last
        == await known.commands.bulk("bulk")
        == replace(under_way, state=BULK_DONE, finished_at=LATER + SECOND, done=4, succeeded=2, unknown=1)
    )
    page = await known.commands.list_rows("bulk", None, None, 9)
    assert (lead, UNKNOWN) == (page.items[0], page.items[1].state)


async def test_many_verdicts_come_at_once(known: SqlJournal) -> None:
    await make_bulk(known, rows=1_200)

    done = await known.commands.note_rows([bulk_row(no, FAILED) for no in range(1_200, 0, -1)], LATER)

    assert (BULK_DONE, 1_200) == (done.state, done.failed)


async def test_a_cancelled_job_stays_so_and_keeps_what_was_under_way(known: SqlJournal) -> None:
    await make_bulk(known, rows=2)
    await known.commands.note_rows([bulk_row(1, SUCCEEDED)], NOW)
    cancelled = await known.commands.cancel_bulk("bulk", LATER)
    late = await known.commands.note_rows([bulk_row(2, SUCCEEDED)], LATER + SECOND)
    again = await known.commands.cancel_bulk("bulk", LATER + 2 * SECOND)

    assert (BULK_CANCELLED, LATER, 1) == (cancelled.state, cancelled.finished_at, cancelled.done)
    assert replace(cancelled, done=2, succeeded=2) == late == again
    assert None is await known.commands.next_bulk("dialer")


async def test_the_job_under_way_comes_first_then_the_oldest(known: SqlJournal) -> None:
    for name, at_s in (("b", 2), ("a", 3), ("c", 1)):
        await make_bulk(known, bulk_job(name, at_s))
    oldest = await known.commands.next_bulk("dialer")
    await known.commands.note_rows([bulk_row(1, FAILED, "a")], NOW)
    under_way = await known.commands.next_bulk("dialer")

    assert ("c", BULK_WAITING) == (oldest and oldest.bulk_id, oldest and oldest.state)
    assert ("a", BULK_RUNNING) == (under_way and under_way.bulk_id, under_way and under_way.state)


async def test_verdicts_must_be_of_one_job_that_is_there(known: SqlJournal) -> None:
    await make_bulk(known)

    for wrong in ([], [bulk_row(1)], [bulk_row(1, FAILED), bulk_row(1, FAILED, "b")]):
        with pytest.raises(ValueError, match="verdicts come for rows of one job"):
            await known.commands.note_rows(wrong, NOW)
    with pytest.raises(NotFound, match="no bulk job b"):
        await known.commands.note_rows([bulk_row(1, FAILED, "b")], NOW)
    with pytest.raises(NotFound, match="no bulk job b"):
        await known.commands.cancel_bulk("b", NOW)


async def test_old_jobs_that_have_ended_are_forgotten_with_their_rows(
    known: SqlJournal, journal_path: Path
) -> None:
    """
    Those that a crash left loading go earlier; those that wait stay.
    """
    for name, at_s in (("done", 0), ("waiting", 0), ("fresh", 8)):
        await make_bulk(known, bulk_job(name, at_s), ROWS_OF_A_SLICE + 1)
    await known.commands.cancel_bulk("done", NOW)
    await known.commands.cancel_bulk("fresh", NOW)
    await make_bulk(known, bulk_job("torn", 5), 1)
    query(journal_path, "UPDATE bulk_jobs SET state = 'loading' WHERE bulk_id = 'torn'")

    forgotten = [await known.forget_bulks(NOW + SECOND, NOW + 6 * SECOND) for _ in range(4)]

    assert 0 == forgotten[-1]
    assert ROWS_OF_A_SLICE + 4 == sum(forgotten)
    assert max(forgotten) <= ROWS_OF_A_SLICE + 1
    assert [("fresh",), ("waiting",)] == query(journal_path, "SELECT bulk_id FROM bulk_jobs ORDER BY 1")
    assert [(2 * ROWS_OF_A_SLICE + 2,)] == query(journal_path, "SELECT count(*) FROM bulk_rows")


async def test_a_command_knows_its_row(known: SqlJournal) -> None:
    done = await finish(known, command("c1", bulk_id="bulk", row_no=3))

    assert ("bulk", 3) == (done.bulk_id, done.row_no)
    assert done == await known.commands.command("c1")


@pytest.mark.postgresql
async def test_bulk_jobs_are_kept_on_postgresql_too(postgresql_url: str) -> None:
    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as conn:
        await conn.run_sync(upgrade)
        await conn.run_sync(work_off)
    await engine.dispose()


def work_off(conn: Connection) -> None:
    """
    Enter a job, work it off and forget it.
    """
    polling.register_source(conn, "dialer", "dialer360", NOW, NOW)
    bulk_loading.begin_bulk(conn, bulk_job(), 3)
    values = bulk_loading.row_values("bulk", [{"phone_number": str(no)} for no in (1, 2, 3)], 1)
    bulk_loading.INSERT_ROW.run(conn, values)
    with pytest.raises(NotFound):
        bulk_rows.one_bulk(conn, "bulk")
    entered = bulk_loading.enter_bulk(conn, "bulk", NOW)
    waiting = bulk_rows.next_bulk(conn, "dialer")
    noted = bulk_rows.note_rows(conn, [bulk_row(1, SUCCEEDED, data={"a": 1}), bulk_row(3, FAILED)], LATER)
    left = bulk_rows.open_rows(conn, "bulk", 9)
    cancelled = bulk_rows.cancel_bulk(conn, "bulk", LATER)
    dropped = bulk_loading.drop_loading(conn, "bulk")

    assert bulk_job() == entered == waiting
    assert [bulk_row(2)] == left
    assert (BULK_RUNNING, 2, BULK_CANCELLED, 0) == (noted.state, noted.done, cancelled.state, dropped)
    assert 4 == bulk_loading.forget_bulks(conn, LATER, LATER)
