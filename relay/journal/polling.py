"""
What the poll loop reads: sources, streams, known rows, the neighbourhood of fresh rows.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select

from relay.journal import schema
from relay.journal.port import KnownDigests, KnownLegRow, NearKeys, StreamState
from relay.journal.rows import call_of, leg_of, slices
from relay.model.change import Neighbourhood, SourceHead
from relay.model.times import from_ms, to_ms

_sources, _streams, _legs, _calls, _rejects = (
    schema.sources,
    schema.streams,
    schema.legs,
    schema.calls,
    schema.rejects,
)
NEW_SOURCE_STATE = "up"


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
            )
        )
        row = conn.execute(query).one()
    return _source_head(row)


def source_head(conn: Connection, source_id: str) -> SourceHead:
    """
    Return the head of a source's own subject.
    """
    return _source_head(conn.execute(select(_sources).where(_sources.c.source_id == source_id)).one())


def stream_states(conn: Connection, source_id: str) -> dict[str, StreamState]:
    """
    Return the states of a source's streams that have one.
    """
    rows = conn.execute(select(_streams).where(_streams.c.source_id == source_id))
    return {
        row.stream: StreamState(row.state, row.id_scheme, row.not_found_in_a_row, bool(row.had_good_answer))
        for row in rows
    }


def known_digests(conn: Connection, source_id: str, stream: str, since: datetime) -> KnownDigests:
    """
    Return the row digests of legs that started since, and of all rejects.
    """
    of_legs = select(
        _legs.c.digest, _legs.c.base_key, _legs.c.started_ms, _legs.c.ended_ms.is_not(None)
    ).where(_legs.c.source_id == source_id, _legs.c.stream == stream, _legs.c.started_ms >= to_ms(since))
    of_rejects = select(_rejects.c.digest).where(
        _rejects.c.source_id == source_id, _rejects.c.stream == stream
    )
    legs = (KnownLegRow(d, base, from_ms(ms), bool(closed)) for d, base, ms, closed in conn.execute(of_legs))
    return KnownDigests(tuple(legs), tuple(conn.execute(of_rejects).scalars()))


def neighbourhood(conn: Connection, source_id: str, keys: NearKeys) -> Neighbourhood:
    """
    Return the calls that have a leg in a bag, with a native id, or with a number at the time.
    """
    at_the_time = and_(
        _legs.c.started_ms.between(to_ms(keys.started_from), to_ms(keys.started_to)),
        or_(_legs.c.ended_ms.is_(None), _legs.c.ended_ms >= to_ms(keys.ended_from)),
    )
    own = _legs.c.source_id == source_id
    call_ids: set[str] = set()
    for column, values, conditions in (
        (_legs.c.base_key, keys.base_keys, ()),
        (_legs.c.native_id, keys.native_ids, (own,)),
        (_legs.c.link_key, keys.link_keys, (own, at_the_time)),
    ):
        call_ids |= _call_ids(conn, column, values, conditions)
    return _whole_calls(conn, call_ids)


def held_calls(conn: Connection, source_id: str) -> Neighbourhood:
    """
    Return the calls whose end is held.
    """
    held = select(_calls.c.call_id).where(
        _calls.c.source_id == source_id,
        _calls.c.end_seen_ms.is_not(None),
        ~_calls.c.is_end_published,
        ~_calls.c.is_silent,
    )
    return _whole_calls(conn, set(conn.execute(held).scalars()))


def oldest_open_start(conn: Connection, source_id: str) -> datetime | None:
    """
    Return when the oldest open leg started.
    """
    query = (
        select(_legs.c.started_ms)
        .where(_legs.c.source_id == source_id, _legs.c.ended_ms.is_(None))
        .order_by(_legs.c.started_ms)
        .limit(1)
    )
    started_ms = conn.execute(query).scalar()
    return None if started_ms is None else from_ms(started_ms)


def _call_ids(
    conn: Connection,
    column: ColumnElement[Any],
    values: Collection[str],
    conditions: tuple[ColumnElement[bool], ...],
) -> set[str]:
    found: set[str] = set()
    for some in slices(list(values)):
        found.update(conn.execute(select(_legs.c.call_id).where(column.in_(some), *conditions)).scalars())
    return found


def _whole_calls(conn: Connection, call_ids: set[str]) -> Neighbourhood:
    calls, legs = {}, []
    for some in slices(sorted(call_ids)):
        calls.update(
            {
                row.call_id: call_of(row)
                for row in conn.execute(select(_calls).where(_calls.c.call_id.in_(some)))
            }
        )
        legs += [leg_of(row) for row in conn.execute(select(_legs).where(_legs.c.call_id.in_(some)))]
    return Neighbourhood(calls, legs)


def _source_head(row: Row[Any]) -> SourceHead:
    return SourceHead(
        source_id=row.source_id,
        publish_from=from_ms(row.publish_from_ms),
        state=row.state,
        system_status=orjson.loads(row.system_status or "null"),
        revision=row.revision,
        last_event_id=row.last_event_id,
    )
