"""
Replies kept for their Idempotency-Key: what was asked for once is done once.

The key of a command is kept from before it is sent: until there is a reply, that is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from relay.journal import schema
from relay.journal.api_port import Once
from relay.journal.port import KEEP_REPLIES
from relay.model.errors import Conflict
from relay.model.times import to_ms

FORGET_AT_ONCE: Final = 1_000
UNDER_WAY: Final = b""
NEVER_OLD_MS: Final = 2**62

_t = schema.idempotency_keys


def recall(conn: Connection, once: Once, now: datetime) -> bytes | None:
    """
    Return the reply stored for a key, where it is not too old.

    Raises:
        Conflict: the key came with another request; or its command has no verdict yet.
    """
    row = conn.execute(select(_t).where(_t.c.owner == once.owner, _t.c.key == once.key)).one_or_none()
    if row is None or row.made_ms < to_ms(now - KEEP_REPLIES):
        return None
    if row.digest != once.digest:
        raise Conflict("this Idempotency-Key came with another request before: use a new one")
    if row.reply == UNDER_WAY:
        raise Conflict(f"command {row.command_id} of this Idempotency-Key is under way: ask again later")
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
    _keep(conn, once, reply, to_ms(now))
    return reply


def put_aside(conn: Connection, once: Once, command_id: str) -> None:
    """
    Take a new key for a command that is to be sent; it does not grow old before there is a reply.
    """
    _keep(conn, once, UNDER_WAY, NEVER_OLD_MS, command_id)


def set_reply(conn: Connection, command_id: str, reply: bytes, now: datetime) -> None:
    """
    Keep the reply for the key of a command, if it came with one; its time begins now.

    Raises:
        ValueError: an empty reply, which would stand for none.
    """
    if reply == UNDER_WAY:
        raise ValueError("the reply to a command is not empty")
    conn.execute(update(_t).where(_t.c.command_id == command_id).values(reply=reply, made_ms=to_ms(now)))


def take_back(conn: Connection, command_id: str) -> None:
    """
    Let the key of a command that has no reply be used again.
    """
    conn.execute(delete(_t).where(_t.c.command_id == command_id, _t.c.reply == UNDER_WAY))


def forget_replies(conn: Connection, before: datetime) -> int:
    """
    Remove some of the replies stored before an instant; return how many.
    """
    old = select(_t.c.owner, _t.c.key).where(_t.c.made_ms < to_ms(before)).limit(FORGET_AT_ONCE)
    return int(conn.execute(delete(_t).where(tuple_(_t.c.owner, _t.c.key).in_(old))).rowcount)


def forget_replies_with_secrets(conn: Connection) -> None:
    """
    Remove the replies that earlier versions kept with a secret in them as it is.

    Whoever asks again with such a key makes something new, or is told that it is there.
    """
    for row in conn.execute(select(_t.c.owner, _t.c.key, _t.c.reply).where(_t.c.command_id.is_(None))).all():
        if b'"secret":' in row.reply:
            conn.execute(delete(_t).where(_t.c.owner == row.owner, _t.c.key == row.key))


def _keep(conn: Connection, once: Once, reply: bytes, made_ms: int, command_id: str | None = None) -> None:
    conn.execute(delete(_t).where(_t.c.owner == once.owner, _t.c.key == once.key))  # one that is too old
    conn.execute(
        insert(_t).values(
            owner=once.owner,
            key=once.key,
            digest=once.digest,
            reply=reply,
            made_ms=made_ms,
            command_id=command_id,
        )
    )
