"""
What endpoints made by REST ask of requests besides signatures, sealed.
"""

from __future__ import annotations

import orjson
from sqlalchemy import Connection, select, update

from relay.journal import schema
from relay.journal.sealing import Seal
from relay.model.endpoint_auth import EndpointAuth

_t = schema.endpoints


def sealed_auth(seal: Seal, endpoint_id: str, auth: EndpointAuth) -> bytes | None:
    """
    Return it for the column `auth`; None where nothing is asked.
    """
    if auth == EndpointAuth():
        return None
    document = {"headers": auth.headers, "bearer": auth.bearer, "basic": auth.basic}
    return seal.seal(orjson.dumps(document), _about(endpoint_id))


def opened_auth(seal: Seal, endpoint_id: str, sealed: bytes | None) -> EndpointAuth:
    """
    Return what `sealed_auth` gave; it is lost where it was sealed with a key that is not here.
    """
    if sealed is None:
        return EndpointAuth()
    opened = seal.open(bytes(sealed), _about(endpoint_id))
    if opened is None:
        return EndpointAuth(is_lost=True)
    document = orjson.loads(opened)
    basic = document["basic"]
    return EndpointAuth(
        headers=tuple((name, value) for name, value in document["headers"]),
        bearer=document["bearer"],
        basic=None if basic is None else (basic[0], basic[1]),
    )


def seal_anew(conn: Connection, seal: Seal) -> None:
    """
    Seal with the key of now what was sealed with an older one; what cannot be opened stays as it is.
    """
    for row in conn.execute(select(_t.c.no, _t.c.id, _t.c.auth).where(_t.c.auth.is_not(None))).all():
        auth = opened_auth(seal, row.id, row.auth)
        if not auth.is_lost and not seal.is_current(bytes(row.auth), _about(row.id)):
            conn.execute(update(_t).where(_t.c.no == row.no).values(auth=sealed_auth(seal, row.id, auth)))


def _about(endpoint_id: str) -> str:
    return f"auth {endpoint_id}"
