"""
Bring what waits for an endpoint into another order: its keys, and what of it is due.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, case, exists, func, literal_column, null, select, update

from relay.journal import schema
from relay.journal.batches import break_up
from relay.model.delivery_options import ONE_FOR_ALL, ORDER_ENDPOINT, ORDER_NONE, ORDER_SUBJECT

AT_ONCE: Final = 500  # so that nobody else waits for the write lock for longer than 20 ms
MIXED: Final = ""  # some of it has the keys of one order, some those of another

_d, _e, _n = schema.deliveries, schema.events, schema.endpoints
_earlier = _d.alias("earlier")
_OF_EVENTS: Final = _d.c.job == literal_column("0")
_IS_BEHIND: Final = exists(
    select(literal_column("1")).where(
        _earlier.c.endpoint_no == _d.c.endpoint_no,
        _earlier.c.subject_key == _d.c.subject_key,
        _earlier.c.status == literal_column("'pending'"),
        _earlier.c.job == literal_column("0"),
        _earlier.c.seq < _d.c.seq,
    )
)
_KEYS: Final[dict[str, ColumnElement[Any]]] = {
    ORDER_SUBJECT: select(_e.c.subject_key).where(_e.c.seq == _d.c.seq).scalar_subquery(),
    ORDER_ENDPOINT: literal_column(str(ONE_FOR_ALL)),
    ORDER_NONE: _d.c.seq,
}


def reorder(
    conn: Connection, endpoint_no: int, after: int | None, now_ms: int, limit: int = AT_ONCE
) -> int | None:
    """
    Give some more of what waits for an endpoint the keys of its order, oldest event first.

    While it goes on nothing may be under way to the endpoint.  What is appended meanwhile has the new keys
    already; whether it is due is decided again here.

    Args:
        conn: of a transaction.
        endpoint_no: the endpoint.
        after: how far it was done, None: from the beginning.
        now_ms: when what need not wait for anything any more is due.
        limit: how many deliveries at the most.

    Returns:
        How far it is done; None: all of it is.
    """
    options, keyed_by = conn.execute(select(_n.c.options, _n.c.keyed_by).where(_n.c.no == endpoint_no)).one()
    order = orjson.loads(options).get("order", ORDER_SUBJECT)
    if keyed_by == order:
        return None
    if after is None:
        _note(conn, endpoint_no, MIXED)
        break_up(conn, endpoint_no, now_ms, is_all=True)
        after = _before_oldest(conn, endpoint_no)
    waiting = (
        select(_d.c.seq)
        .where(_d.c.endpoint_no == endpoint_no, _d.c.seq > after, _OF_EVENTS, _d.c.status == schema.PENDING)
        .order_by(_d.c.seq)
        .limit(limit)
    )
    seqs = conn.execute(waiting).scalars().all()
    if not seqs:
        _note(conn, endpoint_no, order)
        return None
    part = (
        update(_d)
        .where(_d.c.endpoint_no == endpoint_no, _d.c.seq.between(seqs[0], seqs[-1]))
        .where(_OF_EVENTS, _d.c.status == literal_column("'pending'"))
    )
    conn.execute(part.values(subject_key=_KEYS[order]))
    # A head that waits for its retry goes on waiting.
    due_ms = case((_IS_BEHIND, null()), else_=func.coalesce(_d.c.due_ms, now_ms))
    conn.execute(part.values(due_ms=due_ms))
    return int(seqs[-1])


def _before_oldest(conn: Connection, endpoint_no: int) -> int:
    """
    Return the seq before that of the oldest event that waits: the first of its key, and so one with a time.
    """
    oldest = select(func.min(_d.c.seq)).where(
        _d.c.endpoint_no == endpoint_no, _d.c.due_ms.is_not(None), _OF_EVENTS
    )
    return int(conn.execute(oldest).scalar() or 1) - 1


def _note(conn: Connection, endpoint_no: int, keyed_by: str) -> None:
    conn.execute(update(_n).where(_n.c.no == endpoint_no).values(keyed_by=keyed_by))
