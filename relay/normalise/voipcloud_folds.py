"""
In which pass of the hour that the clocks repeat a VoIPcloud call began, where its time has no offset.

A page is newest first, so going down it true instants never rise: where the wall clock does, the second
pass is left for the first.  What a row says of its own answer, end and duration counts before that, and
nothing is later than now.  What stays open takes the latest pass that is possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

START: Final = "call_start_at"
ANSWER: Final = "call_answered_at"
FINISH: Final = "call_finished_at"
DURATION: Final = "call_duration"
# How far in the future a start may be: clocks differ, and a page takes its time.
FUTURE: Final = timedelta(seconds=120)
ROUNDING: Final = timedelta(seconds=2)  # of a duration against start and finish
_DATE_CHARACTERS: Final = 10
_ONE_DAY: Final = timedelta(days=1)
_FIRST_YEAR: Final = 1990  # beyond them a start is a column's default and no day of the page
_LAST_YEAR: Final = 2199
_MOST_DAYS: Final = 400  # of a page; beyond them one of its ends is no day of a call

Row = Mapping[str, Any]


def folds(
    stream: str, rows: Sequence[Row], zone: ZoneInfo, requested_at: datetime, skew: timedelta
) -> Mapping[int, int]:
    """
    Return, for the places of rows that began in a repeated hour, 0 for its first pass and 1 for its second.

    Costs next to nothing for a page without such an hour, and some microseconds a row for one with it.

    Args:
        stream: which call stream; all have their start in one column.
        rows: a page as the vendor sent it, newest first.
        zone: the zone of times without an offset.
        requested_at: when it was asked for, by our clock.
        skew: the vendor's clock minus ours.
    """
    days = _days_with_a_repeated_hour(rows, zone)
    if not days:
        return {}
    now = requested_at + skew + FUTURE
    found: dict[int, int] = {}
    bound: datetime | None = None
    for place, row in enumerate(rows):
        text = row.get(START)
        if not isinstance(text, str) or text[:_DATE_CHARACTERS] not in days:
            continue
        passes = repeated(text, zone)
        if passes is None:
            continue
        first, second = passes
        possible = [at for at in (second, first) if at <= now and _fits(row, at, now, zone)]
        possible = possible or [at for at in (second, first) if at <= now] or [first]
        below = [at for at in possible if bound is None or at <= bound]
        bound = below[0] if below else possible[-1]
        found[place] = int(bound == second)
    return found


def repeated(text: str, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """
    Return the two instants (UTC) that a wall-clock time without an offset may be; None where it is one.
    """
    instants = _instants(text, zone)
    return (instants[0], instants[1]) if len(instants) > 1 else None


def _instants(text: object, zone: ZoneInfo) -> list[datetime]:
    """
    Return every instant that a time may be, the first first: none where it cannot be read.
    """
    if not isinstance(text, str):
        return []
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return [at.astimezone(UTC)]
        first, second = (at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except (ValueError, OverflowError):
        return []
    return [first, second] if second > first else [first]  # where clocks go forward, the second is earlier


def _fits(row: Row, start: datetime, now: datetime, zone: ZoneInfo) -> bool:
    """
    Tell whether the other times of a row allow it to have begun then.
    """
    finishes = _instants(row.get(FINISH), zone)
    for later in (_instants(row.get(ANSWER), zone), finishes):
        if later and not any(start <= at <= now for at in later):
            return False
    duration = row.get(DURATION)
    if not isinstance(duration, int):
        return True
    try:
        end = start + timedelta(seconds=duration)
    except OverflowError:
        return True
    if not finishes:
        return end <= now  # how long it has lasted so far
    return any(abs(at - end) <= ROUNDING for at in finishes)


def _days_with_a_repeated_hour(rows: Sequence[Row], zone: ZoneInfo) -> frozenset[str]:
    """
    Return the days, as written in rows, of a page's time in which the zone repeats an hour.
    """
    newest, oldest = _day_of_first(rows), _day_of_first(reversed(rows))
    if newest is None or oldest is None:
        return frozenset()
    first, last = min(newest, oldest), max(newest, oldest)
    if (last - first).days > _MOST_DAYS:
        days = {_day_of_first([row]) for row in rows} - {None}
    else:
        days = {first + _ONE_DAY * count for count in range((last - first).days + 1)}
    return frozenset(day.isoformat() for day in days if day and _repeats_an_hour(zone, day))


def _day_of_first(rows: Iterable[Row]) -> date | None:
    """
    Return the day of the first row whose start can be read; None where it has an offset, as all then have.
    """
    for row in rows:
        text = row.get(START)
        try:
            at = datetime.fromisoformat(text) if isinstance(text, str) else None
        except ValueError:
            continue
        if at is not None and _FIRST_YEAR <= at.year <= _LAST_YEAR:
            return None if at.tzinfo is not None else at.date()
    return None


@lru_cache(maxsize=4096)
def _repeats_an_hour(zone: ZoneInfo, day: date) -> bool:
    midnights = (datetime.combine(day + _ONE_DAY * count, time(), zone) for count in (0, 1))
    before, after = (midnight.utcoffset() for midnight in midnights)
    return before is not None and after is not None and before > after
