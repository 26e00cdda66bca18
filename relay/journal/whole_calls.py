"""
Whole calls with all their legs: near some rows, and those that still wait for an event.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from relay.journal import schema
from relay.journal.port import NearKeys
from relay.journal.rows import call_of, leg_of, slices, time_or_null
from relay.journal.schema import IS_END_HELD, IS_UNPUBLISHED, IS_UNSETTLED
from relay.model.call import LEG_STREAMS, UNKNOWN
from relay.model.change import Neighbourhood
from relay.model.times import to_ms

_calls, _legs = schema.calls, schema.legs


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
    return _found(conn, select(_calls.c.call_id).where(_calls.c.source_id == source_id, IS_END_HELD))


def provisional_calls(
    conn: Connection, source_id: str, started_from: datetime, started_before: datetime, limit: int
) -> Neighbourhood:
    """
    Return the calls of the oldest `limit` legs that started in between, of those that only a push told of
    and that no read has denied yet.
    """
    wanted = (
        select(_legs.c.call_id)
        .where(
            _legs.c.source_id == source_id,
            _legs.c.started_ms.between(to_ms(started_from), to_ms(started_before) - 1),
            _legs.c.is_provisional,
            _legs.c.status.is_distinct_from(UNKNOWN),
        )
        .order_by(_legs.c.started_ms)
        .limit(limit)
    )
    return _found(conn, wanted)


def oldest_unsettled_start(conn: Connection, source_id: str, ended_from: datetime) -> datetime | None:
    """
    Return when the oldest call started that waits to be settled, of those that ended since.
    """
    query = (
        select(_calls.c.started_ms)
        .where(_calls.c.source_id == source_id, _calls.c.ended_ms >= to_ms(ended_from), IS_UNSETTLED)
        .order_by(_calls.c.started_ms)
        .limit(1)
    )
    return time_or_null(conn.execute(query).scalar())


def unsettled_calls(
    conn: Connection, source_id: str, ended_from: datetime, ended_before: datetime, limit: int
) -> Neighbourhood:
    """
    Return calls that wait to be settled, oldest end first.
    """
    ended = and_(_calls.c.ended_ms >= to_ms(ended_from), _calls.c.ended_ms < to_ms(ended_before))
    query = select(_calls.c.call_id).where(_calls.c.source_id == source_id, ended, IS_UNSETTLED)
    return _found(conn, query.order_by(_calls.c.ended_ms, _calls.c.started_ms).limit(limit))


def silent_calls(
    conn: Connection, source_id: str, started_from: datetime, started_before: datetime, limit: int
) -> Neighbourhood:
    """
    Return calls that were never published, oldest start first.
    """
    started = and_(_calls.c.started_ms >= to_ms(started_from), _calls.c.started_ms < to_ms(started_before))
    query = select(_calls.c.call_id).where(_calls.c.source_id == source_id, started, IS_UNPUBLISHED)
    return _found(conn, query.order_by(_calls.c.started_ms).limit(limit))


def calls_between(
    conn: Connection, source_id: str, started_from: datetime, started_before: datetime
) -> Neighbourhood:
    """
    Return the calls with a leg that started in between.
    """
    query = select(_legs.c.call_id).where(
        _legs.c.source_id == source_id,
        _legs.c.stream.in_(LEG_STREAMS),
        _legs.c.started_ms >= to_ms(started_from),
        _legs.c.started_ms < to_ms(started_before),
    )
    return _found(conn, query.distinct())


def _found(conn: Connection, query: Select[Any]) -> Neighbourhood:
    return _whole_calls(conn, list(conn.execute(query).scalars()))


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


def _whole_calls(conn: Connection, call_ids: Collection[str]) -> Neighbourhood:
    """
    Return calls in the order given, or by id where that is a set.
    """
    in_order = sorted(call_ids) if isinstance(call_ids, set) else list(call_ids)
    calls, legs = {}, []
    for some in slices(in_order):
        rows = conn.execute(select(_calls).where(_calls.c.call_id.in_(some)))
        found = {row.call_id: call_of(row) for row in rows}
        calls.update({call_id: found[call_id] for call_id in some if call_id in found})
        legs += [leg_of(row) for row in conn.execute(select(_legs).where(_legs.c.call_id.in_(some)))]
    return Neighbourhood(calls, legs)
