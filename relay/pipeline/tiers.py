"""
How far back a stream's turn reads: the newest rows often, back to the oldest open call now and then, the
whole look-back each window of the budget.  A larger tier stands for the smaller ones of its turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from relay.model.coverage import DEEP, HEAD, WINDOW
from relay.sources.port import Window

HEAD_ROWS: Final = 200
MOST_HEAD_ROWS: Final = 10_000
WINDOWS_A_DEEP: Final = 7.5  # open-window reads in the time of one deep read: 2 minutes in 15
LONGEST_CALL: Final = timedelta(hours=24)
SLACK: Final = timedelta(seconds=5)  # between the clocks of two reads that should touch


@dataclass(frozen=True, slots=True)
class Turn:
    """
    What a stream's turn reads.
    """

    tier: str
    window: Window


@dataclass(frozen=True, slots=True)
class Standing:
    """
    How a stream stands, by the phone system's clock.

    Everything up to `read_to` was read once (None: nothing yet); the last reads of the larger tiers were of
    `deep_at` and `window_at`.  `oldest_open` and `oldest_unsettled` are starts of calls that may still
    change; `oldest_gap` the start of a gap that is not too old for a deep read.  `must_be_deep` where the
    last answer left out what is known to be there.
    """

    read_to: datetime | None
    deep_at: datetime | None
    window_at: datetime | None
    oldest_open: datetime | None = None
    oldest_unsettled: datetime | None = None
    oldest_gap: datetime | None = None
    must_be_deep: bool = False
    head_rows: int = HEAD_ROWS


def next_read(
    standing: Standing, first_from: datetime, lookback: timedelta, deep_every: timedelta, now: datetime
) -> Turn:
    """
    Return what the next turn of a stream reads.

    Args:
        standing: how the stream stands.
        first_from: where the very first read begins.
        lookback: how far back rows may still appear or change.
        deep_every: the longest time between two deep reads.
        now: the present by the phone system's clock.
    """
    read_to = standing.read_to
    deep = Turn(DEEP, Window(_deep_start(standing, first_from, lookback, now)))
    if read_to is None or standing.deep_at is None or standing.must_be_deep:
        return deep
    if now - standing.deep_at >= deep_every or now - read_to > deep_every:
        return deep
    if standing.deep_at > now + SLACK:  # a clock was set back: what was read by it is doubtful
        return deep
    if standing.oldest_gap is not None and standing.oldest_gap < read_to:
        return deep
    since_window = now - max(standing.window_at or standing.deep_at, standing.deep_at)
    if standing.oldest_open is not None and since_window >= deep_every / WINDOWS_A_DEEP:
        return Turn(WINDOW, Window(max(standing.oldest_open, now - LONGEST_CALL) - SLACK))
    return Turn(HEAD, Window(now - lookback, rows=standing.head_rows))


def head_rows(rows_per_s: float, reach: timedelta) -> int:
    """
    Return how many of the newest rows show everything that started within `reach`, as far as the rate tells.
    """
    wanted = int(1.5 * rows_per_s * reach.total_seconds()) + HEAD_ROWS // 4
    return min(max(wanted, HEAD_ROWS), MOST_HEAD_ROWS)


def _deep_start(standing: Standing, first_from: datetime, lookback: timedelta, now: datetime) -> datetime:
    start = now - lookback
    if standing.read_to is None:
        return min(first_from, start)
    starts = [start, standing.read_to - lookback]
    unfinished = (standing.oldest_open, standing.oldest_unsettled)
    # A row that the vendor never closes must not make every page grow for ever.
    starts += [max(at, start - LONGEST_CALL) - SLACK for at in unfinished if at is not None]
    if standing.oldest_gap is not None:
        starts.append(standing.oldest_gap)
    return min(starts)
