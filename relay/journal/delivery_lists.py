"""
Deliveries as people look for them: newest event first, and one of them.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
)

from relay.journal import schema
from relay.journal.cursors import NEWEST_DELIVERY, DeliveryPlace, place_of, text_of
from relay.journal.questions import (
    Question,
    Row,
    Snapshot,
    if_given,
    is_of_type,
    is_one_of,
    json_list,
    rows_of_each,
    type_values,
)
from relay.journal.rows import time_or_null
from relay.model.listing import DeliveryFilter, DeliveryItem, DeliveryKey, Page
from relay.model.times import from_ms

_d, _e, _n = schema.deliveries, schema.events, schema.endpoints
_older = schema.deliveries.alias("older")
_KEY: Final = ("seq", "endpoint_no", "job")
_keys = [_d.c[name] for name in _KEY]
_ITEM: Final = (
    _n.c.id,
    _e.c.id,
    _d.c.job,
    _d.c.seq,
    _e.c.type,
    _e.c.subject,
    _d.c.status,
    _d.c.attempts,
    _d.c.http_status,
    _d.c.reason,
    _d.c.latency_ms,
    _e.c.recorded_ms,
    _d.c.due_ms,
    _d.c.settled_ms,
    _d.c.endpoint_no,
)
OF_ENDPOINTS: Final = _d.c.endpoint_no.between(bindparam("first_no"), bindparam("last_no"))
# Written out, not bound: only so does the planner see that the partial indexes fit.
WAITS_IN_ORDER: Final = and_(_d.c.status == literal_column("'pending'"), _d.c.job == literal_column("0"))
IS_DUE: Final = _d.c.due_ms.is_not(None)
IS_RESENT: Final = _d.c.job > literal_column("0")
OF_KEY: Final = (_n.c.id == bindparam("endpoint_id"), _e.c.id == bindparam("event_id"))
_in_range = _n.c.no.between(bindparam("first_no"), bindparam("last_no"))


def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """
    Return how many deliveries of some endpoints meet a condition: at most `limit`.
    """
    some: Select[Any] = select(literal_column("1")).where(condition, OF_ENDPOINTS)
    return select(func.count()).select_from(some.limit(bindparam("limit")).subquery()).scalar_subquery()


def _items_of(keys: Select[Any]) -> Question:
    """
    Ask for the newest `limit` of some deliveries, from a place on.
    """
    some = keys.subquery("some")
    columns = [some.c[name] for name in _KEY]
    is_wanted = exists(select(_e.c.seq).where(_e.c.seq == some.c.seq, is_of_type(_e.c.type)))
    picked = (
        select(*columns)
        .where(tuple_(*columns) < tuple_(*map(bindparam, _KEY)), if_given("types", is_wanted))
        .order_by(*(column.desc() for column in columns))
        .limit(bindparam("limit"))
        .subquery("picked")
    )
    return Question(
        select(*_ITEM)
        .join_from(picked, _d, and_(*(_d.c[name] == picked.c[name] for name in _KEY)))
        .join(_e, _e.c.seq == _d.c.seq)
        .join(_n, _n.c.no == _d.c.endpoint_no)
        .order_by(*(column.desc() for column in _keys))
    )


BY_KEY: Final = Question(
    select(*_ITEM)
    .join_from(_n, _d, _d.c.endpoint_no == _n.c.no)
    .join(_e, _e.c.seq == _d.c.seq)
    .where(*OF_KEY, _d.c.job == bindparam("job"))
)
ENDPOINTS: Final = Question(
    select(func.min(_n.c.no), func.max(_n.c.no), func.count()).where(
        if_given("endpoint_id", _n.c.id == bindparam("endpoint_id"))
    )
)
SEQ_OF_EVENT: Final = Question(select(_e.c.seq).where(_e.c.id == bindparam("event_id")))

# Until which event a page looks back: the one at which some endpoint has passed `skipped` deliveries.
OLDEST_SEQ: Final = Question(
    select(
        func.max(
            select(_older.c.seq)
            .where(_older.c.endpoint_no == _n.c.no, _older.c.seq <= bindparam("high"))
            .order_by(_older.c.seq.desc())
            .limit(1)
            .offset(bindparam("skipped"))
            .scalar_subquery()
        )
    ).where(_in_range)
)
PAGE: Final = _items_of(
    select(*_keys).where(
        _d.c.endpoint_no.in_(select(_n.c.no).where(_in_range)),
        _d.c.seq.between(bindparam("low"), bindparam("high")),
        is_one_of(_d.c.status, "statuses"),
    )
)
# A delivery that waits does so in order, by an index of its own; a resend is always due.
WAITING: Final = Question(select(counted(WAITS_IN_ORDER), counted(IS_DUE)))
PAGE_OF_WAITING: Final = _items_of(
    select(
        union_all(
            select(*_keys).where(WAITS_IN_ORDER, OF_ENDPOINTS),
            select(*_keys).where(IS_DUE, IS_RESENT, OF_ENDPOINTS),
        ).subquery()
    )
)


def delivery(look: Snapshot, key: DeliveryKey) -> DeliveryItem | None:
    """
    Return a delivery.
    """
    row = look.row(BY_KEY, endpoint_id=key.endpoint_id, event_id=key.event_id, job=key.job)
    return _item(row) if row else None


def list_deliveries(
    look: Snapshot, wanted: DeliveryFilter, after: str | None, limit: int, scanned_rows: int
) -> Page[DeliveryItem]:
    """
    Return a page of deliveries, newest event first; it looks at about `scanned_rows` of them at the most.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, NEWEST_DELIVERY)
    first_no, last_no, endpoints = look.rows(ENDPOINTS, endpoint_id=wanted.endpoint_id)[0]
    some = {"first_no": first_no, "last_no": last_no}
    question, low, high, oldest = PAGE, 0, place.seq if place.endpoint_no else place.seq - 1, None
    if wanted.event_id is not None:
        low = high = look.value(SEQ_OF_EVENT, event_id=wanted.event_id)
    elif set(wanted.statuses) == {schema.PENDING} and _few_wait(look, some, scanned_rows):
        question = PAGE_OF_WAITING
    else:
        is_picky = bool(wanted.statuses or wanted.types)
        each = rows_of_each(endpoints, scanned_rows, None if is_picky else limit)
        oldest = look.value(OLDEST_SEQ, **some, high=high, skipped=each)
        low = oldest or 0
    rows = look.rows(
        question,
        **some,
        **place._asdict(),
        **type_values(wanted.types),
        statuses=json_list(wanted.statuses),
        low=low,
        high=high,
        limit=limit + 1,
    )
    items = tuple(map(_item, rows[:limit]))
    if len(rows) > limit:
        return Page(items, text_of(DeliveryPlace(items[-1].seq, rows[limit - 1][-1], items[-1].key.job)))
    return Page(items, None if oldest is None else text_of(DeliveryPlace(oldest, 0, 0)))


def _few_wait(look: Snapshot, some: dict[str, int | None], scanned_rows: int) -> bool:
    in_order, due = look.rows(WAITING, **some, limit=scanned_rows + 1)[0]
    return max(int(in_order), int(due)) <= scanned_rows


def _item(row: Row) -> DeliveryItem:
    endpoint_id, event_id, job, *facts, recorded_ms, due_ms, settled_ms = row[:14]
    times = (from_ms(recorded_ms), time_or_null(due_ms), time_or_null(settled_ms))
    return DeliveryItem._make((DeliveryKey(endpoint_id, event_id, job), *facts, *times))
