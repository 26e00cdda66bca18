"""
What phone systems push: told at once, taken over by the polled row, kept as a reject where nothing could
ever confirm it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.errors import SourceAbsent
from relay.model.source_work import PUSH
from relay.pipeline.inbox import ITEMS_AT_ONCE, PUSHES
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.testing.scripted_source import ScriptedSource
from tests.pipeline.polling import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    SETTINGS,
    CallList,
    Polling,
    polling,
    query,
    queue_row,
    ringing,
    user_row,
)
from tests.pipeline.the_past import A_CALL, call_events


async def reasons(running: Polling) -> list[str]:
    """
    Return why pushes were not taken; all that was put down was looked at.
    """
    assert [] == await running.journal.inbox("pbx", 10)
    return [reject.why for reject in await running.journal.stored_rejects("pbx", PUSHES, b"", 10)]


def pushed_rows(running: Polling) -> tuple[float, float]:
    """
    Return how many rows a push had told of, and of how many it had not.
    """
    return tuple(running.sample("relay_push_rows_total", push=push) for push in ("came", "lost"))  # type: ignore[return-value] # two of them


async def test_a_push_is_told_before_any_poll_shows_it(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        asked, start = len(calls.pulled), clock.now()
        await running.pushed(start)
        (event,) = await call_events(running)

    assert (asked, start) == (len(calls.pulled), clock.now())
    assert ("call.started", "push", "0412345678") == (
        event["type"],
        event["data"]["origin"],
        event["data"]["from_raw"],
    )


@pytest.mark.parametrize("off_s", [-2, 0, 2])
async def test_the_polled_row_goes_on_under_the_name_that_the_push_was_given(
    journal_path: Path, clock: ManualClock, calls: CallList, off_s: int
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        start = clock.now()
        await running.pushed(start)
        await running.pass_time(60)
        calls.rows[USER_CALLS] = [user_row(start + off_s * SECOND)]
        await running.pass_time(120)
        events = await call_events(running)

    assert A_CALL == [event["type"] for event in events]
    assert ["push", "live", "live"] == [event["data"]["origin"] for event in events]
    assert 1 == len({event["data"]["call_id"] for event in events})
    assert [(1, 0)] == query(journal_path, "SELECT count(*), sum(is_provisional) FROM legs")


async def test_a_push_that_comes_again_or_after_its_row_changes_nothing(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        start = clock.now()
        for _ in range(2):
            await running.pushed(start)
        told = len(await call_events(running))
        calls.rows[USER_CALLS] = [user_row(start)]
        await running.pass_time(120)
        await running.pushed(start + SECOND)
        events = await call_events(running)

    assert 1 == told
    assert A_CALL == [event["type"] for event in events]


async def test_a_push_that_came_while_relay_was_away_is_taken_when_it_is_back(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        await running.put_down(PUSH, ringing(clock.now()))
    clock.advance(60)
    back_at = clock.now()
    async with polling(journal_path, clock) as running:
        await running.steps(2)
        (event,) = await call_events(running)

        assert ([], back_at) == (await running.journal.inbox("pbx", 10), clock.now())
    assert "push" == event["data"]["origin"]


@pytest.mark.parametrize("skew_s", [-600, 600])
@pytest.mark.parametrize("tells_start", [True, False])
async def test_pushes_of_a_phone_system_whose_clock_is_wrong_are_adopted_as_well(
    journal_path: Path, clock: ManualClock, calls: CallList, skew_s: int, tells_start: bool
) -> None:
    """
    What a push does not tell is taken from our clock, what rows tell is of the phone system's.
    """
    calls.skew = skew_s * SECOND
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        start = clock.now() + calls.skew
        await running.pushed(start, **({} if tells_start else {"call_start_at": None}))
        told = len(await call_events(running))
        await running.pass_time(60)
        calls.rows[USER_CALLS] = [user_row(start)]
        await running.pass_time(120)
        events = await call_events(running)

    assert 1 == told
    assert A_CALL == [event["type"] for event in events]


async def test_a_push_that_waited_for_relay_to_start_is_read_by_the_phone_systems_clock_too(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.skew = 600 * SECOND
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        await running.put_down(PUSH, ringing(clock.now() + calls.skew))
    async with polling(journal_path, clock, calls) as running:
        await running.steps(2)

        assert ["call.started"] == [event["type"] for event in await call_events(running)]


# how many get lost


async def test_rows_are_counted_by_whether_a_push_told_of_them(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        start = clock.now()
        await running.pushed(start)
        before = user_row(start - 30 * SECOND, from_number="0499999990")
        lost = [user_row(start + place * SECOND, from_number=f"049999999{place}") for place in range(1, 4)]
        calls.rows = {USER_CALLS: [before, user_row(start), *lost], QUEUE_CALLS: [queue_row(start + SECOND)]}
        await running.pass_time(300)
        counted = pushed_rows(running)

    assert (1, 4) == counted


async def test_a_phone_system_that_pushes_nothing_loses_no_push(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        calls.rows[USER_CALLS] = [user_row(clock.now())]
        await running.pass_time(300)

        assert A_CALL == [event["type"] for event in await call_events(running)]
        assert (0, 0) == pushed_rows(running)


# what is not taken


@pytest.mark.parametrize(
    ("push", "why"),
    [
        ({}, "from_number is missing"),
        (ringing(DEFAULT_START, type="voicemail"), "voicemail is no trigger of a call"),
        (ringing(DEFAULT_START, call_start_at="yesterday"), "call_start_at is 'yesterday'"),
        (ringing(DEFAULT_START + HOUR), "starts in the future"),
        (ringing(DEFAULT_START, caller_id="0" * 1_001), "from_number is '000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_push_that_cannot_be_read_is_kept_with_its_reason(
    journal_path: Path, clock: ManualClock, push: dict[str, Any], why: str
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        await running.put_down(PUSH, push)
        await running.put_down(PUSH, ringing(clock.now()))
        await running.steps(1)
        (told,) = await reasons(running)
        (reject,) = await running.journal.stored_rejects("pbx", None, b"", 10)
        (data,) = await running.data_of("source.row_rejected")

        assert ["call.started"] == [event["type"] for event in await call_events(running)]
        assert 1 == running.sample("relay_push_rejects_total")
    assert told.startswith("pushed: ")
    assert why in told
    assert (PUSHES, push) == (reject.stream, reject.row)
    assert (PUSHES, 1, [told]) == (data["stream"], data["count"], [one["why"] for one in data["samples"]])


@pytest.mark.parametrize(
    ("ago", "is_taken"),
    [(SETTINGS.lookback - MINUTE, True), (SETTINGS.lookback + MINUTE, False), (90 * DAY, False)],
)
async def test_a_push_of_before_the_lookback_is_a_reject_as_nothing_could_confirm_it(
    journal_path: Path, clock: ManualClock, ago: Any, is_taken: bool
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        await running.pushed(clock.now() - ago)
        why = await reasons(running)

        assert is_taken == bool(await call_events(running))
    assert ([] if is_taken else ["pushed: it began before the look-back"]) == why
    assert [(int(is_taken),)] == query(journal_path, "SELECT count(*) FROM legs")


@pytest.mark.parametrize("is_absent", [False, True], ids=["not asked for", "not there"])
async def test_a_push_of_a_stream_that_is_not_read_is_a_reject(
    journal_path: Path, clock: ManualClock, is_absent: bool
) -> None:
    streams = (USER_CALLS, QUEUE_CALLS) if is_absent else (USER_CALLS, RINGGROUP_CALLS)
    source = ScriptedSource("pbx", clock, streams)
    source.then(QUEUE_CALLS, *[SourceAbsent("pbx", "http_4xx", "answered 404")] * 3)
    async with polling(journal_path, clock, source) as running:
        await running.pass_time(300)
        await running.put_down(PUSH, queue_row(clock.now()))
        await running.steps(1)

        assert ["pushed: queue_calls is not read of this source"] == await reasons(running)
        assert [] == await call_events(running)


async def test_the_row_of_a_push_that_was_not_taken_is_told_when_it_is_polled(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    """
    Its clock was wrong; the phone system's list is right.
    """
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        await running.pushed(clock.now() - DAY)
        calls.rows[USER_CALLS] = [user_row(clock.now())]
        await running.pass_time(60)
        events = await call_events(running)

    assert A_CALL == [event["type"] for event in events]
    assert {"live"} == {event["data"]["origin"] for event in events}


# many at once


async def test_a_burst_of_pushes_is_taken_at_once_and_turns_go_on(
    journal_path: Path, clock: ManualClock
) -> None:
    count = 2 * ITEMS_AT_ONCE + 50
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        began_at, asked = clock.now(), len(running.source.pulled)
        for place in range(count):
            await running.put_down(PUSH, ringing(began_at, caller_id=f"04{place:08d}", unique_call_id=place))
        await running.steps(3)
        left = await running.journal.inbox("pbx", 1)
        told = await call_events(running)
        took_s = (clock.now() - began_at).total_seconds()
        await running.polls(3)

    assert ([], count) == (left, len(told))
    assert (0, count) == (took_s, len({event["subject"] for event in told}))
    assert asked + 3 == len(running.source.pulled)
