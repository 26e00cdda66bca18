"""
Things that happened between two polls: told as the middle of the interval, and half its width.
"""

from __future__ import annotations

from datetime import datetime
from math import ceil


def middle(interval: tuple[datetime | None, datetime], earliest: datetime) -> tuple[datetime, int]:
    """
    Return the middle of an interval and half its width in whole seconds, rounded up and at least 1.

    Args:
        interval: from the poll before (None: there was none) to the one that showed it.
        earliest: it cannot have happened before.
    """
    start, end = interval
    start = min(end, max(start or earliest, earliest))
    half = (end - start) / 2
    return start + half, max(1, ceil(half.total_seconds()))
