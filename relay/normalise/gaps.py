"""
What should have been read and was not: gaps follow from the coverage alone.

Nothing else decides: after a crash, an outage or a change of the configuration the same coverage gives
the same gaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from relay.model.coverage import Gap, Interval


@dataclass(frozen=True, slots=True)
class Duty:
    """
    What a stream owes: everything from `start` on, read at the latest `tolerance` after it happened.

    `now` is by the phone system's clock, like all coverage, `at` the same instant by ours; `reason` is what
    would explain a gap that opens now.
    """

    stream: str
    start: datetime
    now: datetime
    at: datetime
    tolerance: timedelta
    reason: str


def unread(covered: Sequence[Interval], start: datetime, end: datetime) -> Iterator[Interval]:
    """
    Yield what lies in [start, end) and was not read, oldest first; `covered` is sorted and apart.
    """
    for interval in covered:
        if interval.start >= end:
            break
        if interval.start > start:
            yield Interval(start, interval.start)
        start = max(start, interval.end)
    if start < end:
        yield Interval(start, end)


def gap_changes(
    duty: Duty, covered: Sequence[Interval], open_gaps: Sequence[Gap], rows_recovered: int = 0
) -> list[Gap]:
    """
    Return the gaps of a stream that open, close, or end elsewhere now.

    Args:
        duty: what the stream owes.
        covered: what was read of it, sorted and apart.
        open_gaps: its gaps that are open.
        rows_recovered: the new rows that the read brought which closes gaps now.
    """
    holes = list(unread(covered, duty.start, duty.now))
    changes = []
    for gap in open_gaps:
        hole = next((hole for hole in holes if hole.start <= gap.start < hole.end), None)
        if hole is None:
            changes.append(_closed(gap, covered, holes, duty, rows_recovered))
        else:
            end = None if hole.end == duty.now else hole.end
            if end != gap.end:
                changes.append(replace(gap, end=end))
    known = {gap.start for gap in open_gaps}
    for hole in holes:
        is_known = any(hole.start <= start < hole.end for start in known)
        if not is_known and duty.now - hole.start > duty.tolerance:
            end = None if hole.end == duty.now else hole.end
            # What is left of a gap that was read in part is open for the same reason as before.
            of = next((gap for gap in open_gaps if _holds(gap, hole.start)), None)
            reason, opened_at = (of.reason, of.opened_at) if of else (duty.reason, duty.at)
            changes.append(Gap(duty.stream, hole.start, end, reason, opened_at))
    return changes


def with_read(covered: Sequence[Interval], more: Interval) -> list[Interval]:
    """
    Return coverage with one more interval, merged with those it touches; sorted and apart.
    """
    if more.start >= more.end:  # a read that was cut off from everything
        return list(covered)
    apart = [one for one in covered if one.end < more.start or one.start > more.end]
    touching = [one for one in covered if not (one.end < more.start or one.start > more.end)]
    start = min([more.start, *(one.start for one in touching)])
    end = max([more.end, *(one.end for one in touching)])
    return sorted([*apart, Interval(start, end)], key=lambda one: one.start)


def settled_up_to(
    covered: Sequence[Interval], start: datetime, open_gaps: Sequence[Gap], read_at: datetime | None
) -> datetime:
    """
    Return until when a stream is complete: no hole and no open gap before it, nothing read too early.

    Args:
        covered: what was read of it, sorted and apart.
        start: since when it owes anything.
        open_gaps: its gaps that are open.
        read_at: what started before it was read late enough to be final; None: nothing was.
    """
    if read_at is None:
        return start
    hole = next(unread(covered, start, read_at), None)
    until = read_at if hole is None else hole.start
    return max(start, min([until, *(gap.start for gap in open_gaps)]))


def _holds(gap: Gap, at: datetime) -> bool:
    return gap.start <= at and (gap.end is None or at < gap.end)


def _closed(
    gap: Gap, covered: Sequence[Interval], holes: Sequence[Interval], duty: Duty, rows_recovered: int
) -> Gap:
    left = next((hole.start for hole in holes if _holds(gap, hole.start)), None)
    end = gap.end if left is None else left
    if end is None:
        around = (interval.end for interval in covered if interval.start <= gap.start < interval.end)
        end = next(around, duty.now)
    return replace(gap, end=end, closed_at=duty.at, rows_recovered=rows_recovered)
