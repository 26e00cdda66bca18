"""
Asking something of a source's owner: a bounded inbox, jobs one after the other, aliases brought along.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from relay.journal.api_port import MAX_INBOX, MAX_WAITING_JOBS, Once
from relay.journal.port import Append
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.errors import Conflict, NotFound
from relay.model.source_work import (
    BACKFILL,
    CANCELLED,
    DONE,
    PUSH,
    RECONCILE,
    RUNNING,
    WAITING,
    Alias,
    InboxItem,
    SourceJob,
)
from tests.journal.looking import run
from tests.journal.making import NOW, SECOND

ONCE = Once("ops", "key", b"digest")
POLLED = Append("pbx", "user_calls", NOW)


@pytest.fixture
async def asked(journal: SqlJournal) -> SqlJournal:
    """
    Give a journal that knows two sources.
    """
    for source_id in ("pbx", "other"):
        await journal.register_source(source_id, "voipcloud", NOW, NOW)
    return journal


async def put(
    journal: SqlJournal, body: object = None, once: Once | None = None, source_id: str = "pbx"
) -> bytes:
    """
    Put a push into an inbox.
    """
    return await journal.work.put_down(
        source_id, PUSH, {"is": body}, lambda number: b"no. %d" % number, NOW, once
    )


async def make(
    journal: SqlJournal, source_id: str = "pbx", kind: str = BACKFILL, once: Once | None = None
) -> bytes:
    """
    Make a job.
    """
    return await journal.work.make_job(
        source_id,
        kind,
        NOW - 60 * SECOND,
        NOW,
        lambda job: f"job {job.job_id} {job.state}".encode(),
        NOW,
        once,
    )


async def test_items_come_oldest_first_and_to_their_source_only(asked: SqlJournal) -> None:
    replies = [await put(asked, n) for n in range(3)]
    await put(asked, "other", source_id="other")

    items = await asked.inbox("pbx", 2)

    assert [b"no. 1", b"no. 2", b"no. 3"] == replies
    assert [InboxItem(n + 1, "pbx", PUSH, {"is": n}, NOW) for n in range(2)] == items


async def test_an_item_survives_a_restart(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await journal.register_source("pbx", "voipcloud", NOW, NOW)
        await put(journal)
        await make(journal)

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        assert 1 == len(await journal.inbox("pbx", 10))
        assert None is not await journal.next_job("pbx")


async def test_what_was_asked_for_once_is_put_down_once(asked: SqlJournal) -> None:
    replies = [await put(asked, 1, ONCE) for _ in range(2)]
    jobs = [await make(asked, once=replace(ONCE, key="other")) for _ in range(2)]

    assert ([b"no. 1"] * 2, [b"job 1 waiting"] * 2) == (replies, jobs)
    assert 1 == len(await asked.inbox("pbx", 10))
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await put(asked, 2, replace(ONCE, digest=b"another"))


async def test_a_source_that_is_not_there_is_asked_nothing(asked: SqlJournal) -> None:
    with pytest.raises(NotFound, match="no source nowhere"):
        await put(asked, source_id="nowhere")
    with pytest.raises(NotFound, match="no source nowhere"):
        await make(asked, "nowhere")


async def test_a_full_inbox_refuses_until_something_is_taken(asked: SqlJournal, journal_path: Path) -> None:
    sql = "INSERT INTO inbox (source_id, kind, body, received_ms) VALUES ('pbx', 'push', '{}', 1)"
    await asyncio.to_thread(run, journal_path, sql, [()] * (MAX_INBOX - 1))
    await put(asked)

    with pytest.raises(Conflict, match=f"{MAX_INBOX} items"):
        await put(asked)
    await put(asked, source_id="other")
    await asked.append(replace(POLLED, taken_items=(1,)))
    await put(asked)

    assert MAX_INBOX == len(await asked.inbox("pbx", 2 * MAX_INBOX))


async def test_a_job_is_made_as_it_was_asked_for(asked: SqlJournal) -> None:
    await make(asked, kind=RECONCILE)

    expected = SourceJob(1, "pbx", RECONCILE, NOW - 60 * SECOND, NOW, WAITING, NOW)
    assert expected == await asked.next_job("pbx")
    assert None is await asked.next_job("other")


async def test_the_job_under_way_comes_before_older_ones_that_wait(asked: SqlJournal) -> None:
    for _ in range(3):
        await make(asked)
    second = await asked.reading.job(2)
    assert second is not None
    order = []
    for change in (replace(second, state=RUNNING), replace(second, state=DONE)):
        await asked.append(replace(POLLED, job=change))
        found = await asked.next_job("pbx")
        order.append(found.job_id if found else None)

    assert [2, 1] == order


async def test_too_many_jobs_of_a_source_are_refused(asked: SqlJournal) -> None:
    for _ in range(MAX_WAITING_JOBS):
        await make(asked)

    with pytest.raises(Conflict, match=f"{MAX_WAITING_JOBS} jobs of pbx"):
        await make(asked)
    await make(asked, "other")
    await asked.work.cancel_job(1, NOW)
    reply = await make(asked)

    assert reply.endswith(b" waiting")


async def test_a_cancelled_job_is_not_begun(asked: SqlJournal) -> None:
    await make(asked)

    cancelled = await asked.work.cancel_job(1, NOW + SECOND)
    again = await asked.work.cancel_job(1, NOW + 9 * SECOND)

    assert (CANCELLED, NOW + SECOND) == (cancelled.state, cancelled.finished_at)
    assert cancelled == again
    assert None is await asked.next_job("pbx")


async def test_a_job_that_has_ended_cannot_be_cancelled_any_more(asked: SqlJournal) -> None:
    await make(asked)
    waiting = await asked.next_job("pbx")
    assert waiting is not None
    done = replace(waiting, state=DONE, finished_at=NOW)
    await asked.append(replace(POLLED, job=done))

    assert done == await asked.work.cancel_job(1, NOW + SECOND)


@pytest.mark.parametrize("job_id", [2, 0, -1, 2**80])
async def test_no_other_job_can_be_cancelled(asked: SqlJournal, job_id: int) -> None:
    await make(asked)

    with pytest.raises(NotFound, match=f"no job {job_id}"):
        await asked.work.cancel_job(job_id, NOW)
    assert None is await asked.reading.job(job_id)


async def test_aliases_of_another_journal_are_brought_along(asked: SqlJournal) -> None:
    given = [Alias("pbx", f"natural-{n:04}", f"call-{n}") for n in range(1_200)]

    counts = [await asked.work.import_aliases(some) for some in (given[:700], given, [*given, *given])]

    assert [700, 500, 0] == counts
    assert {one.natural_id: one.call_id for one in given} == await asked.aliases("pbx")


async def test_an_alias_that_is_given_twice_is_new_once(asked: SqlJournal) -> None:
    alias = Alias("pbx", "natural", "call")

    assert 1 == await asked.work.import_aliases([alias, alias])


@pytest.mark.parametrize("here", [True, False], ids=["in the journal", "in what is given"])
async def test_two_calls_for_one_natural_id_change_nothing(asked: SqlJournal, here: bool) -> None:
    first, other = Alias("pbx", "natural", "one"), Alias("pbx", "natural", "two")
    if here:
        await asked.work.import_aliases([first])

    with pytest.raises(Conflict, match="natural of pbx stands for one already"):
        await asked.work.import_aliases([Alias("pbx", "new", "call"), *([] if here else [first]), other])

    assert ({"natural": "one"} if here else {}) == await asked.aliases("pbx")
