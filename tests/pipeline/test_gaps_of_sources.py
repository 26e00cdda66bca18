"""
What could not be read is said, and that it was made up for; hours that are complete are said too.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, USER_CALLS
from relay.model.errors import SourceAbsent, SourceError, SourceRefused, SourceUnreachable
from relay.model.times import from_rfc3339
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from tests.pipeline.polling import (
    HOUR,
    MINUTE,
    SECOND,
    SLOW,
    WINDOW_S,
    CallList,
    Polling,
    polling,
    user_row,
)

DOWN = SourceUnreachable("pbx", "http_5xx", "answered 503")


def breaks(running: Polling, stream: str, error: SourceError = DOWN) -> None:
    """
    Let a stream answer once more, and then only with errors.
    """
    running.source.then(stream, *[error] * 1_000)


async def gaps_told(running: Polling) -> list[tuple[str, str, str]]:
    """
    Return what was told of gaps: the word, the stream and the reason.
    """
    return [
        (event["type"], event["data"]["stream"], event["data"]["reason"])
        for event in await running.events()
        if event["type"].startswith("source.gap")
    ]


async def hours_told(running: Polling) -> list[datetime]:
    """
    Return the begins of the hours that were said to be complete.
    """
    return [from_rfc3339(data["hour_from"]) for data in await running.data_of("source.watermark")]


async def test_a_stream_that_does_not_answer_opens_one_gap_and_its_answer_closes_it(
    journal_path: Path, clock: ManualClock
) -> None:
    row = user_row(DEFAULT_START + 1_000 * SECOND)
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        breaks(running, USER_CALLS)
        await running.pass_time(2_000)
        last_read = (await running.journal.coverage("pbx"))[USER_CALLS][-1].end
        told = await gaps_told(running)
        (opened,) = await running.data_of("source.gap_opened")
        (gap,) = await running.journal.open_gaps("pbx")

        assert [("source.gap_opened", USER_CALLS, "http_5xx")] == told
        assert (last_read, None) == (from_rfc3339(opened["gap_from"]), opened["gap_to"])
        assert (last_read, None) == (gap.start, gap.end)

        running.source.show(USER_CALLS, [row])
        await running.pass_time(400)

        assert [*told, ("source.gap_closed", USER_CALLS, "http_5xx")] == await gaps_told(running)
        (closed,) = await running.data_of("source.gap_closed")
        read_at = next(read.as_of for read in (await running.journal.reads("pbx", gap.opened_at))[USER_CALLS])
        assert [] == await running.journal.open_gaps("pbx")
    assert (opened["gap_from"], read_at, 1) == (
        closed["gap_from"],
        from_rfc3339(closed["gap_to"]),
        closed["rows_recovered"],
    )


async def test_a_short_failure_is_no_gap(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, *[DOWN] * 5)
        await running.pass_time(2_000)

        assert [] == await gaps_told(running)


async def test_time_in_which_relay_did_not_run_is_made_up_for_in_the_first_round(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
    clock.advance(10 * 3600)
    async with polling(journal_path, clock) as running:
        await running.polls(6)  # each stream twice, since it is empty
        told = await gaps_told(running)

        assert {"not_running"} == {reason for _, _, reason in told}
        # The first stream that is asked makes up for it before anything is told.
        assert sorted(told) == sorted(
            (word, stream, "not_running")
            for word in ("source.gap_opened", "source.gap_closed")
            for stream in CALL_STREAMS[1:]
        )
        assert [] == await running.journal.open_gaps("pbx")
        assert all(1 == len(parts) for parts in (await running.journal.coverage("pbx")).values())


async def test_time_in_which_relay_did_not_run_is_told_where_the_phone_system_does_not_answer_either(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        read_to = (await running.journal.coverage("pbx"))[USER_CALLS][-1].end
    clock.advance(10 * 3600)
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, SourceRefused("pbx", "auth", "answered 401"))
        await running.polls(1)
        opened = await running.data_of("source.gap_opened")

    assert {"auth", "not_running"} == {data["reason"] for data in opened}
    assert read_to == from_rfc3339(next(data for data in opened if data["stream"] == USER_CALLS)["gap_from"])


async def test_a_restart_tells_no_gap_again(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        breaks(running, USER_CALLS)
        await running.pass_time(2_000)
        told = await gaps_told(running)
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, *[DOWN] * 100)
        await running.pass_time(2_000)

        assert 1 == len(told)
        assert told == await gaps_told(running)


async def test_a_stream_that_the_tenant_lacks_owes_nothing(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(QUEUE_CALLS, *[SourceAbsent("pbx", "http_4xx", "answered 404")] * 99)
        await running.pass_time(3 * 3600)

        assert [] == await gaps_told(running)
        assert "absent" == (await running.journal.stream_states("pbx"))[QUEUE_CALLS].state


async def test_what_an_answer_was_cut_off_from_is_a_gap_at_once_and_named(
    journal_path: Path, clock: ManualClock
) -> None:
    cut_at = DEFAULT_START - 2 * HOUR
    async with polling(journal_path, clock) as running:
        running.source.cut(USER_CALLS, cut_at, "too_many_rows")
        await running.polls(1)
        (opened,) = await running.data_of("source.gap_opened")

    assert (DEFAULT_START - 4 * HOUR, cut_at, USER_CALLS) == (
        from_rfc3339(opened["gap_from"]),
        from_rfc3339(opened["gap_to"]),
        opened["stream"],
    )


@pytest.mark.parametrize("skew_s", [-290, -1, 1, 290])
async def test_a_clock_that_is_seen_to_go_otherwise_opens_no_gap_before_the_first_read(
    journal_path: Path, clock: ManualClock, skew_s: int
) -> None:
    async with polling(journal_path, clock) as running:
        for step in range(6):
            running.source.skew = skew_s * SECOND * (step % 3) / 2
            await running.polls(3)

        assert [] == await gaps_told(running)


async def test_an_hour_is_complete_once_every_stream_was_read_a_lookback_after_it(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock, settings=SLOW) as running:
        await running.pass_time(3 * 3600)
        told = await hours_told(running)
        await running.pass_time(4 * 3600)
        later = await hours_told(running)
        now = clock.now()

    first = DEFAULT_START - 4 * HOUR  # where publishing began
    assert [first + place * HOUR for place in range(len(told))] == told
    assert [first + place * HOUR for place in range(len(later))] == later
    assert 4 == len(later) - len(told)
    assert now - SLOW.lookback - HOUR - 2 * WINDOW_S * SECOND <= later[-1] + HOUR <= now - SLOW.lookback


async def test_no_hour_behind_an_open_gap_is_complete(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock, settings=SLOW) as running:
        await running.pass_time(2 * 3600)
        breaks(running, QUEUE_CALLS)
        await running.pass_time(300)
        before = await hours_told(running)
        await running.pass_time(3 * 3600)
        meanwhile = await hours_told(running)
        running.source.show(QUEUE_CALLS, [])
        await running.pass_time(1_800)
        later = await hours_told(running)

    assert before
    assert before == meanwhile
    assert 3 <= len(later) - len(before)


async def test_a_call_that_is_still_open_keeps_its_hour_incomplete(
    journal_path: Path, clock: ManualClock
) -> None:
    start = DEFAULT_START - 10 * MINUTE
    async with polling(journal_path, clock, settings=SLOW) as running:
        opened = user_row(start, call_finished_at=None, call_duration=0, conversation_duration=0)
        running.source.show(USER_CALLS, [opened])
        await running.pass_time(3 * 3600)
        told = await hours_told(running)

    assert max(told) + HOUR <= start


async def test_rows_that_begin_to_appear_at_the_end_of_calls_are_told_as_drift(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    The vendor showed calls from their start on, and one day shows them once they are over.
    """
    source = CallList(clock)
    async with polling(journal_path, clock, source) as running:
        await running.polls(3)
        for number in range(20):
            start = clock.now() + 5 * SECOND
            phone = {"from_number": f"04{number:08d}", "call_finished_at": None, "conversation_duration": 0}
            source.rows.setdefault(USER_CALLS, []).append(user_row(start, **phone))
            await running.pass_time(60)
        before = await running.data_of("source.schema_drift")
        for number in range(90):
            start = clock.now() - 200 * SECOND
            ended = {"call_finished_at": (start + 195 * SECOND).isoformat(), "call_duration": 195}
            source.rows[USER_CALLS].append(user_row(start, from_number=f"05{number:08d}", **ended))
            await running.pass_time(60)
        (drift,) = await running.data_of("source.schema_drift")

    assert [] == before
    assert (USER_CALLS, "start", "end") == (
        drift["stream"],
        drift["was"]["appears_at"],
        drift["now"]["appears_at"],
    )
