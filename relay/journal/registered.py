"""
Registered endpoints as they are read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from relay.journal import schema
from relay.journal.rows import registered_of
from relay.journal.sealed_auth import opened_auth
from relay.journal.sealing import Seal
from relay.journal.secrets_of_endpoints import known
from relay.model.endpoint import RegisteredEndpoint
from relay.model.errors import Conflict, NotFound

_t = schema.endpoints


def registered(conn: Connection, seal: Seal, now: datetime) -> list[RegisteredEndpoint]:
    """
    Return all endpoints but the deleted ones, oldest first.
    """
    secrets = known(conn, seal, now)
    rows = conn.execute(select(_t).where(_t.c.deleted_ms.is_(None)).order_by(_t.c.no))
    return [
        registered_of(row, secrets.get(row.no, ()), opened_auth(seal, row.id, row.auth), now) for row in rows
    ]


def registered_one(conn: Connection, seal: Seal, endpoint_no: int, now: datetime) -> RegisteredEndpoint:
    """
    Return an endpoint that is known to be there.
    """
    return _opened(conn, seal, conn.execute(select(_t).where(_t.c.no == endpoint_no)).one(), now)


def registered_as(conn: Connection, seal: Seal, endpoint_id: str, now: datetime) -> RegisteredEndpoint | None:
    """
    Return the endpoint with an id, or None: there is none, or it was deleted.
    """
    row = conn.execute(select(_t).where(_t.c.id == endpoint_id, _t.c.deleted_ms.is_(None))).one_or_none()
    return None if row is None else _opened(conn, seal, row, now)


def changeable(conn: Connection, endpoint_id: str) -> Row[Any]:
    """
    Return the row of an endpoint that REST may change.

    Raises:
        NotFound: there is none with this id.
        Conflict: it belongs to the configuration file.
    """
    row = conn.execute(select(_t).where(_t.c.id == endpoint_id, _t.c.deleted_ms.is_(None))).one_or_none()
    if row is None:
        raise NotFound(f"there is no endpoint {endpoint_id}")
    if row.is_from_file:
        raise Conflict(f"endpoint {endpoint_id} belongs to the configuration file: change it there")
    return row


def _opened(conn: Connection, seal: Seal, row: Row[Any], now: datetime) -> RegisteredEndpoint:
    secrets = known(conn, seal, now, row.no).get(row.no, ())
    return registered_of(row, secrets, opened_auth(seal, row.id, row.auth), now)
