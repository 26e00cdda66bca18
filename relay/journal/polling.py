"""
What the poll loop reads of a source and its streams: state, known rows, how busy they are, whose names.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from relay.journal import schema
from relay.journal.port import KnownDigests, KnownLegRow, StreamState
from relay.journal.rows import ms_or_null, time_or_null
from relay.model.call import LEG_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.change import SourceHead
from relay.model.source_work import Allowance
from relay.model.times import EPOCH, from_ms, to_ms

_sources, _streams, _legs, _rejects = schema.sources, schema.streams, schema.legs, schema.rejects
NEW_SOURCE_STATE: Final = "up"
HOUR_MS: Final = 3_600_000
HOURS_OF_WEEK: Final = 168
HOUR_OF_EPOCH: Final = 72  # 1970 began on a Thursday

_NAME_IN: Final = {
    USER_CALLS: _legs.c.agent_name,
    QUEUE_CALLS: _legs.c.queue,
    RINGGROUP_CALLS: _legs.c.ring_group,
}


def register_source(
    conn: Connection, source_id: str, kind: str, publish_from: datetime, now: datetime
) -> SourceHead:
    """
    Enter a source, or read it back: its first `publish_from` stays.
    """
    query = select(_sources).where(_sources.c.source_id == source_id)
    row = conn.execute(query).one_or_none()
    if row is None:
        conn.execute(
            insert(_sources).values(
                source_id=source_id,
                kind=kind,
                publish_from_ms=to_ms(publish_from),
                state=NEW_SOURCE_STATE,
                system_status="null",
                revision=0,
                first_seen_ms=to_ms(now),
                mappings_version=0,
            )
        )
        row = conn.execute(query).one()
    return _source_head(row)


def source_head(conn: Connection, source_id: str) -> SourceHead:
    """
    Return the head of a source's own subject.
    """
    return _source_head(conn.execute(select(_sources).where(_sources.c.source_id == source_id)).one())


def allowance(conn: Connection, source_id: str) -> Allowance | None:
    """
    Return how many requests polls may use; None: as configured.
    """
    query = select(_sources.c.allowance, _sources.c.allowance_ms).where(_sources.c.source_id == source_id)
    row = conn.execute(query).one_or_none()
    if row is None or row.allowance is None:
        return None
    return Allowance(row.allowance, from_ms(row.allowance_ms))


def note_allowance(conn: Connection, source_id: str, allowed: Allowance | None) -> None:
    """
    Keep an allowance.
    """
    conn.execute(
        update(_sources)
        .where(_sources.c.source_id == source_id)
        .values(
            allowance=allowed.polls if allowed else None,
            allowance_ms=ms_or_null(allowed.changed_at if allowed else None),
        )
    )


def stream_states(conn: Connection, source_id: str) -> dict[str, StreamState]:
    """
    Return the states of a source's streams that have one.
    """
    return {
        row.stream: StreamState(
            row.state,
            row.id_scheme,
            row.not_found_in_a_row,
            bool(row.had_good_answer),
            orjson.loads(row.visibility),
            time_or_null(row.polled_ms),
        )
        for row in conn.execute(select(_streams).where(_streams.c.source_id == source_id))
    }


def known_digests(
    conn: Connection, source_id: str, stream: str, since: datetime, before: datetime | None
) -> KnownDigests:
    """
    Return the rows of legs that started since (and before an instant), provisional ones apart, and the
    digests of all rejects.
    """
    of_legs = select(
        _legs.c.digest, _legs.c.base_key, _legs.c.started_ms, _legs.c.ended_ms.is_not(None)
    ).where(
        _legs.c.source_id == source_id,
        _legs.c.stream == stream,
        _legs.c.started_ms >= to_ms(since),
        ~_legs.c.is_provisional,
        *([_legs.c.started_ms < to_ms(before)] if before is not None else []),
    )
    of_rejects = select(_rejects.c.digest).where(
        _rejects.c.source_id == source_id, _rejects.c.stream == stream
    )
    legs = (KnownLegRow(d, base, from_ms(ms), bool(closed)) for d, base, ms, closed in conn.execute(of_legs))
    return KnownDigests(tuple(legs), tuple(conn.execute(of_rejects).scalars()))


def oldest_open_start(conn: Connection, source_id: str, since: datetime = EPOCH) -> datetime | None:
    """
    Return when the oldest open leg started, of those that started since.
    """
    query = (
        select(_legs.c.started_ms)
        .where(_legs.c.source_id == source_id, _legs.c.ended_ms.is_(None), _legs.c.started_ms >= to_ms(since))
        .order_by(_legs.c.started_ms)
        .limit(1)
    )
    return time_or_null(conn.execute(query).scalar())


def leg_counts(conn: Connection, source_id: str, since: datetime) -> dict[str, dict[int, int]]:
    """
    Return how many legs of each stream started since, by hour of the week.
    """
    hour = ((_legs.c.started_ms // HOUR_MS + HOUR_OF_EPOCH) % HOURS_OF_WEEK).label("hour")
    query = (
        select(_legs.c.stream, hour, func.count())
        .where(
            _legs.c.source_id == source_id,
            _legs.c.stream.in_(LEG_STREAMS),
            _legs.c.started_ms >= to_ms(since),
        )
        .group_by(_legs.c.stream, hour)
    )
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for stream, hour_of_week, legs in conn.execute(query):
        found[stream][hour_of_week] = legs
    return dict(found)


def known_names(conn: Connection, source_id: str, stream: str, since: datetime) -> list[str]:
    """
    Return the names of users, queues or ring groups in the legs that started since.
    """
    name = _NAME_IN[stream]
    query = (
        select(name)
        .where(
            _legs.c.source_id == source_id,
            _legs.c.stream == stream,
            _legs.c.started_ms >= to_ms(since),
            name.is_not(None),
        )
        .distinct()
        .order_by(name)
    )
    return list(conn.execute(query).scalars())


def _source_head(row: Row[Any]) -> SourceHead:
    return SourceHead(
        source_id=row.source_id,
        publish_from=from_ms(row.publish_from_ms),
        state=row.state,
        system_status=orjson.loads(row.system_status or "null"),
        revision=row.revision,
        last_event_id=row.last_event_id,
        watermark=time_or_null(row.watermark_ms),
    )
