"""
Whose turn it is, and how fresh that keeps each stream.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import mean

import pytest

from relay.pipeline.turns import LONGEST_AGE_S, Rates, hour_of_week, next_turn, plan
from relay.testing.manual_clock import DEFAULT_START

SLOT_S = 905 / 80
HOURS = 12
CALLS_AN_HOUR = {"user_calls": 90, "queue_calls": 40, "ringgroup_calls": 10}


@dataclass
class Asked:
    """
    A stream and when it was last asked.
    """

    name: str
    asked_at: datetime = DEFAULT_START


def every_hour(rates: Mapping[str, float]) -> Rates:
    """
    Make rates that are the same in every hour of the week.
    """
    return Rates({name: {hour: int(rate) for hour in range(168)} for name, rate in rates.items()})


def mean_delay_s(rates: Rates, arrivals: Mapping[str, list[datetime]]) -> float:
    """
    Let turns be taken for some hours; return the mean time from a row's appearance to its reading.
    """
    streams = [Asked(name) for name in arrivals]
    waiting = {name: list(times) for name, times in arrivals.items()}
    now, delays = DEFAULT_START, []
    while now < DEFAULT_START + timedelta(hours=HOURS):
        now += timedelta(seconds=SLOT_S)
        stream = next_turn(streams, rates, frozenset(), now)
        assert stream is not None
        stream.asked_at = now
        seen = [at for at in waiting[stream.name] if at <= now]
        del waiting[stream.name][: len(seen)]
        delays += [(now - at).total_seconds() for at in seen]
    return mean(delays)


def test_reads_where_most_happens_beat_an_even_split(tell_figures: Callable[[str], None]) -> None:
    rng = random.Random(7)
    arrivals = {
        name: sorted(
            DEFAULT_START + timedelta(seconds=rng.uniform(0, HOURS * 3600)) for _ in range(rate * HOURS)
        )
        for name, rate in CALLS_AN_HOUR.items()
    }

    by_worth_s = mean_delay_s(every_hour(CALLS_AN_HOUR), arrivals)
    even_s = mean_delay_s(every_hour(dict.fromkeys(CALLS_AN_HOUR, 50)), arrivals)

    tell_figures(
        f"mean detection delay at rates 9:4:1: {by_worth_s:.1f} s, even split {even_s:.1f} s,"
        f" ratio {by_worth_s / even_s:.3f}"
    )
    assert by_worth_s <= 0.92 * even_s


def test_a_stream_with_open_calls_goes_before_one_that_is_alike() -> None:
    streams = [Asked("user_calls"), Asked("queue_calls")]
    now = DEFAULT_START + timedelta(seconds=30)

    chosen = next_turn(
        streams, every_hour({"user_calls": 5, "queue_calls": 5}), frozenset({"queue_calls"}), now
    )

    assert chosen is streams[1]


def test_a_stream_without_rows_is_read_every_five_minutes_all_the_same() -> None:
    busy, silent = Asked("user_calls"), Asked("ringgroup_calls")
    rates, now, reads = every_hour({"user_calls": 1_000}), DEFAULT_START, []
    for _ in range(400):
        now += timedelta(seconds=SLOT_S)
        stream = next_turn([busy, silent], rates, frozenset(), now)
        assert stream is not None
        stream.asked_at = now
        if stream is silent:
            reads.append(now)

    gaps_s = [(later - earlier).total_seconds() for earlier, later in pairwise(reads)]
    assert max(gaps_s) <= LONGEST_AGE_S + SLOT_S


def test_nothing_to_ask_is_no_turn() -> None:
    assert next_turn([], Rates({}), frozenset(), DEFAULT_START) is None


def test_the_rate_of_an_hour_is_that_hour_and_the_mean_of_all() -> None:
    monday_nine = datetime.fromisoformat("2026-11-23T09:30:00+00:00")
    rates = Rates({"user_calls": {hour_of_week(monday_nine): 168}})

    assert (9, 169.0, 1.0) == (
        hour_of_week(monday_nine),
        rates.at("user_calls", monday_nine),
        rates.at("user_calls", monday_nine + timedelta(hours=3)),
    )


def test_the_plan_gives_intervals_by_the_root_of_the_rates() -> None:
    planned = plan({"user_calls": 9, "queue_calls": 4, "ringgroup_calls": 1}, polls=80, per_s=900)

    assert [22.5, 33.75, 67.5] == [stream.interval_s for stream in planned.values()]
    assert [11.25, 22.5] == [planned["user_calls"].mean_delay_s, planned["user_calls"].worst_delay_s]


def test_the_plan_uses_the_whole_budget_and_lets_no_stream_wait_longer_than_allowed() -> None:
    planned = plan({"user_calls": 10_000, "queue_calls": 1, "ringgroup_calls": 0}, polls=80, per_s=900)

    assert LONGEST_AGE_S == planned["queue_calls"].interval_s == planned["ringgroup_calls"].interval_s
    assert pytest.approx(80) == sum(900 / stream.interval_s for stream in planned.values())


def test_the_plan_of_a_budget_that_is_too_small_is_told_as_it_is() -> None:
    planned = plan({"user_calls": 1, "queue_calls": 1}, polls=1, per_s=900)

    assert [1800.0, 1800.0] == [stream.interval_s for stream in planned.values()]
