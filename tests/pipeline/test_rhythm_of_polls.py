"""
What polls read over time: newest rows, open calls and the whole look-back, as budget and vendor allow.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.coverage import DEEP, HEAD, WINDOW
from relay.model.errors import SourceAbsent, SourceRefused, SourceThrottled
from relay.model.source_work import Allowance
from relay.pipeline.tiers import SLACK
from relay.sources.port import OWN_QUOTA
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.testing.scripted_source import ScriptedSource
from tests.pipeline.polling import (
    HOUR,
    MINUTE,
    SECOND,
    SLOW,
    WINDOW_S,
    CallList,
    Polling,
    polling,
    ringing,
    user_row,
)

MINUTES_20 = 1_200


def open_row(start: datetime, **changes: Any) -> dict[str, Any]:
    """
    Make the row of a call that is under way.
    """
    return user_row(start, call_finished_at=None, call_duration=0, conversation_duration=0, **changes)


async def reads_of(running: Polling, stream: str = USER_CALLS) -> list[tuple[str, datetime]]:
    """
    Return the tiers of the reads of a stream, with when they were made.
    """
    reads = await running.journal.reads("pbx", DEFAULT_START)
    return [(read.tier, read.requested_at) for read in reads[stream]]


async def test_the_first_read_and_one_of_each_window_are_deep_and_the_others_show_the_newest_rows(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.pass_time(4 * WINDOW_S)
        reads = await reads_of(running)
        windows = running.asked(USER_CALLS)

    deep = [at for tier, at in reads if tier == DEEP]
    assert (DEEP, DEFAULT_START) == reads[0]
    assert {DEEP, HEAD} == {tier for tier, _ in reads}
    assert 4 == len(deep)
    assert all(
        WINDOW_S <= (later - earlier).total_seconds() <= WINDOW_S + 60 for earlier, later in pairwise(deep)
    )
    assert [(None if tier == DEEP else 200) for tier, _ in reads] == [window.rows for window in windows]


async def test_an_open_call_is_read_again_in_between_and_no_more_once_it_has_ended(
    journal_path: Path, clock: ManualClock
) -> None:
    start = DEFAULT_START - 50 * MINUTE
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [open_row(start)])
        await running.pass_time(MINUTES_20)
        tiers = Counter(tier for tier, _ in await reads_of(running))
        windows = {window for window in running.asked(USER_CALLS) if window.rows is None}
        running.source.show(USER_CALLS, [user_row(start)])
        await running.pass_time(WINDOW_S)
        asked = len(running.asked(USER_CALLS))
        await running.pass_time(WINDOW_S)
        later = running.asked(USER_CALLS)[asked:]

    assert 2 == tiers[DEEP]
    assert 5 <= tiers[WINDOW] <= 9
    assert start - SLACK in {window.start for window in windows}
    assert 1 >= sum(window.rows is None for window in later)


async def test_an_open_call_keeps_its_time_in_every_deep_read_however_long_it_lasts(
    journal_path: Path, clock: ManualClock
) -> None:
    start = DEFAULT_START - 2 * HOUR
    async with polling(journal_path, clock, settings=SLOW) as running:
        running.source.show(USER_CALLS, [open_row(start)])
        await running.pass_time(5 * 3600)
        last_deep = max(at for tier, at in await reads_of(running) if tier == DEEP)
        (read,) = [
            read for read in (await running.journal.reads("pbx", last_deep))[USER_CALLS] if read.tier == DEEP
        ]
        running.source.show(USER_CALLS, [user_row(start, call_duration=7 * 3600)])
        await running.pass_time(1_200)

        assert "call.finished" in await running.types()
    assert read.covered.start == start - SLACK


async def test_a_stream_with_open_calls_is_asked_more_often(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [open_row(DEFAULT_START - MINUTE)])
        await running.pass_time(MINUTES_20)
        asked = Counter(stream for stream, _ in running.source.pulled)

    assert asked[USER_CALLS] > 1.3 * max(asked[QUEUE_CALLS], asked[RINGGROUP_CALLS])


async def test_a_stream_where_most_happens_is_asked_more_often(
    journal_path: Path, clock: ManualClock
) -> None:
    source = CallList(clock)
    source.rows[USER_CALLS] = [
        user_row(DEFAULT_START + 20 * place * SECOND, from_number=f"04{place:08d}") for place in range(280)
    ]
    async with polling(journal_path, clock, source) as running:
        await running.pass_time(3_700)
        before = len(source.pulled)
        await running.pass_time(1_200)
        asked = Counter(stream for stream, _ in source.pulled[before:])

    assert set(CALL_STREAMS) == set(asked)
    assert asked[USER_CALLS] >= 1.9 * max(asked[QUEUE_CALLS], asked[RINGGROUP_CALLS])


async def test_where_nothing_happens_polls_become_fewer_until_something_does(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        counts = []
        for _ in range(4):
            before = len(running.source.pulled)
            await running.pass_time(WINDOW_S)
            counts.append(len(running.source.pulled) - before)
        running.source.show(USER_CALLS, [user_row(clock.now())])
        await running.pass_time(200)
        before = len(running.source.pulled)
        await running.pass_time(600)

    assert 90 <= counts[0] <= 91
    assert counts == sorted(counts, reverse=True)
    assert 22 <= counts[-1] <= 23  # each of three streams every two minutes
    assert 60 == len(running.source.pulled) - before


async def test_a_clock_that_was_wrong_for_one_answer_puts_off_no_deep_read(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.skew = 6 * HOUR
        await running.polls(3)
        running.source.skew = 0 * HOUR
        righted_at = clock.now()
        await running.pass_time(2 * WINDOW_S)
        deep = [at for tier, at in await reads_of(running) if tier == DEEP and at >= righted_at]

    assert 2 == len(deep)
    assert deep[0] - righted_at <= MINUTE


async def test_a_push_has_polls_go_at_full_speed_again(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        await running.pass_time(4 * WINDOW_S)
        await running.polls(1)
        before = clock.now()
        await running.put_down("push", ringing(before))
        await running.polls(2)

    assert clock.now() - before <= 20 * SECOND


async def test_a_429_halves_what_polls_use_and_each_window_without_one_gives_some_back(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Others use the same key: the vendor refuses although relay kept to what it was promised.
    """
    until = DEFAULT_START + 60 * SECOND
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, *[SourceThrottled("pbx", "rate_limited", "answered 429", until)] * 2)
        await running.polls(1)
        noted = await running.journal.allowance("pbx")
        allowed = running.source.allowed
        await running.pass_time(WINDOW_S - 60)
        slow = len(running.source.pulled)
    source = ScriptedSource("pbx", clock)
    source.show(USER_CALLS, [user_row()])
    async with polling(journal_path, clock, source) as running:
        await running.pass_time(15 * WINDOW_S)
        regrown = await running.journal.allowance("pbx")

    assert (Allowance(45, DEFAULT_START), [None, 45]) == (noted, allowed)
    assert 35 <= slow <= 45
    assert [45, 49, 53, 57, 61, 65, 69, 73, 77, 81, 85, 89, None] == source.allowed
    assert None is regrown


async def test_the_own_budget_halves_nothing(journal_path: Path, clock: ManualClock) -> None:
    until = DEFAULT_START + 60 * SECOND
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, SourceThrottled("pbx", OWN_QUOTA, "spent", until))
        await running.polls(2)
        waited_s = running.sample("relay_poll_quota_wait_seconds_total")

        assert None is await running.journal.allowance("pbx")
    assert [None] == running.source.allowed
    assert (60, until) == (waited_s, clock.now())


async def test_a_stream_that_had_no_turn_for_want_of_budget_keeps_it(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        running.source.then(
            USER_CALLS, SourceThrottled("pbx", OWN_QUOTA, "spent", DEFAULT_START + 90 * SECOND)
        )
        await running.polls(5)

    streams = [stream for stream, _ in running.source.pulled]
    assert [*CALL_STREAMS, *CALL_STREAMS, USER_CALLS, USER_CALLS] == streams


async def test_refused_credentials_are_tried_once_a_window_with_one_request(
    journal_path: Path, clock: ManualClock
) -> None:
    refused = [SourceRefused("pbx", "auth", "answered 401")] * 99
    async with polling(journal_path, clock) as running:
        running.source.status_streams = ("system_status",)
        for stream in (*CALL_STREAMS, "system_status"):
            running.source.then(stream, *refused)
        await running.job(DEFAULT_START - 9 * HOUR, DEFAULT_START - 5 * HOUR)
        await running.pass_time(5 * WINDOW_S + 1)

        assert 6 == len(running.source.pulled)
        assert "auth_failed" == (await running.journal.source_head("pbx")).state
        for stream in CALL_STREAMS:
            running.source.show(stream, [])
        running.source.show("system_status", [{"status": "ok"}])
        await running.pass_time(2 * WINDOW_S)

        assert "up" == (await running.journal.source_head("pbx")).state
    assert 6 + 5 <= len(running.source.pulled)


async def test_a_stream_that_the_tenant_lacks_is_asked_every_quarter_of_an_hour(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(QUEUE_CALLS, *[SourceAbsent("pbx", "http_4xx", "answered 404")] * 99)
        await running.polls(9)
        absent_at, before = clock.now(), len(running.asked(QUEUE_CALLS))
        await running.pass_time((absent_at + 4 * HOUR - clock.now()).total_seconds())
        asked = len(running.asked(QUEUE_CALLS)) - before
        running.source.show(QUEUE_CALLS, [])
        await running.pass_time(WINDOW_S + 60)
        state = (await running.journal.stream_states("pbx"))[QUEUE_CALLS].state

    assert (3, "up") == (before, state)
    assert 15 <= asked <= 16


async def test_a_page_that_was_cut_is_asked_for_again_with_the_names_that_are_known(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row(), user_row(from_number="0499999999", user_name="Bob")])
        running.source.cut(USER_CALLS, DEFAULT_START - HOUR, "too_many_rows")
        await running.polls(1)
        first = running.source.names[USER_CALLS]
        await running.polls(3)
        asked = running.asked(USER_CALLS)
        overruns = running.sample("relay_poll_gaps_total", stream=USER_CALLS, kind="window_overrun")

    assert ((), ("Ann", "Bob")) == (first, tuple(sorted(running.source.names[USER_CALLS])))
    assert [None, None] == [window.rows for window in asked]
    assert 2 == overruns


async def test_newest_rows_that_do_not_reach_what_was_read_before_are_followed_by_a_whole_read(
    journal_path: Path, clock: ManualClock
) -> None:
    source = CallList(clock)
    async with polling(journal_path, clock, source) as running:
        await running.polls(6)
        burst = [
            user_row(clock.now() + place * SECOND / 30, from_number=f"04{place:08d}") for place in range(300)
        ]
        source.rows[USER_CALLS] = burst
        await running.polls(6)
        tiers = [tier for tier, _ in await reads_of(running)]
        coverage = (await running.journal.coverage("pbx"))[USER_CALLS]
        calls = {event["subject"] for event in await running.events() if event["type"] == "call.finished"}

    assert [DEEP, HEAD, HEAD, DEEP] == tiers
    assert 1 == len(coverage)
    assert 300 == len(calls)


async def test_a_read_of_several_pages_uses_the_turns_of_others(
    journal_path: Path, clock: ManualClock
) -> None:
    class Long(ScriptedSource):
        """
        A source whose whole reads take nine requests.
        """

        async def pull(self, stream: str, window: Any, names: Any = ()) -> Any:
            pull = await super().pull(stream, window, names)
            return replace(pull, requests=9) if window.rows is None else pull

    async with polling(journal_path, clock, Long("pbx", clock)) as running:
        await running.pass_time(WINDOW_S - 1)
        requests = running.metrics.registry.get_sample_value
        sent = sum(
            requests("relay_poll_requests_total", {"source": "pbx", "stream": name, "outcome": "success"})
            or 0
            for name in CALL_STREAMS
        )

    assert 80 <= sent <= 90
