"""
The coverage ledger: what was read completely, when and by which request, and what was not.

Times of coverage are by the phone system's clock, so that they compare with the times in its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# Why a stretch of time was read; a larger tier stands for the smaller ones of its turn.
HEAD: Final = "head"  # the newest rows, often
WINDOW: Final = "window"  # back to the oldest open call
DEEP: Final = "deep"  # the whole look-back
GAP: Final = "gap"  # what could not be read before
BACKFILL: Final = "backfill"  # a past that a person asked for
RECONCILE: Final = "reconcile"  # a closed day, read again
TIERS: Final = (HEAD, WINDOW, DEEP, GAP, BACKFILL, RECONCILE)
POLLS: Final = (HEAD, WINDOW, DEEP)


@dataclass(frozen=True, slots=True)
class Interval:
    """
    A stretch of time, from `start` up to `end`.
    """

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """
    One complete read of a stream: everything that started in `covered` was shown as of `as_of`.

    `as_of` is when its (first) request was sent, by the phone system's clock; `requested_at` the same by
    ours.  `requests` counts its pages, `rows` what they showed.
    """

    stream: str
    tier: str
    requested_at: datetime
    as_of: datetime
    covered: Interval
    rows: int
    requests: int = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """
    A stretch of a stream that should have been read and was not, from `start` to `end` (None: still growing).

    `reason` is one word: the outcome that kept relay from reading, `not_running`, `window_overrun` or
    `incomplete`.  `closed_at` is when a complete read made up for it, which recovered `rows_recovered`.
    """

    stream: str
    start: datetime
    end: datetime | None
    reason: str
    opened_at: datetime
    closed_at: datetime | None = None
    rows_recovered: int | None = None
