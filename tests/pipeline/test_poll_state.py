"""
When a stream is asked again after a failure.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from relay.journal.port import StreamState
from relay.model.errors import SourceRefused, SourceThrottled, SourceUnreachable
from relay.pipeline.poll_state import LONGEST_BACK_OFF_S, StreamPoll
from relay.sources.port import OWN_QUOTA
from relay.testing.manual_clock import DEFAULT_START as NOW
from tests.pipeline.polling import SECOND, SETTINGS

DAY: Final = timedelta(days=1)
DOWN: Final = SourceUnreachable("pbx", "http_5xx", "answered 503")
QUICK: Final = replace(SETTINGS, pace=replace(SETTINGS.pace, polls=1_800))


@pytest.fixture
def stream() -> StreamPoll:
    """
    Give a stream that has not failed yet.
    """
    return StreamPoll("user_calls", timedelta(0), StreamState(), NOW)


@pytest.fixture
def rng() -> random.Random:
    """
    Give the dice of a back-off, always the same.
    """
    return random.Random(7)


def throttled(after: timedelta, reason: str = "rate_limited") -> SourceThrottled:
    """
    Return a refusal that lasts so long from now.
    """
    return SourceThrottled("pbx", reason, "answered 429", NOW + after)


@pytest.mark.parametrize("said", [timedelta(0), -DAY, timedelta(milliseconds=1)], ids=str)
def test_a_vendor_that_says_too_early_waits_for_a_doubling_back_off(
    stream: StreamPoll, rng: random.Random, said: timedelta
) -> None:
    waits_s = []
    for _ in range(10):
        stream.failed(throttled(said), NOW, QUICK, rng)
        waits_s.append((stream.next_at - NOW).total_seconds())

    assert [2, 4, 8, 16, 32, 64, 128, 256, LONGEST_BACK_OFF_S, LONGEST_BACK_OFF_S] == waits_s


def test_a_throttled_stream_waits_for_a_pause_at_least(stream: StreamPoll, rng: random.Random) -> None:
    stream.failed(throttled(SECOND), NOW, SETTINGS, rng)

    assert NOW + timedelta(seconds=SETTINGS.pace.full_pause_s) == stream.next_at


def test_a_vendors_later_time_holds(stream: StreamPoll, rng: random.Random) -> None:
    stream.failed(throttled(DAY), NOW, SETTINGS, rng)

    assert (NOW + DAY, "rate_limited") == (stream.next_at, stream.trouble)


def test_our_own_budget_holds_to_the_moment_and_counts_as_no_failure(
    stream: StreamPoll, rng: random.Random
) -> None:
    for _ in range(9):
        stream.failed(throttled(SECOND, OWN_QUOTA), NOW, SETTINGS, rng)

    assert (NOW + SECOND, None, "up") == (stream.next_at, stream.trouble, stream.stored.state)
    stream.failed(throttled(SECOND), NOW, QUICK, rng)
    assert NOW + 2 * SECOND == stream.next_at


def test_a_good_answer_ends_the_doubling(stream: StreamPoll, rng: random.Random) -> None:
    for _ in range(9):
        stream.failed(throttled(SECOND), NOW, QUICK, rng)
    stream.succeeded(NOW)
    stream.failed(throttled(SECOND), NOW, QUICK, rng)

    assert NOW + 2 * SECOND == stream.next_at


@pytest.mark.parametrize("error", [DOWN, throttled(SECOND)], ids=["down", "throttled"])
def test_days_of_failures_stay_at_the_longest_back_off(
    stream: StreamPoll, rng: random.Random, error: SourceUnreachable | SourceThrottled
) -> None:
    """
    At five minutes each, 1,100 failures are four days: by then 2 to that power fits into no float.
    """
    for _ in range(1_100):
        stream.failed(error, NOW, SETTINGS, rng)
        assert NOW < stream.next_at <= NOW + timedelta(seconds=LONGEST_BACK_OFF_S)

    assert NOW + timedelta(seconds=LONGEST_BACK_OFF_S / 2) <= stream.next_at


def test_refused_credentials_wait_for_a_window(stream: StreamPoll, rng: random.Random) -> None:
    stream.failed(SourceRefused("pbx", "auth", "answered 401"), NOW, SETTINGS, rng)

    assert (NOW + timedelta(seconds=SETTINGS.pace.per_s), "auth_failed") == (stream.next_at, stream.trouble)
