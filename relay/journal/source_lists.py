"""
Sources as people look at them: state, streams with their coverage, and the budget in use.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import bindparam, func, select

from relay.journal import schema
from relay.journal.port import StreamState
from relay.journal.questions import Question, Snapshot
from relay.journal.rows import time_or_null
from relay.model.listing import SourceItem, StreamItem
from relay.model.times import from_ms, to_ms

_s, _t, _c, _b = schema.sources, schema.streams, schema.coverage, schema.sends
_in_window = (
    select(func.count())
    .select_from(_b)
    .where(_b.c.source_id == _s.c.source_id, _b.c.frees_ms > bindparam("now_ms"))
    .scalar_subquery()
)

SOURCES: Final = Question(
    select(
        _s.c.source_id,
        _s.c.kind,
        _s.c.state,
        _s.c.system_status,
        _s.c.publish_from_ms,
        _in_window,
        _s.c.watermark_ms,
    ).order_by(_s.c.source_id)
)
STREAMS: Final = Question(select(_t.c.source_id, _t.c.stream, _t.c.state))
COVERAGE: Final = Question(
    select(
        _c.c.source_id,
        _c.c.stream,
        func.min(_c.c.from_ms).label("first_ms"),
        func.max(_c.c.to_ms).label("last_ms"),
    ).group_by(_c.c.source_id, _c.c.stream)
)


def list_sources(look: Snapshot, now: datetime) -> list[SourceItem]:
    """
    Return all sources by id, each with its streams by name.
    """
    streams = _streams(look)
    return [
        SourceItem(
            source_id,
            kind,
            state,
            orjson.loads(system_status or "null"),
            from_ms(publish_from_ms),
            tuple(streams[source_id][name] for name in sorted(streams[source_id])),
            in_window,
            time_or_null(watermark_ms),
        )
        for source_id, kind, state, system_status, publish_from_ms, in_window, watermark_ms in look.rows(
            SOURCES, now_ms=to_ms(now)
        )
    ]


def _streams(look: Snapshot) -> defaultdict[str, dict[str, StreamItem]]:
    """
    Return the streams of each source: those that have a state, or were read.
    """
    states = {(source_id, stream): state for source_id, stream, state in look.rows(STREAMS)}
    covered = {(row[0], row[1]): (row[2], row[3]) for row in look.rows(COVERAGE)}
    found: defaultdict[str, dict[str, StreamItem]] = defaultdict(dict)
    for place in states.keys() | covered.keys():
        first_ms, last_ms = covered.get(place, (None, None))
        source_id, stream = place
        found[source_id][stream] = StreamItem(
            stream, states.get(place, StreamState().state), time_or_null(first_ms), time_or_null(last_ms)
        )
    return found
