"""
What signs for the endpoints made by REST, sealed.

The newest secret of a scheme has no end; those before it go on signing until theirs, and are removed in
passing.  One may begin later: until then those before it sign.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from relay.journal import schema
from relay.journal.rows import time_or_null
from relay.journal.sealing import Seal
from relay.model.delivery_options import V1
from relay.model.endpoint import EndpointSecret
from relay.model.errors import Conflict
from relay.model.times import from_ms, to_ms

MAX_SECRETS: Final = 5

_t, _e = schema.endpoint_secrets, schema.endpoints


@dataclass(frozen=True, slots=True)
class NewSecret:
    """
    A secret to be added: it signs from `starts_at` (None: at once), those before it until `old_until`.
    """

    key: bytes = field(repr=False)
    old_until: datetime
    scheme: str = V1
    starts_at: datetime | None = None


def known(
    conn: Connection, seal: Seal, now: datetime, endpoint_no: int | None = None
) -> Mapping[int, Sequence[EndpointSecret]]:
    """
    Return the secrets that have not ended at `now`, newest first, by the number of their endpoint: of all,
    or of one.
    """
    found: dict[int, list[EndpointSecret]] = defaultdict(list)
    rows = (
        select(_t, _e.c.id.label("endpoint_id"))
        .join(_e, _e.c.no == _t.c.endpoint_no)
        .where(or_(_t.c.expires_ms.is_(None), _t.c.expires_ms > to_ms(now)))
        .order_by(_t.c.endpoint_no, _t.c.ordinal.desc())
    )
    for row in conn.execute(rows if endpoint_no is None else rows.where(_t.c.endpoint_no == endpoint_no)):
        key = _opened(seal, row)
        secret = EndpointSecret(
            secret_id=row.secret_id,
            key=key or b"",
            created_at=from_ms(row.created_ms),
            expires_at=time_or_null(row.expires_ms),
            scheme=row.scheme,
            starts_at=time_or_null(row.starts_ms),
            is_lost=key is None,
        )
        found[row.endpoint_no].append(secret)
    return found


def enter(
    conn: Connection,
    seal: Seal,
    endpoint: Row[Any],
    key: bytes,
    now: datetime,
    scheme: str = V1,
    starts_at: datetime | None = None,
) -> None:
    """
    Add a secret that signs first in its scheme, from now or from `starts_at` on.
    """
    newest = conn.execute(select(func.max(_t.c.ordinal)).where(_t.c.endpoint_no == endpoint.no)).scalar()
    conn.execute(
        insert(_t).values(
            endpoint_no=endpoint.no,
            ordinal=(newest or 0) + 1,
            secret_id=f"sec_{secrets.token_hex(12)}",
            key=seal.seal(key, _about(endpoint.id)),
            created_ms=to_ms(now),
            starts_ms=None if starts_at is None else to_ms(starts_at),
            scheme=scheme,
            is_sealed=True,
        )
    )


def replace(conn: Connection, seal: Seal, endpoint: Row[Any], new: NewSecret, now: datetime) -> None:
    """
    Add a secret, and have the older ones of its scheme sign until its time, none longer than it would have.

    One that would have begun after that is forgotten.

    Raises:
        Conflict: too many would sign at once; or nothing would sign before the new one begins.
    """
    now_ms, until_ms = to_ms(now), to_ms(new.old_until)
    of_scheme = and_(_t.c.endpoint_no == endpoint.no, _t.c.scheme == new.scheme)
    conn.execute(
        update(_t)
        .where(of_scheme, or_(_t.c.expires_ms.is_(None), _t.c.expires_ms > until_ms))
        .values(expires_ms=until_ms)
    )
    never = or_(_t.c.expires_ms <= now_ms, and_(_t.c.starts_ms > now_ms, _t.c.starts_ms >= _t.c.expires_ms))
    conn.execute(delete(_t).where(of_scheme, never))
    count, frees_ms = conn.execute(select(func.count(), func.min(_t.c.expires_ms)).where(of_scheme)).one()
    if count >= MAX_SECRETS:
        raise Conflict(
            f"{count} secrets sign already, which is the most: the next of them ends at"
            f" {from_ms(frees_ms).isoformat()}, or end them sooner"
        )
    if new.starts_at is not None and not _signs_now(conn, seal, endpoint.no, new.scheme, now):
        raise Conflict(f"nothing signs with {new.scheme} before then: have the secret begin at once")
    enter(conn, seal, endpoint, new.key, now, new.scheme, new.starts_at)


def remove(conn: Connection, endpoint_no: int) -> None:
    """
    Remove all secrets of an endpoint.
    """
    conn.execute(delete(_t).where(_t.c.endpoint_no == endpoint_no))


def seal_anew(conn: Connection, seal: Seal) -> int:
    """
    Seal what is not sealed yet, or with an older key; return how many were not sealed at all.

    What cannot be opened stays as it is.
    """
    plain = 0
    rows = conn.execute(select(_t, _e.c.id.label("endpoint_id")).join(_e, _e.c.no == _t.c.endpoint_no)).all()
    for row in rows:
        about = _about(row.endpoint_id)
        if row.is_sealed and seal.is_current(bytes(row.key), about):
            continue
        key = _opened(seal, row)
        if key is not None:
            plain += not row.is_sealed
            one = and_(_t.c.endpoint_no == row.endpoint_no, _t.c.ordinal == row.ordinal)
            conn.execute(update(_t).where(one).values(key=seal.seal(key, about), is_sealed=True))
    return plain


def _opened(seal: Seal, row: Row[Any]) -> bytes | None:
    return seal.open(bytes(row.key), _about(row.endpoint_id)) if row.is_sealed else bytes(row.key)


def _signs_now(conn: Connection, seal: Seal, endpoint_no: int, scheme: str, now: datetime) -> bool:
    of_endpoint = known(conn, seal, now, endpoint_no).get(endpoint_no, ())
    return any(secret.scheme == scheme and secret.signs_at(now) for secret in of_endpoint)


def _about(endpoint_id: str) -> str:
    return f"secret {endpoint_id}"
