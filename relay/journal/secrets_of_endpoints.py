"""
What signs for the endpoints made by REST.

The newest secret has no end; those before it go on signing until theirs, and are removed in passing.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from relay.journal import schema
from relay.journal.rows import time_or_null
from relay.model.endpoint import EndpointSecret
from relay.model.errors import Conflict
from relay.model.times import from_ms, to_ms

MAX_SECRETS: Final = 5

_t = schema.endpoint_secrets


def signing(
    conn: Connection, now: datetime, endpoint_no: int | None = None
) -> Mapping[int, Sequence[EndpointSecret]]:
    """
    Return the secrets that sign at `now`, newest first, by the number of their endpoint: of all, or of one.
    """
    found: dict[int, list[EndpointSecret]] = defaultdict(list)
    rows = (
        select(_t)
        .where(or_(_t.c.expires_ms.is_(None), _t.c.expires_ms > to_ms(now)))
        .order_by(_t.c.endpoint_no, _t.c.ordinal.desc())
    )
    for row in conn.execute(rows if endpoint_no is None else rows.where(_t.c.endpoint_no == endpoint_no)):
        secret = EndpointSecret(row.secret_id, row.key, from_ms(row.created_ms), time_or_null(row.expires_ms))
        found[row.endpoint_no].append(secret)
    return found


def enter(conn: Connection, endpoint_no: int, key: bytes, now: datetime) -> None:
    """
    Add a secret that signs first from now on.
    """
    newest = conn.execute(select(func.max(_t.c.ordinal)).where(_t.c.endpoint_no == endpoint_no)).scalar()
    conn.execute(
        insert(_t).values(
            endpoint_no=endpoint_no,
            ordinal=(newest or 0) + 1,
            secret_id=f"sec_{secrets.token_hex(12)}",
            key=key,
            created_ms=to_ms(now),
            scheme="v1",
            is_sealed=False,
        )
    )


def replace(conn: Connection, endpoint_no: int, key: bytes, old_until: datetime, now: datetime) -> None:
    """
    Add a secret, and have the older ones sign until `old_until`, none longer than it would have.

    Raises:
        Conflict: too many would sign at once.
    """
    now_ms, until_ms = to_ms(now), to_ms(old_until)
    of_endpoint = _t.c.endpoint_no == endpoint_no
    conn.execute(
        update(_t)
        .where(of_endpoint, or_(_t.c.expires_ms.is_(None), _t.c.expires_ms > until_ms))
        .values(expires_ms=until_ms)
    )
    conn.execute(delete(_t).where(of_endpoint, _t.c.expires_ms <= now_ms))
    count, frees_ms = conn.execute(select(func.count(), func.min(_t.c.expires_ms)).where(of_endpoint)).one()
    if count >= MAX_SECRETS:
        raise Conflict(
            f"{count} secrets sign already, which is the most: the next of them ends at"
            f" {from_ms(frees_ms).isoformat()}, or end them sooner"
        )
    enter(conn, endpoint_no, key, now)


def remove(conn: Connection, endpoint_no: int) -> None:
    """
    Remove all secrets of an endpoint.
    """
    conn.execute(delete(_t).where(_t.c.endpoint_no == endpoint_no))
