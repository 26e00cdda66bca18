"""
The coverage ledger: which stretches of a stream were read completely.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, delete, insert, select

from relay.journal import schema
from relay.model.coverage import Interval
from relay.model.times import from_ms, to_ms

_t = schema.coverage


def extend_coverage(conn: Connection, source_id: str, stream: str, covered: Interval) -> None:
    """
    Add an interval, merged with those it touches; what is left between two stays visible as a hole.
    """
    start_ms, end_ms = to_ms(covered.start), to_ms(covered.end)
    touching = (
        _t.c.source_id == source_id,
        _t.c.stream == stream,
        _t.c.from_ms <= end_ms,
        _t.c.to_ms >= start_ms,
    )
    for row in conn.execute(select(_t).where(*touching)):
        start_ms, end_ms = min(start_ms, row.from_ms), max(end_ms, row.to_ms)
    conn.execute(delete(_t).where(*touching))
    conn.execute(insert(_t).values(source_id=source_id, stream=stream, from_ms=start_ms, to_ms=end_ms))


def coverage_of(conn: Connection, source_id: str) -> dict[str, list[Interval]]:
    """
    Return the intervals of a source's streams, oldest first.
    """
    found: dict[str, list[Interval]] = defaultdict(list)
    for row in conn.execute(select(_t).where(_t.c.source_id == source_id).order_by(_t.c.from_ms)):
        found[row.stream].append(Interval(from_ms(row.from_ms), from_ms(row.to_ms)))
    return dict(found)
