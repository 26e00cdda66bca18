"""
Endpoints that are taken away, and what waited for them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, Update, delete, literal_column, select, tuple_, update

from relay.journal import schema
from relay.journal.matching import match_anew
from relay.journal.registered import changeable
from relay.journal.secrets_of_endpoints import remove
from relay.model.endpoint import DISABLED
from relay.model.times import to_ms

ENDPOINT_DELETED: Final = "endpoint_deleted"

_t, _d = schema.endpoints, schema.deliveries
_KEY: Final = (_d.c.endpoint_no, _d.c.seq, _d.c.job)


def delete_endpoint(conn: Connection, endpoint_id: str, now: datetime) -> None:
    """
    Take an endpoint away: no append matches it any more, and nothing signs for it.
    """
    row = changeable(conn, endpoint_id)
    gone = {"deleted_ms": to_ms(now), "state": DISABLED, "state_reason": ENDPOINT_DELETED}
    conn.execute(update(_t).where(_t.c.no == row.no).values(**gone, not_before_ms=None))
    remove(conn, row.no)
    conn.execute(delete(schema.batches).where(schema.batches.c.endpoint_no == row.no))
    match_anew(conn)


def discard_of_deleted(conn: Connection, limit: int, now: datetime) -> int:
    """
    Discard at most `limit` deliveries that wait for deleted endpoints; return how many.
    """
    full = select(_t.c.no).where(_t.c.deleted_ms.is_not(None), _t.c.is_emptied.is_(False))
    done = 0
    for endpoint_no in conn.execute(full.order_by(_t.c.no)).scalars().all():
        done += _discard(conn, endpoint_no, limit - done, now)
        if done >= limit:
            break
        # No append matches it and nothing is resent to it, so that nothing will wait for it again.
        conn.execute(update(_t).where(_t.c.no == endpoint_no).values(is_emptied=True))
    return done


def discard_all(conn: Connection, endpoint_no: int, now: datetime) -> None:
    """
    Discard whatever waits for one endpoint.
    """
    _discard(conn, endpoint_no, None, now)


def waiting_in_order(endpoint_no: int, limit: int | None) -> Select[Any]:
    """
    Select the keys of what waits for an endpoint, resends apart.
    """
    return (
        select(*_KEY)
        .where(
            _d.c.endpoint_no == endpoint_no,
            _d.c.status == literal_column("'pending'"),
            _d.c.job == literal_column("0"),
        )
        .limit(limit)
    )


def waiting_resends(endpoint_no: int, limit: int | None) -> Select[Any]:
    """
    Select the keys of resends that wait for an endpoint: each of them has a time at which it is due.
    """
    return (
        select(*_KEY)
        .where(_d.c.endpoint_no == endpoint_no, _d.c.due_ms.is_not(None), _d.c.job > literal_column("0"))
        .limit(limit)
    )


def discarding(keys: Select[Any], now: datetime) -> Update:
    """
    Return the update that discards the deliveries with some keys.
    """
    settled = {"status": schema.DISCARDED, "reason": ENDPOINT_DELETED, "settled_ms": to_ms(now)}
    return update(_d).where(tuple_(*_KEY).in_(keys)).values(**settled, due_ms=None)


def _discard(conn: Connection, endpoint_no: int, limit: int | None, now: datetime) -> int:
    done = 0
    for select_keys in (waiting_in_order, waiting_resends):
        keys = select_keys(endpoint_no, None if limit is None else limit - done)
        done += conn.execute(discarding(keys, now)).rowcount
    return done
