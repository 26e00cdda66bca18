"""
When a call is said to be settled: nothing more can come, and that was seen.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, USER_CALLS
from relay.model.coverage import DEEP
from relay.model.errors import SourceAbsent, SourceUnreachable
from relay.model.source_work import PUSH
from relay.model.times import from_rfc3339
from relay.pipeline.ends import SETTLED_AT_ONCE
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from tests.pipeline.polling import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    SLOW,
    WINDOW_S,
    Polling,
    missed_row,
    polling,
    ringing,
    user_row,
)

PUBLISH_FROM: Final = DEFAULT_START - HOUR
ENDED_AT: Final = DEFAULT_START - 30 * SECOND
DOWN: Final = SourceUnreachable("pbx", "http_5xx", "answered 503")


async def settled(running: Polling) -> int:
    """
    Return how many calls were said to be settled.
    """
    return (await running.types()).count("call.settled")


async def test_a_call_settles_with_the_first_deep_read_of_each_stream_a_lookback_after_its_end(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        running.source.show(USER_CALLS, [user_row()])
        await running.pass_time((ENDED_AT + SLOW.lookback - clock.now()).total_seconds())
        before = await settled(running)
        await running.pass_time(2 * WINDOW_S)
        (data,) = await running.data_of("call.settled")
        reads = await running.journal.reads("pbx", ENDED_AT + SLOW.lookback + SECOND, [DEEP])

    assert 0 == before
    assert max(reads[stream][0].as_of for stream in CALL_STREAMS) == from_rfc3339(data["occurred_at"])
    assert (True, 4) == (data["final"], data["revision"])


async def test_a_call_is_settled_once_also_over_restarts(journal_path: Path, clock: ManualClock) -> None:
    for _ in range(3):
        async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
            running.source.show(USER_CALLS, [user_row()])
            await running.pass_time(4_000)

            assert 1 == await settled(running)


async def test_a_stream_that_does_not_answer_holds_settling_back_and_one_that_is_absent_does_not(
    journal_path: Path, clock: ManualClock
) -> None:
    absent = SourceAbsent("pbx", "http_4xx", "answered 404")
    for error, expected in ((DOWN, 0), (absent, 1)):
        path = journal_path.with_name(f"{error.reason}.db")
        async with polling(path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
            running.source.show(USER_CALLS, [user_row(clock.now() - MINUTE)])
            running.source.then(QUEUE_CALLS, *[error] * 500)
            await running.pass_time(3 * 3600)

            assert expected == await settled(running)
            running.source.show(QUEUE_CALLS, [])
            await running.pass_time(3 * WINDOW_S)

            assert 1 == await settled(running)


async def test_an_open_gap_over_a_call_holds_it_back(journal_path: Path, clock: ManualClock) -> None:
    """
    Answers are cut behind the call: what is before that may hold a leg of it.
    """
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        running.source.show(USER_CALLS, [user_row()])
        running.source.cut(QUEUE_CALLS, DEFAULT_START - 20 * SECOND, "too_many_rows")
        await running.pass_time(3 * 3600)
        before = await settled(running), len(await running.journal.open_gaps("pbx"))
        running.source.mend(QUEUE_CALLS)
        await running.pass_time(2 * WINDOW_S)

        assert (0, 1) == before
        assert (1, []) == (await settled(running), await running.journal.open_gaps("pbx"))


async def test_a_call_that_is_open_is_not_settled(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        opened = user_row(call_finished_at=None, call_duration=0, conversation_duration=0)
        running.source.show(USER_CALLS, [opened])
        await running.pass_time(3 * 3600)

        assert ["call.started"] == [word for word in await running.types() if word.startswith("call")]


async def test_a_silent_call_stays_silent(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock, publish_from=DEFAULT_START, settings=SLOW) as running:
        running.source.show(USER_CALLS, [user_row()])
        await running.pass_time(3 * 3600)

        assert 0 == await settled(running)


async def test_a_correction_after_that_is_an_update_and_no_second_settling(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        running.source.show(USER_CALLS, [user_row(), user_row(from_number="0499999999")])
        await running.pass_time(2 * 3600)
        running.source.show(USER_CALLS, [user_row(user_name="Bob"), user_row(from_number="0499999999")])
        await running.pass_time(2 * 3600)
        types = [word for word in await running.types() if word.startswith("call.")]

    assert ["call.settled"] * 2 + ["call.updated"] == types[-3:]
    assert 2 == types.count("call.settled")


async def test_many_calls_settle_though_the_oldest_of_them_may_not(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    A hundred are looked at together; those that a gap holds back must not hide the others.
    """
    start = DEFAULT_START - 50 * MINUTE
    old = [user_row(start + place * SECOND / 10, from_number=f"04{place:08d}") for place in range(150)]
    new = [user_row(from_number=f"05{place:08d}") for place in range(120)]
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        running.source.show(USER_CALLS, [*new, *reversed(old)])
        running.source.cut(QUEUE_CALLS, DEFAULT_START - 40 * MINUTE, "too_many_rows")
        await running.pass_time(2 * 3600)
        subjects = {event["subject"] for event in await running.events() if event["type"] == "call.settled"}
        numbers = {data["from_raw"][:2] for data in await running.data_of("call.settled")}

    assert (len(new), {"05"}) == (len(subjects), numbers)


async def test_a_held_end_that_goes_out_in_time_settles_as_well(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        running.source.show(USER_CALLS, [missed_row()])
        await running.pass_time(2 * 3600)

        assert ["call.started", "call.missed", "call.settled"] == [
            word for word in await running.types() if word.startswith("call")
        ]


async def test_a_push_that_no_read_confirms_ends_unknown_a_lookback_later(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        await running.polls(3)
        await running.put_down("push", ringing(clock.now()))
        await running.pass_time(3_000)
        early = [word for word in await running.types() if word.startswith("call")]
        await running.pass_time(3_000)
        data = (await running.data_of("call.finished"))[0]

    assert ["call.started"] == early
    assert ("unknown", None, None) == (data["outcome"], data["duration_s"], data["talk_s"])


@pytest.mark.parametrize(("phones", "every_s"), [(1, 0), (2, 1)])
async def test_many_pushes_that_nothing_confirms_keep_no_other_from_ending(
    journal_path: Path, clock: ManualClock, phones: int, every_s: int
) -> None:
    """
    More than are looked at at once, whether they ring at one phone each or at two.
    """
    calls = SETTLED_AT_ONCE // phones + 10
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        await running.polls(3)
        began_at = clock.now() - 200 * SECOND
        for place in range(calls * phones):
            of_call = place // phones
            await running.put_down(
                PUSH,
                ringing(
                    began_at + of_call * every_s * SECOND,
                    caller_id=f"04{of_call:08d}",
                    user_name=f"Ann {place % phones}",
                    unique_call_id=None,
                ),
            )
        await running.pass_time(2 * 3_600)
        first = await running.data_of("call.finished")
        await running.pushed(clock.now(), caller_id="0499999999", unique_call_id=None)
        await running.pass_time(2 * 3_600)
        ended = await running.data_of("call.finished")

    assert calls == len(first)
    assert {phones} == {len(data["legs"]) for data in first}
    assert ["0499999999"] == [data["from_raw"] for data in ended[calls:]]
    assert {"unknown"} == {data["outcome"] for data in ended}


async def test_pushes_whose_time_is_not_read_keep_no_other_from_ending(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Of the time of the first ones the phone system shows nothing, so that nothing is proven of them.
    """
    count = SETTLED_AT_ONCE + 10
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        await running.polls(3)
        began_at = clock.now()
        for place in range(count):
            await running.put_down(
                PUSH,
                ringing(
                    began_at + place // 2 * timedelta(milliseconds=1),
                    caller_id=f"04{place // 2:08d}",
                    user_name=f"Ann {place % 2}",
                    unique_call_id=None,
                ),
            )
        await running.pass_time(60)
        running.source.cut(USER_CALLS, clock.now(), "too_many_rows")
        await running.pushed(clock.now() + 10 * SECOND, caller_id="0499999999", unique_call_id=None)
        await running.pass_time(3 * 3_600)
        ended = await running.data_of("call.finished")

    assert ["0499999999"] == [data["from_raw"] for data in ended]


async def test_a_row_that_is_never_closed_holds_the_watermark_for_three_days_only(
    journal_path: Path, clock: ManualClock
) -> None:
    opened = user_row(call_finished_at=None, call_duration=0, conversation_duration=0)
    watermarks = []
    for pause in (4 * HOUR, 2 * DAY, DAY):
        async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
            running.source.show(USER_CALLS, [opened])
            await running.pass_time(1_200)
            watermarks.append((await running.journal.source_head("pbx")).watermark)
        clock.advance(pause.total_seconds())
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        running.source.show(USER_CALLS, [opened])
        await running.pass_time(1_200)
        last = (await running.journal.source_head("pbx")).watermark

    assert all(at is None or at <= DEFAULT_START - MINUTE for at in watermarks)
    assert last is not None
    assert clock.now() - SLOW.lookback - 2 * HOUR <= last


async def test_what_waited_while_relay_was_away_for_days_settles_after_its_first_reads(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        running.source.show(USER_CALLS, [user_row()])
        await running.polls(3)
    clock.advance(timedelta(days=4).total_seconds())
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM, settings=SLOW) as running:
        running.source.show(USER_CALLS, [user_row(), user_row(clock.now() - DAY, from_number="0499999999")])
        await running.pass_time(1_200)
        settled = await running.data_of("call.settled")

    assert ["0412345678", "0499999999"] == sorted(data["from_raw"] for data in settled)
