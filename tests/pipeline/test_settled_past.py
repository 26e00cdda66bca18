"""
Calls that ended long ago settle when their past was read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from relay.model.call import USER_CALLS
from relay.model.coverage import Interval
from relay.model.event import LIVE
from relay.pipeline.ends import SETTLED_AT_ONCE
from relay.testing.manual_clock import ManualClock
from tests.pipeline.polling import DAY, CallList, Polling, polling, user_row
from tests.pipeline.the_past import A_CALL, LONG_AGO, PUBLISH_FROM, call_events, done, of_day, open_old_gap

FAR_BACK: Final = LONG_AGO - 300 * DAY


async def settled(running: Polling) -> list[dict[str, Any]]:
    """
    Return the data of the events that say that calls are settled.
    """
    return [event["data"] for event in await running.events() if event["type"] == "call.settled"]


async def test_what_a_backfill_told_settles_behind_it(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = [row for day in range(40) for row in of_day(FAR_BACK + day * DAY)]
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await done(running, await running.job(FAR_BACK, FAR_BACK + 40 * DAY))
        await running.pass_time(120)
        data = await settled(running)

    assert 200 == len({one["call_id"] for one in data}) == len(data)
    assert {(LIVE, True)} == {(one["origin"], one["final"]) for one in data}


async def test_a_call_over_the_edge_of_two_stretches_settles_too(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = [user_row(FAR_BACK + DAY * 0.9999)]
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await done(running, await running.job(FAR_BACK, FAR_BACK + 3 * DAY))
        await running.pass_time(120)

        assert 1 == len(await settled(running))


async def test_calls_of_an_old_gap_settle_when_it_was_read(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    start, _ = await open_old_gap(journal_path, clock)
    calls.rows[USER_CALLS] = [*of_day(start), *of_day(start + 2 * DAY)]
    async with polling(journal_path, clock, calls) as running:
        await running.pass_time(240)
        data = await settled(running)

    assert 10 == len({one["call_id"] for one in data}) == len(data)
    assert {LIVE} == {one["origin"] for one in data}


async def test_what_was_told_just_before_a_crash_settles_after_it(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    """
    More than one portion, so that the old calls are looked at in steps.
    """
    count = SETTLED_AT_ONCE + 20
    calls.rows[USER_CALLS] = [row for day in range(count // 5) for row in of_day(FAR_BACK + day * DAY)]
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await running.job(FAR_BACK, FAR_BACK + 30 * DAY)
        while len(await call_events(running)) < len(A_CALL) * count:
            await running.steps(1)
        before = len(await settled(running))
    async with polling(journal_path, clock, calls) as running:
        await running.pass_time(300)
        after = await settled(running)

    assert before < count
    assert count == len({one["call_id"] for one in after}) == len(after)


async def test_reads_that_cover_none_of_a_stretch_are_left_out(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await done(running, await running.job(FAR_BACK, FAR_BACK + DAY))
        journal = running.journal
        touching = await journal.reads("pbx", FAR_BACK, touching=Interval(FAR_BACK, FAR_BACK + DAY))
        beside = await journal.reads(
            "pbx", FAR_BACK, touching=Interval(FAR_BACK + 3 * DAY, FAR_BACK + 4 * DAY)
        )

    assert {"backfill"} == {read.tier for read in touching[USER_CALLS]}
    assert {} == beside
