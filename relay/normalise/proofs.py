"""
What complete reads prove of a stretch of time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime

from relay.model.coverage import Gap, Read


def proof(reads: Sequence[Read], start: datetime, end: datetime, after: datetime) -> Read | None:
    """
    Return the read with which it was proven what started from `start` to `end`, as of later than `after`.

    Several reads may prove it together, each a part.  None: it is not proven.

    Args:
        reads: complete reads of one stream, oldest first.
        start: begin of the stretch, by the phone system's clock.
        end: its end.
        after: reads asked for by then count for nothing: rows may have come later.
    """
    parts: list[tuple[datetime, datetime]] = []
    for read in reads[bisect_right(reads, after, key=lambda read: read.as_of) :]:
        covered = read.covered
        if covered.start <= end and covered.end > start:
            parts.append((covered.start, covered.end))
            if _cover(parts, start, end):
                return read
    return None


def proofs(
    reads: Mapping[str, Sequence[Read]], start: datetime, end: datetime, after: datetime
) -> list[Read] | None:
    """
    Return the proving read of every stream; None where one proves nothing, or where there is none.
    """
    found = [proof(of_stream, start, end, after) for of_stream in reads.values()]
    known = [read for read in found if read is not None]
    return known if known and len(known) == len(found) else None


def is_in_a_gap(gaps: Sequence[Gap], streams: Mapping[str, object], start: datetime, end: datetime) -> bool:
    """
    Tell whether an open gap of some streams overlaps a stretch of time.
    """
    return any(
        gap.closed_at is None
        and gap.stream in streams
        and gap.start <= end
        and (gap.end is None or gap.end >= start)
        for gap in gaps
    )


def _cover(parts: list[tuple[datetime, datetime]], start: datetime, end: datetime) -> bool:
    reach = start
    for part_start, part_end in sorted(parts):
        if part_start > reach:
            return False
        reach = max(reach, part_end)
    return reach > end
