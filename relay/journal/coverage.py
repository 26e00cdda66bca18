"""
The coverage ledger: which stretches of a stream were read completely, by which reads, and which were not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select

from relay.journal import schema
from relay.journal.rows import ms_or_null, time_or_null
from relay.journal.source_schema import IS_OF_HEAD, IS_OPEN
from relay.journal.statements import upsert
from relay.model.coverage import Gap, Interval, Read
from relay.model.times import from_ms, to_ms

FORGET_AT_ONCE: Final = 1_000

_t, _r, _g = schema.coverage, schema.reads, schema.gaps


def write_read(conn: Connection, source_id: str, read: Read) -> None:
    """
    Keep a complete read; what it covered, if anything, is covered from now on.
    """
    if read.covered.start < read.covered.end:
        extend_coverage(conn, source_id, read.stream, read.covered)
    conn.execute(
        insert(_r).values(
            source_id=source_id,
            stream=read.stream,
            tier=read.tier,
            as_of_ms=to_ms(read.as_of),
            requested_ms=to_ms(read.requested_at),
            from_ms=to_ms(read.covered.start),
            to_ms=to_ms(read.covered.end),
            rows=read.rows,
            requests=read.requests,
        )
    )


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


def reads_of(
    conn: Connection,
    source_id: str,
    since: datetime,
    tiers: Collection[str] | None,
    touching: Interval | None = None,
) -> dict[str, list[Read]]:
    """
    Return the reads as of `since` or later, by stream, oldest first.
    """
    query = select(_r).where(_r.c.source_id == source_id, _r.c.as_of_ms >= to_ms(since))
    if tiers is not None:
        query = query.where(_r.c.tier.in_(tiers))
    if touching is not None:
        query = query.where(_r.c.from_ms <= to_ms(touching.end), _r.c.to_ms >= to_ms(touching.start))
    found: dict[str, list[Read]] = defaultdict(list)
    for row in conn.execute(query.order_by(_r.c.as_of_ms, _r.c.read_id)):
        found[row.stream].append(read_of(row))
    return dict(found)


def read_of(row: Row[Any]) -> Read:
    """
    Return the read that a row of `reads` holds.
    """
    return Read(
        stream=row.stream,
        tier=row.tier,
        requested_at=from_ms(row.requested_ms),
        as_of=from_ms(row.as_of_ms),
        covered=Interval(from_ms(row.from_ms), from_ms(row.to_ms)),
        rows=row.rows,
        requests=row.requests,
    )


def write_gaps(conn: Connection, source_id: str, gaps: Sequence[Gap]) -> None:
    """
    Open gaps, or change those that are there.
    """
    rows = [
        {
            "source_id": source_id,
            "stream": gap.stream,
            "from_ms": to_ms(gap.start),
            "to_ms": ms_or_null(gap.end),
            "reason": gap.reason,
            "opened_ms": to_ms(gap.opened_at),
            "closed_ms": ms_or_null(gap.closed_at),
            "rows_recovered": gap.rows_recovered,
        }
        for gap in gaps
    ]
    conn.execute(upsert(conn.dialect.name, _g), rows)


def open_gaps(conn: Connection, source_id: str) -> list[Gap]:
    """
    Return the gaps that are open, oldest start first.
    """
    query = select(_g).where(_g.c.source_id == source_id, IS_OPEN).order_by(_g.c.from_ms, _g.c.stream)
    return [gap_of(row) for row in conn.execute(query)]


def gap_of(row: Row[Any]) -> Gap:
    """
    Return the gap that a row of `gaps` holds.
    """
    return Gap(
        stream=row.stream,
        start=from_ms(row.from_ms),
        end=time_or_null(row.to_ms),
        reason=row.reason,
        opened_at=from_ms(row.opened_ms),
        closed_at=time_or_null(row.closed_ms),
        rows_recovered=row.rows_recovered,
    )


def forget_reads(conn: Connection, before_head: datetime, before: datetime) -> int:
    """
    Remove some of the old reads, those of the head earlier than the others; return how many.
    """
    old_of_head = select(_r.c.read_id).where(IS_OF_HEAD, _r.c.as_of_ms < to_ms(before_head))
    old = select(_r.c.read_id).where(_r.c.as_of_ms < to_ms(before))
    removed = 0
    for some in (old_of_head, old):
        at_once = some.limit(FORGET_AT_ONCE - removed)
        removed += conn.execute(delete(_r).where(_r.c.read_id.in_(at_once))).rowcount
    return removed
