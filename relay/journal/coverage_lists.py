"""
What was read of a source and what was not, as people look at it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import orjson
from sqlalchemy import Select, bindparam, select

from relay.journal import schema
from relay.journal.coverage import gap_of, read_of
from relay.journal.cursors import NEWEST_READ, ReadPlace, place_of, text_of
from relay.journal.port import StreamState
from relay.journal.questions import Question, Row, Snapshot
from relay.journal.source_schema import IS_OPEN
from relay.model.coverage import Gap, Interval, Read
from relay.model.listing import MAX_GAPS_SHOWN, MAX_INTERVALS_SHOWN, Page, StreamCoverage
from relay.model.times import from_ms

_s, _t, _c, _r, _g = schema.sources, schema.streams, schema.coverage, schema.reads, schema.gaps
_READ: Final = [column for column in _r.columns if column.name != "source_id"]
_GAP: Final = [column for column in _g.columns if column.name != "source_id"]


def _reads(query: Select[Any]) -> Question:
    newest = query.where(_r.c.source_id == bindparam("source_id"), _r.c.as_of_ms <= bindparam("as_of_ms"))
    is_before = (_r.c.as_of_ms < bindparam("as_of_ms")) | (_r.c.read_id < bindparam("read_id"))
    return Question(
        newest.where(is_before).order_by(_r.c.as_of_ms.desc(), _r.c.read_id.desc()).limit(bindparam("limit"))
    )


SOURCE: Final = Question(select(_s.c.source_id).where(_s.c.source_id == bindparam("source_id")))
STREAMS: Final = Question(
    select(_t.c.stream, _t.c.state, _t.c.visibility).where(_t.c.source_id == bindparam("source_id"))
)
COVERED_STREAMS: Final = Question(
    select(_c.c.stream).where(_c.c.source_id == bindparam("source_id")).distinct()
)
INTERVALS: Final = Question(
    select(_c.c.from_ms, _c.c.to_ms)
    .where(_c.c.source_id == bindparam("source_id"), _c.c.stream == bindparam("stream"))
    .order_by(_c.c.from_ms.desc())
    .limit(MAX_INTERVALS_SHOWN)
)
OPEN_GAPS: Final = Question(
    select(*_GAP).where(_g.c.source_id == bindparam("source_id"), IS_OPEN).order_by(_g.c.from_ms.desc())
)
CLOSED_GAPS: Final = Question(
    select(*_GAP)
    .where(
        _g.c.source_id == bindparam("source_id"),
        _g.c.stream == bindparam("stream"),
        _g.c.closed_ms.is_not(None),
    )
    .order_by(_g.c.from_ms.desc())
    .limit(MAX_GAPS_SHOWN)
)
READS: Final = _reads(select(*_READ))
READS_OF_STREAM: Final = _reads(select(*_READ).where(_r.c.stream == bindparam("stream")))


def stream_coverage(look: Snapshot, source_id: str) -> list[StreamCoverage] | None:
    """
    Return what was read of each stream by name; None where there is no such source.
    """
    if look.row(SOURCE, source_id=source_id) is None:
        return None
    states = {row[0]: (row[1], row[2]) for row in look.rows(STREAMS, source_id=source_id)}
    covered = {row[0] for row in look.rows(COVERED_STREAMS, source_id=source_id)}
    gaps = [_gap(row) for row in look.rows(OPEN_GAPS, source_id=source_id)]
    streams = sorted(states.keys() | covered | {gap.stream for gap in gaps})
    return [_of_stream(look, source_id, name, states.get(name), gaps) for name in streams]


def list_reads(
    look: Snapshot, source_id: str, stream: str | None, after: str | None, limit: int
) -> Page[Read]:
    """
    Return a page of complete reads, newest first.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    rows = _read_rows(look, source_id, stream, place_of(after, NEWEST_READ), limit + 1)
    reads = tuple(map(_read, rows[:limit]))
    if len(rows) <= limit:
        return Page(reads, None)
    last = _named(_READ, rows[limit - 1])
    return Page(reads, text_of(ReadPlace(last.as_of_ms, last.read_id)))


def _of_stream(
    look: Snapshot, source_id: str, stream: str, stored: tuple[str, str] | None, open_gaps: list[Gap]
) -> StreamCoverage:
    place = {"source_id": source_id, "stream": stream}
    state, visibility = stored or (StreamState().state, "{}")
    gaps = [gap for gap in open_gaps if gap.stream == stream]
    gaps += map(_gap, look.rows(CLOSED_GAPS, **place))
    last_read = _read_rows(look, source_id, stream, NEWEST_READ, 1)
    return StreamCoverage(
        stream=stream,
        state=state,
        intervals=tuple(
            Interval(from_ms(start_ms), from_ms(end_ms))
            for start_ms, end_ms in reversed(look.rows(INTERVALS, **place))
        ),
        gaps=tuple(gaps[:MAX_GAPS_SHOWN]),
        last_read=_read(last_read[0]) if last_read else None,
        visibility=orjson.loads(visibility),
    )


def _read_rows(look: Snapshot, source_id: str, stream: str | None, place: ReadPlace, limit: int) -> list[Row]:
    where: dict[str, Any] = {"source_id": source_id, "limit": limit, **place._asdict()}
    if stream is None:
        return look.rows(READS, **where)
    return look.rows(READS_OF_STREAM, stream=stream, **where)


def _named(columns: list[Any], row: Row) -> Any:
    return SimpleNamespace(**dict(zip((column.name for column in columns), row, strict=True)))


def _read(row: Row) -> Read:
    return read_of(_named(_READ, row))


def _gap(row: Row) -> Gap:
    return gap_of(_named(_GAP, row))
