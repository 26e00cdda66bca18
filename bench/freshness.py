"""
How soon calls are seen with a budget of 100 requests in 15 minutes for three streams.

Both sides meet the same calls: one reads where it is worth most (`relay.pipeline.turns`), one in turn.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import Final

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.pipeline.pace import PaceSettings
from relay.pipeline.turns import HOURS_OF_A_WEEK, Rates, next_turn

CALLS_AN_HOUR: Final = {USER_CALLS: 90, QUEUE_CALLS: 40, RINGGROUP_CALLS: 10}
PACE: Final = PaceSettings(polls=80, per_s=900.0)  # of 100 requests a fifth is kept back
START: Final = datetime(2026, 3, 2, tzinfo=UTC)
SEED: Final = 1


@dataclass
class Stream:
    """
    A stream, and when it was read last.
    """

    name: str
    asked_at: datetime = START


def freshness(hours: int) -> dict[str, float]:
    """
    Return the mean seconds from a row's appearance to its reading, over so many hours: for reads by worth,
    for an even split, and the one over the other.
    """
    rng = random.Random(SEED)  # noqa: S311 - calls that can be repeated
    rows = {
        name: sorted(START + timedelta(hours=rng.uniform(0, hours)) for _ in range(rate * hours))
        for name, rate in CALLS_AN_HOUR.items()
    }
    by_worth_s = _mean_delay_s(rows, CALLS_AN_HOUR, hours)
    even_s = _mean_delay_s(rows, dict.fromkeys(CALLS_AN_HOUR, 1), hours)
    return {"by_worth_s": by_worth_s, "even_split_s": even_s, "ratio": by_worth_s / even_s}


def _mean_delay_s(rows: Mapping[str, list[datetime]], rates: Mapping[str, int], hours: int) -> float:
    of_every_hour = Rates({name: dict.fromkeys(range(HOURS_OF_A_WEEK), rate) for name, rate in rates.items()})
    streams = [Stream(name) for name in rows]
    seen = dict.fromkeys(rows, 0)
    now, delays = START, list[float]()
    while now < START + timedelta(hours=hours):
        now += timedelta(seconds=PACE.full_pause_s)
        stream = next_turn(streams, of_every_hour, frozenset(), now)
        if stream is None:
            raise AssertionError("there are streams")
        stream.asked_at = now
        waiting = rows[stream.name]
        while seen[stream.name] < len(waiting) and waiting[seen[stream.name]] <= now:
            delays.append((now - waiting[seen[stream.name]]).total_seconds())
            seen[stream.name] += 1
    return mean(delays)
