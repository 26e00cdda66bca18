"""
Whose turn it is: one budget for all streams of a source, spent where a read is worth most.

A poll finds what happened since the last one.  Of a stream with `rate` new rows a second, unread for
`age` seconds, `rate * age` rows wait, half of `age` each: what a read saves is `rate * age**2 / 2`.  To take
the largest each time makes intervals go with `1 / sqrt(rate)`: the least mean delay that the budget allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Final, Protocol, TypeVar

HOURS_OF_A_WEEK: Final = 168
COUNTED: Final = timedelta(weeks=4)
OPEN_CALLS_COUNT: Final = 3.0  # a change of an open call is waited for more than a new call
LEAST_RATE: Final = 0.1  # a stream without rows is still read
LONGEST_AGE_S: Final = 300.0


class Candidate(Protocol):
    """
    A stream that may be asked now.
    """

    name: str
    asked_at: datetime


C = TypeVar("C", bound=Candidate)


class Rates:
    """
    How many rows each stream brings, by hour of the week (0: Monday 00:00 UTC); only how they compare counts.
    """

    def __init__(self, counts: Mapping[str, Mapping[int, int]]) -> None:
        self._counts = counts
        self._means = {stream: sum(of.values()) / HOURS_OF_A_WEEK for stream, of in counts.items()}

    def at(self, stream: str, now: datetime) -> float:
        """
        Return the rate of a stream at an hour like this one; never 0.

        An hour is taken to be half like itself and half like the mean, so that few rows decide little.
        """
        this_hour = self._counts.get(stream, {}).get(hour_of_week(now), 0)
        return max(this_hour + self._means.get(stream, 0.0), LEAST_RATE)


@dataclass(frozen=True, slots=True)
class PlannedStream:
    """
    How fresh a stream will be: time between reads, and from a row's appearance to its reading.
    """

    interval_s: float
    mean_delay_s: float
    worst_delay_s: float


def hour_of_week(at: datetime) -> int:
    """
    Return 0 for Monday 00:00 to 01:00 UTC, up to 167.
    """
    return at.weekday() * 24 + at.hour


def next_turn(
    candidates: Iterable[C], rates: Rates, with_open_calls: frozenset[str], now: datetime
) -> C | None:
    """
    Return the stream whose read is worth most now; None without candidates.

    One that was not read for LONGEST_AGE_S goes first, the longest unread of them.
    """

    def worth(stream: C) -> tuple[float, float]:
        age_s = max((now - stream.asked_at).total_seconds(), 0.0)
        rate = rates.at(stream.name, now) * (OPEN_CALLS_COUNT if stream.name in with_open_calls else 1.0)
        return (age_s if age_s >= LONGEST_AGE_S else 0.0), rate * age_s * age_s

    return max(candidates, key=worth, default=None)


def plan(rates: Mapping[str, float], polls: int, per_s: float) -> dict[str, PlannedStream]:
    """
    Say how fresh each stream will be with `polls` requests in `per_s` seconds.

    Args:
        rates: new rows of each stream in any unit of time; only how they compare matters.
        polls: requests that polls may use in a window.
        per_s: length of the window.
    """
    slot_s = per_s / polls
    roots = {name: sqrt(max(rate, 0.0)) for name, rate in rates.items()}
    least = max(roots.values(), default=0.0) / 1_000 or 1.0
    roots = {name: max(root, least) for name, root in roots.items()}
    intervals: dict[str, float] = {}
    left, share = dict(roots), 1.0  # of the budget; a stream at its limit takes a fixed part of it
    while left:
        total = sum(left.values())
        slow = [name for name, root in left.items() if slot_s * total / (root * share) > LONGEST_AGE_S]
        if not slow or slot_s * len(rates) > LONGEST_AGE_S:
            intervals |= {name: slot_s * total / (root * share) for name, root in left.items()}
            break
        for name in slow:
            intervals[name] = LONGEST_AGE_S
            share -= slot_s / LONGEST_AGE_S
            del left[name]
    return {name: PlannedStream(intervals[name], intervals[name] / 2, intervals[name]) for name in rates}
