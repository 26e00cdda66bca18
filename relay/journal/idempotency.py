"""
Replies kept for their Idempotency-Key: what was asked for once is done once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, tuple_

from relay.journal import schema
from relay.journal.api_port import Once
from relay.journal.port import KEEP_REPLIES
from relay.model.errors import Conflict
from relay.model.times import to_ms

FORGET_AT_ONCE: Final = 1_000

_t = schema.idempotency_keys


def recall(conn: Connection, once: Once, now: datetime) -> bytes | None:
    """
    Return the reply stored for a key, where it is not too old.

    Raises:
        Conflict: the key came with another request.
    """
    row = conn.execute(select(_t).where(_t.c.owner == once.owner, _t.c.key == once.key)).one_or_none()
    if row is None or row.made_ms < to_ms(now - KEEP_REPLIES):
        return None
    if row.digest != once.digest:
        raise Conflict("this Idempotency-Key came with another request before: use a new one")
    return bytes(row.reply)


def done_once(conn: Connection, once: Once | None, make: Callable[[], bytes], now: datetime) -> bytes:
    """
    Do something and keep its reply; for a key that was there before only return the reply of then.
    """
    if once is None:
        return make()
    stored = recall(conn, once, now)
    if stored is not None:
        return stored
    reply = make()
    conn.execute(delete(_t).where(_t.c.owner == once.owner, _t.c.key == once.key))  # one that is too old
    conn.execute(
        insert(_t).values(owner=once.owner, key=once.key, digest=once.digest, reply=reply, made_ms=to_ms(now))
    )
    return reply


def forget_replies(conn: Connection, before: datetime) -> int:
    """
    Remove some of the replies stored before an instant; return how many.
    """
    old = select(_t.c.owner, _t.c.key).where(_t.c.made_ms < to_ms(before)).limit(FORGET_AT_ONCE)
    return int(conn.execute(delete(_t).where(tuple_(_t.c.owner, _t.c.key).in_(old))).rowcount)
