"""
What receivers consented to: `relay.sinks.port.GrantBook` on a database.
"""

from __future__ import annotations

from typing import Final

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection, select, update

from relay.journal import schema
from relay.journal.sqlite import SqliteDatabase
from relay.model.grant import Grant

_t = schema.endpoints
_GRANT: Final = TypeAdapter(Grant)


class SqlGrants:
    """
    The newest consent of each endpoint's receiver.

    Args:
        database: where the journal is.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def grant_of(self, endpoint_id: str) -> Grant | None:
        return await self._database.read(lambda conn: grant_of(conn, endpoint_id))

    async def keep_grant(self, endpoint_id: str, grant: Grant) -> None:
        await self._database.write(lambda conn: keep_grant(conn, endpoint_id, grant))


def grant_of(conn: Connection, endpoint_id: str) -> Grant | None:
    """
    Return what an endpoint's receiver consented to last.
    """
    stored = conn.execute(select(_t.c.granted).where(_t.c.id == endpoint_id)).scalar()
    return None if stored is None else _GRANT.validate_json(stored)


def keep_grant(conn: Connection, endpoint_id: str, grant: Grant) -> None:
    """
    Keep what an endpoint's receiver consented to.
    """
    conn.execute(update(_t).where(_t.c.id == endpoint_id).values(granted=orjson.dumps(grant).decode()))
