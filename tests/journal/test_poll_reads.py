"""
What the poll loop asks of a journal between appends: how busy, whose names, how many requests, old reads.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from relay.journal.port import Append
from relay.journal.store import SqlJournal
from relay.model.change import Reject
from relay.model.coverage import BACKFILL, DEEP, HEAD
from relay.model.source_work import Allowance
from tests.journal.making import NOW, SECOND, append_of, call_with, leg_of, read_of

MONDAY = datetime.fromisoformat("2026-03-02T00:00:00Z")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("at", "hour_of_week"),
    [
        (MONDAY, 0),
        (MONDAY + 59 * 60 * SECOND, 0),
        (MONDAY - timedelta(milliseconds=1), 167),
        (MONDAY + 30 * HOUR, 30),
        (MONDAY - timedelta(weeks=9) + 5 * HOUR, 5),
    ],
)
async def test_legs_are_counted_by_hour_of_the_week(
    journal: SqlJournal, at: datetime, hour_of_week: int
) -> None:
    await journal.append(append_of(call_with("a", leg_of("a", started_at=at), leg_of("a", 1, started_at=at))))

    assert {"user_calls": {hour_of_week: 2}} == await journal.leg_counts("pbx", at)
    assert {} == await journal.leg_counts("pbx", at + timedelta(milliseconds=1))
    assert {} == await journal.leg_counts("other", at)


async def test_legs_of_weeks_add_up_by_stream(journal: SqlJournal) -> None:
    legs = [
        leg_of("a", 10 * week + day, started_at=MONDAY + timedelta(weeks=week, days=day), stream=stream)
        for week in range(3)
        for day, stream in enumerate(("user_calls", "queue_calls"))
    ]
    await journal.append(append_of(call_with("a", *legs)))

    assert {"user_calls": {0: 3}, "queue_calls": {24: 3}} == await journal.leg_counts("pbx", MONDAY)


@pytest.mark.parametrize(
    ("stream", "names"),
    [("user_calls", ["Ann", "Bob"]), ("queue_calls", ["Sales"]), ("ringgroup_calls", ["All"])],
)
async def test_names_are_those_that_a_stream_splits_by(
    journal: SqlJournal, stream: str, names: list[str]
) -> None:
    told: list[dict[str, object]] = [
        {"agent_name": "Bob", "queue": "Sales", "ring_group": "All"},
        {"agent_name": "Ann", "queue": "Sales", "ring_group": None},
        {"agent_name": None, "queue": None, "ring_group": None},
    ]
    legs = [leg_of("a", n, stream=stream, **facts) for n, facts in enumerate(told)]
    old = leg_of(
        "a", 9, stream=stream, agent_name="Old", queue="Old", ring_group="Old", started_at=NOW - SECOND
    )
    await journal.append(append_of(call_with("a", old, *legs)))

    assert names == await journal.known_names("pbx", stream, NOW)


async def test_an_allowance_is_kept_until_it_is_lifted(journal: SqlJournal) -> None:
    await journal.register_source("pbx", "voipcloud", NOW, NOW)
    shrunk = Allowance(0, NOW + SECOND)
    found = [await journal.allowance("pbx")]
    for noted in (Allowance(40, NOW), shrunk, None):
        await journal.note_allowance("pbx", noted)
        found.append(await journal.allowance("pbx"))

    assert [None, Allowance(40, NOW), shrunk, None] == found
    assert None is await journal.allowance("nowhere")


async def test_rejects_are_gone_through_by_digest(journal: SqlJournal) -> None:
    """
    What several streams have alike comes whole: the next page begins after its digest.
    """
    for stream in ("user_calls", "queue_calls", "ringgroup_calls"):
        rejects = tuple(Reject(digest, {}, "why") for digest in (b"a", b"b"))
        await journal.append(Append("pbx", stream, NOW, rejects=rejects))

    first = await journal.stored_rejects("pbx", None, b"", 2)
    second = await journal.stored_rejects("pbx", None, first[-1].digest, 4)
    of_stream = await journal.stored_rejects("pbx", "user_calls", b"", 1)

    assert [(b"a", 3), (b"b", 3)] == [(page[0].digest, len(page)) for page in (first, second)]
    assert [(b"a", "user_calls")] == [(reject.digest, reject.stream) for reject in of_stream]
    assert [] == await journal.stored_rejects("pbx", None, b"b", 4)


async def test_old_reads_are_forgotten_and_their_coverage_stays(journal: SqlJournal) -> None:
    ends = {HEAD: (10, 20, 30), DEEP: (5, 15, 25), BACKFILL: (6,)}
    for tier, seconds in ends.items():
        for end in seconds:
            await journal.append(Append("pbx", "user_calls", NOW, read=read_of(0, end, tier=tier)))

    removed = await journal.forget_reads(NOW + 30 * SECOND, NOW + 15 * SECOND)
    left = (await journal.reads("pbx", NOW))["user_calls"]

    assert 4 == removed
    assert [(DEEP, 15), (DEEP, 25), (HEAD, 30)] == [(read.tier, (read.as_of - NOW).seconds) for read in left]
    assert NOW + 30 * SECOND == (await journal.coverage("pbx"))["user_calls"][0].end


async def test_many_old_reads_are_forgotten_step_by_step(journal: SqlJournal) -> None:
    reads = [Append("pbx", "user_calls", NOW, read=read_of(0, n, tier=HEAD)) for n in range(1, 1_003)]
    for change in reads:
        await journal.append(replace(change, recorded_at=NOW))

    steps = [await journal.forget_reads(NOW + 9_999 * SECOND, NOW) for _ in range(3)]

    assert [1_000, 2, 0] == steps
