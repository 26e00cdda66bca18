"""
Instants: aware UTC datetimes in code, integer milliseconds in the journal, RFC 3339 in JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """
    Return whole milliseconds since 1970, rounding down.
    """
    return (at - EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """
    Return the UTC instant of `ms` milliseconds since 1970.
    """
    return datetime.fromtimestamp(ms / 1000, UTC)


@lru_cache(maxsize=1024)  # the few times of a page and its calls stand in every event of theirs
def rfc3339(at: datetime) -> str:
    """
    Write a UTC instant as RFC 3339 with milliseconds, e.g. `2026-11-21T10:00:00.000Z`.
    """
    return at.isoformat(timespec="milliseconds")[:23] + "Z"


def rfc3339_or_null(at: datetime | None) -> str | None:
    """
    Write an instant that may be unknown.
    """
    return None if at is None else rfc3339(at)


def from_rfc3339(text: str) -> datetime:
    """
    Read back what `rfc3339` wrote.

    Raises:
        ValueError: not such a text.
    """
    return datetime.fromisoformat(text).astimezone(UTC)


def from_vendor(text: str, zone: ZoneInfo, fold: int = 0) -> datetime:
    """
    Read a vendor's ISO 8601 time; one without an offset is wall-clock time in `zone`.

    In the repeated hour of a clock change `fold` 0 is the first pass, 1 the second (PEP 495).

    Raises:
        ValueError: not an ISO 8601 date and time.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone, fold=fold)
    return at.astimezone(UTC)


def seconds_between(start: datetime | None, end: datetime | None) -> int | None:
    """
    Return whole seconds from `start` to `end`; None when either is unknown or the order is impossible.
    """
    if start is None or end is None or end < start:
        return None
    return int((end - start).total_seconds())
