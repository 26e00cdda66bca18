"""
What an append writes besides events and calls: reads, gaps, jobs, inbox, aliases, replayed rejects; all of it
or nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relay.journal.appending import append
from relay.journal.matching import Matcher
from relay.journal.port import Append, NearKeys, StreamState
from relay.journal.preparing import prepare
from relay.journal.sqlite import sqlite_engine
from relay.journal.statements import sqlite_driver
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.change import Reject, SourceChange
from relay.model.coverage import DEEP, HEAD, RECONCILE, Gap, Interval
from relay.model.errors import RevisionConflict
from relay.model.source_work import BACKFILL, CANCELLED, DONE, RUNNING, Alias, SourceJob, StoredReject
from tests.journal.making import (
    NOW,
    SECOND,
    append_of,
    call_change,
    call_with,
    endpoint_spec,
    leg_of,
    read_of,
)

POLLED = Append("pbx", "user_calls", NOW)
GAP = Gap("user_calls", NOW, None, "unreachable", NOW + SECOND)


@pytest.fixture
async def polled(journal: SqlJournal) -> SqlJournal:
    """
    Give a journal that knows two sources.
    """
    for source_id in ("pbx", "other"):
        await journal.register_source(source_id, "voipcloud", NOW, NOW)
    return journal


async def put(journal: SqlJournal, source_id: str = "pbx", kind: str = "push") -> int:
    """
    Put an item into an inbox.
    """
    return int(await journal.work.put_down(source_id, kind, {"a": [1]}, lambda number: b"%d" % number, NOW))


async def job_of(journal: SqlJournal) -> SourceJob:
    """
    Make a job and return it as its owner sees it.
    """
    await journal.work.make_job("pbx", BACKFILL, NOW, NOW + 9 * SECOND, lambda job: b"made", NOW)
    job = await journal.next_job("pbx")
    assert job is not None
    return job


async def test_reads_come_by_stream_oldest_first(polled: SqlJournal) -> None:
    deep, head, queue = read_of(0, 10), read_of(8, 20, tier=HEAD), read_of(0, 15, "queue_calls", RECONCILE)
    for read in (head, queue, deep):
        await polled.append(replace(POLLED, stream=read.stream, read=read))
    await polled.append(replace(POLLED, source_id="other", read=read_of(0, 12)))

    assert {"user_calls": [deep, head], "queue_calls": [queue]} == await polled.reads("pbx", NOW)
    assert {"user_calls": [head]} == await polled.reads("pbx", NOW + 16 * SECOND)
    assert {"user_calls": [deep]} == await polled.reads("pbx", NOW, (DEEP,))
    assert [Interval(NOW, NOW + 20 * SECOND)] == (await polled.coverage("pbx"))["user_calls"]


async def test_a_gap_opens_grows_and_closes(polled: SqlJournal) -> None:
    later = replace(GAP, start=NOW + 60 * SECOND, stream="queue_calls")
    await polled.append(replace(POLLED, gaps=(later, GAP)))
    opened = await polled.open_gaps("pbx")
    ended = replace(GAP, end=NOW + 30 * SECOND)
    await polled.append(replace(POLLED, gaps=(ended,)))
    grown = await polled.open_gaps("pbx")
    closed = replace(ended, closed_at=NOW + 99 * SECOND, rows_recovered=4)
    await polled.append(replace(POLLED, gaps=(closed,)))

    assert [[GAP, later], [ended, later], [later]] == [opened, grown, await polled.open_gaps("pbx")]
    assert [] == await polled.open_gaps("other")


async def test_a_gap_that_was_closed_opens_again(polled: SqlJournal) -> None:
    closed = replace(GAP, end=NOW + SECOND, closed_at=NOW + 9 * SECOND, rows_recovered=0)
    for gap in (GAP, closed, GAP):
        await polled.append(replace(POLLED, gaps=(gap,)))

    assert [GAP] == await polled.open_gaps("pbx")


async def test_taken_items_leave_the_inbox_and_no_other_ones(polled: SqlJournal) -> None:
    numbers = [await put(polled) for _ in range(3)]
    foreign = await put(polled, "other")

    await polled.append(replace(POLLED, taken_items=(numbers[0], numbers[2], foreign)))

    assert [numbers[1]] == [item.item_id for item in await polled.inbox("pbx", 10)]
    assert [foreign] == [item.item_id for item in await polled.inbox("other", 10)]


async def test_the_number_of_a_taken_item_is_not_used_again(polled: SqlJournal) -> None:
    first = await put(polled)
    await polled.append(replace(POLLED, taken_items=(first,)))

    assert first + 1 == await put(polled)


async def test_a_job_keeps_how_far_it_has_come(polled: SqlJournal) -> None:
    job = await job_of(polled)
    under_way = replace(
        job,
        state=RUNNING,
        started_at=NOW + SECOND,
        read_to={"user_calls": NOW + 3 * SECOND},
        requests=2,
        rows=30,
        events=9,
        missing=1,
    )
    await polled.append(replace(POLLED, job=under_way))
    found = await polled.next_job("pbx")
    done = replace(under_way, state=DONE, finished_at=NOW + 5 * SECOND, reason="why not")
    await polled.append(replace(POLLED, job=done))

    assert under_way == found
    assert None is await polled.next_job("pbx")
    assert done == await polled.reading.job(job.job_id)


async def test_a_job_that_was_cancelled_meanwhile_stays_cancelled(polled: SqlJournal) -> None:
    job = await job_of(polled)
    cancelled = await polled.work.cancel_job(job.job_id, NOW + 2 * SECOND)

    done = replace(job, state=DONE, finished_at=NOW + 9 * SECOND, requests=5, reason="nothing")
    await polled.append(replace(POLLED, job=done))

    assert CANCELLED == cancelled.state
    assert replace(cancelled, requests=5) == await polled.reading.job(job.job_id)


async def test_replayed_rejects_of_the_stream_are_none_any_more(polled: SqlJournal) -> None:
    rejects = tuple(Reject(name, {"odd": True}, "why") for name in (b"a", b"b"))
    for stream in ("user_calls", "queue_calls"):
        await polled.append(replace(POLLED, stream=stream, rejects=rejects))

    await polled.append(replace(POLLED, replayed=(b"a",)))

    assert [(b"a", "queue_calls"), (b"b", "queue_calls"), (b"b", "user_calls")] == [
        (reject.digest, reject.stream) for reject in await polled.stored_rejects("pbx", None, b"", 10)
    ]


async def test_the_watermark_is_part_of_the_head(polled: SqlJournal) -> None:
    head = await polled.source_head("pbx")
    moved = replace(head, watermark=NOW + 60 * SECOND, revision=1)
    await polled.append(replace(POLLED, source=SourceChange(moved, (), 0)))

    assert (None, moved) == (head.watermark, await polled.source_head("pbx"))


async def test_what_was_measured_of_a_stream_is_stored(polled: SqlJournal) -> None:
    state = StreamState(visibility={"class": "finish", "late_s": [1, 2.5]})
    await polled.append(replace(POLLED, stream_state=state))

    assert {"user_calls": state} == await polled.stream_states("pbx")


async def test_both_sides_of_a_merge_are_written_together(polled: SqlJournal) -> None:
    """
    The leg of the absorbed call is the survivor's from then on, and the absorbed call is near nothing.
    """
    await polled.append(append_of(call_change("kept", 1), call_change("gone", 1)))
    absorbed = replace(
        call_change("gone", 1, first_revision=2),
        call=call_change("gone", 2).call._replace(absorbed_into="kept"),
        legs=(),
    )
    moved = leg_of("gone")._replace(call_id="kept")
    survivor = replace(
        call_change("kept", 1, first_revision=2), legs=(leg_of("kept"), moved), also=(absorbed,)
    )

    appended = await polled.append(append_of(survivor, call_change("next", 1)))
    found = await polled.neighbourhood("pbx", NearKeys(["base-gone"], (), (), NOW, NOW, NOW))

    assert ["call/pbx/kept", "call/pbx/gone", "call/pbx/next"] == [one.subject for one in appended.events]
    assert {"kept": survivor.call} == found.calls
    assert [moved, leg_of("kept")] == sorted(found.legs)
    assert "kept" == absorbed.call.absorbed_into


async def test_the_other_side_of_a_merge_must_not_have_moved_on(polled: SqlJournal) -> None:
    await polled.append(append_of(call_change("gone", 2)))
    stale = replace(call_change("gone", 1, first_revision=2), legs=())

    with pytest.raises(RevisionConflict, match="call/pbx/gone has moved on"):
        await polled.append(append_of(replace(call_change("kept", 1), also=(stale,))))

    assert 2 == len(await polled.events_after(0, 10, 10**6))


async def test_of_two_aliases_the_first_stays(polled: SqlJournal) -> None:
    for name in ("a", "b"):
        change = replace(call_change(name, 1), aliases=(Alias("pbx", "natural", name),))
        await polled.append(append_of(change))

    assert ({"natural": "a"}, {}) == (await polled.aliases("pbx"), await polled.aliases("other"))


async def test_an_append_that_fails_leaves_nothing_of_any_part(polled: SqlJournal) -> None:
    await polled.append(append_of(call_change("moved", 1)))
    number, job = await put(polled), await job_of(polled)
    await polled.append(replace(POLLED, rejects=(Reject(b"old", {}, "why"),)))
    stale = SourceChange(replace(await polled.source_head("pbx"), watermark=NOW), (), 7)
    change = Append(
        "pbx",
        "user_calls",
        NOW,
        (replace(call_change("new", 1), aliases=(Alias("pbx", "n", "new"),)),),
        stale,
        (Reject(b"new", {}, "why"),),
        read_of(0, 10),
        StreamState("degraded"),
        (GAP,),
        (number,),
        replace(job, state=RUNNING),
        (b"old",),
    )

    with pytest.raises(RevisionConflict):
        await polled.append(change)

    assert ({}, {}, [], {}) == (
        await polled.aliases("pbx"),
        await polled.reads("pbx", NOW),
        await polled.open_gaps("pbx"),
        await polled.stream_states("pbx"),
    )
    assert [number] == [item.item_id for item in await polled.inbox("pbx", 10)]
    assert job == await polled.next_job("pbx")
    assert (b"old",) == (await polled.known_digests("pbx", "user_calls", NOW)).of_rejects
    assert 1 == len(await polled.events_after(0, 10, 10**6))


async def test_an_append_without_anything_of_a_source_takes_no_step_for_it(journal_path: Path) -> None:
    """
    Lock, calls, events known, events, deliveries, last seq, calls, legs, and the commit.
    """
    steps: list[str] = []
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await journal.sync_endpoints([endpoint_spec()], NOW)
    prepared = prepare(append_of(call_change("a")), 0, Matcher().current)
    with sqlite_engine(journal_path).connect() as conn:
        sqlite_driver(conn).set_trace_callback(steps.append)
        with conn.begin():
            appended = append(conn, 1, Matcher(), prepared)

    of_endpoints = [step for step in steps if "FROM endpoints" in step]
    assert 3 == len(appended.deliveries)
    assert 9 == len(steps) - len(of_endpoints) - len(["BEGIN"])


async def test_legs_and_calls_keep_what_is_new_of_them(polled: SqlJournal) -> None:
    leg = leg_of("a")._replace(is_provisional=True)
    change = call_with("a", leg, is_settled=True, absorbed_into="b")
    await polled.append(append_of(change))

    found = await polled.neighbourhood("pbx", NearKeys(["base-a"], (), (), NOW, NOW, NOW))

    assert ({"a": change.call}, [leg]) == (found.calls, found.legs)


async def test_rejects_are_stored_with_what_is_needed_to_replay_them(polled: SqlJournal) -> None:
    await polled.append(replace(POLLED, rejects=(Reject(b"x", ["row", None], "why"),)))

    assert [
        StoredReject("pbx", "user_calls", b"x", ["row", None], "why", NOW)
    ] == await polled.stored_rejects("pbx", "user_calls", b"", 10)
