"""
The durable log of budgeted requests (I7): no window ever holds more than allowed, over crashes too.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from relay.journal import schema
from relay.model.times import from_ms, to_ms
from relay.sources.port import NoRoom, Reservation, Share

_t = schema.sends


def reserve(
    conn: Connection, source_id: str, purpose: str, share: Share, now: datetime
) -> Reservation | NoRoom:
    """
    Take a place within every limit of a share, or tell when one is free.

    Where a crash leaves no outcome the place is taken until the request's deadline has passed and then
    the whole window, since the vendor may have counted it that late.
    """
    now_ms = to_ms(now)
    of_source = (_t.c.source_id == source_id, _t.c.frees_ms > now_ms)
    frees = max(
        _frees_ms(conn, share.limit, *of_source),
        _frees_ms(conn, share.own_limit, *of_source, _t.c.purpose == purpose),
    )
    if share.shared_with:
        sharing = _t.c.purpose.in_((purpose, *share.shared_with))
        frees = max(frees, _frees_ms(conn, share.shared_limit, *of_source, sharing))
    if frees > now_ms:
        return NoRoom(from_ms(frees))
    result = conn.execute(
        insert(_t).values(
            source_id=source_id,
            purpose=purpose,
            reserved_ms=now_ms,
            frees_ms=now_ms + round((share.deadline_s + share.per_s) * 1000),
        )
    )
    key = result.inserted_primary_key
    if key is None:
        raise AssertionError("an insert of one row returns its key")
    return Reservation(int(key[0]))


def _frees_ms(conn: Connection, limit: int, *conditions: ColumnElement[bool]) -> int:
    """
    Return when one of `limit` places is free among those that meet some conditions; 0: now.
    """
    newest = (
        select(_t.c.frees_ms).where(*conditions).order_by(_t.c.frees_ms.desc()).offset(limit - 1).limit(1)
    )
    return conn.execute(newest).scalar() or 0


def note(conn: Connection, send_id: int, outcome: str, per_s: float, now: datetime) -> None:
    """
    Note the outcome of a request; its place is free `per_s` from now.  The first note stays.
    """
    now_ms = to_ms(now)
    conn.execute(
        update(_t)
        .where(_t.c.send_id == send_id, _t.c.noted_ms.is_(None))
        .values(outcome=outcome, noted_ms=now_ms, frees_ms=now_ms + round(per_s * 1000))
    )


def in_window(conn: Connection, source_id: str, now: datetime) -> int:
    """
    Return how many places are taken.
    """
    taken = (
        select(func.count()).select_from(_t).where(_t.c.source_id == source_id, _t.c.frees_ms > to_ms(now))
    )
    return int(conn.execute(taken).scalar_one())


def forget_sends(conn: Connection, before: datetime) -> int:
    """
    Remove places that were free before an instant; return how many.
    """
    return int(conn.execute(delete(_t).where(_t.c.frees_ms < to_ms(before))).rowcount)
