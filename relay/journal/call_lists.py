"""
Calls as people look for them: newest start first, over all sources, and one call whole.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Text, bindparam, cast, func, or_, select, tuple_

from relay.journal import rows as stored
from relay.journal import schema
from relay.journal.cursors import LAST, NEWEST_CALL, CallPlace, place_of, text_of
from relay.journal.event_lists import events_of_subject
from relay.journal.questions import Question, Row, Snapshot, as_hex, as_text, if_given, ms_from, rows_of_each
from relay.model.call import Leg
from relay.model.listing import CallDetail, CallFilter, CallItem, Page

NUMBER_FIELDS: Final = ("from_e164", "from_raw", "to_e164", "to_raw")

_c, _l, _s = schema.calls, schema.legs, schema.sources
_older = schema.calls.alias("older")
_ITEM: Final = (_c.c.call_id, _c.c.source_id, _c.c.subject, _c.c.revision, as_text(_c.c.record))
_LEG: Final = tuple(column for column in _l.columns if column.name not in ("row", "digest"))
_OF_SOURCE: Final = if_given("source_id", _s.c.source_id == bindparam("source_id"))
_PLACE: Final = (_c.c.started_ms.desc(), _c.c.call_id.desc())


def _field(name: str) -> ColumnElement[str]:
    """
    Return a field of the record.
    """
    return func.json_extract(cast(_c.c.record, Text), f"$.{name}")


def _field_is(name: str) -> ColumnElement[bool]:
    return if_given(name, _field(name) == bindparam(name))


BY_ID: Final = Question(select(*_ITEM, _c.c.absorbed_into).where(_c.c.call_id == bindparam("call_id")))
LEGS: Final = Question(
    select(*_LEG, as_text(_l.c.row), as_hex(_l.c.digest))
    .where(_l.c.call_id == bindparam("call_id"))
    .order_by(_l.c.started_ms, _l.c.leg_id)
)
SOURCES: Final = Question(select(func.count()).select_from(_s).where(_OF_SOURCE))

# Until when a page looks back: as far as the source with most calls since then has `skipped` before it.
OLDEST_START: Final = Question(
    select(
        func.max(
            select(_older.c.started_ms)
            .where(
                _older.c.source_id == _s.c.source_id,
                _older.c.started_ms.between(bindparam("low"), bindparam("high")),
            )
            .order_by(_older.c.started_ms.desc())
            .limit(1)
            .offset(bindparam("skipped"))
            .scalar_subquery()
        )
    ).where(_OF_SOURCE)
)
_picked = (
    select(_c.c.call_id)
    .where(
        _c.c.source_id.in_(select(_s.c.source_id).where(_OF_SOURCE)),
        _c.c.started_ms.between(bindparam("low"), bindparam("high")),
        tuple_(_c.c.started_ms, _c.c.call_id) < tuple_(bindparam("started_ms"), bindparam("call_id")),
        if_given("state", _c.c.state == bindparam("state")),
        *map(_field_is, ("outcome", "direction", "agent_name", "queue")),
        if_given("number", or_(*(_field(name) == bindparam("number") for name in NUMBER_FIELDS))),
    )
    .order_by(*_PLACE)
    .limit(bindparam("limit"))
    .subquery("picked")
)
PAGE: Final = Question(
    select(*_ITEM, _c.c.started_ms)
    .join_from(_picked, _c, _c.c.call_id == _picked.c.call_id)
    .order_by(*_PLACE)
)


def call(look: Snapshot, call_id: str, events_limit: int = LAST) -> CallDetail | None:
    """
    Return a call whole, or with so many of its events.
    """
    row = look.row(BY_ID, call_id=call_id)
    if row is None:
        return None
    item = _item(row)
    legs = tuple(map(_leg, look.rows(LEGS, call_id=call_id)))
    return CallDetail(item, legs, events_of_subject(look, item.subject, events_limit), absorbed_into=row[-1])


def list_calls(
    look: Snapshot, wanted: CallFilter, after: str | None, limit: int, scanned_rows: int
) -> Page[CallItem]:
    """
    Return a page of calls, newest start first; it looks at about `scanned_rows` of them at the most.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, NEWEST_CALL)
    low = -LAST if wanted.started_from is None else ms_from(wanted.started_from)
    high = place.started_ms if place.call_id else place.started_ms - 1
    if wanted.started_before is not None:
        high = min(high, ms_from(wanted.started_before) - 1)
    sources = look.value(SOURCES, source_id=wanted.source_id)
    each = rows_of_each(sources, scanned_rows, None if _has_conditions(wanted) else limit)
    span = {"source_id": wanted.source_id, "high": high}
    oldest = look.value(OLDEST_START, **span, low=low, skipped=each)
    rows = look.rows(
        PAGE,
        **span,
        low=low if oldest is None else oldest,
        started_ms=place.started_ms,
        call_id=place.call_id,
        state=wanted.state,
        outcome=wanted.outcome,
        direction=wanted.direction,
        agent_name=wanted.agent_name,
        queue=wanted.queue,
        number=wanted.number,
        limit=limit + 1,
    )
    items = tuple(map(_item, rows[:limit]))
    if len(rows) > limit:
        return Page(items, text_of(CallPlace(rows[limit - 1][-1], items[-1].call_id)))
    return Page(items, None if oldest is None else text_of(CallPlace(oldest, "")))


def _has_conditions(wanted: CallFilter) -> bool:
    within_the_index = replace(wanted, source_id=None, started_from=None, started_before=None)
    return within_the_index != CallFilter()


def _item(row: Row) -> CallItem:
    call_id, source_id, subject, revision, record = row[:5]
    return CallItem(call_id, source_id, subject, revision, orjson.loads(record))


def _leg(row: Row) -> Leg:
    *values, leg_row, digest = row
    named: Any = SimpleNamespace(**dict(zip((column.name for column in _LEG), values, strict=True)))
    named.row, named.digest = leg_row, bytes.fromhex(digest)
    return stored.leg_of(named)
