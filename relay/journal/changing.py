"""
Endpoints made and changed by REST.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from relay.journal import schema, secrets_of_endpoints
from relay.journal.batches import break_up
from relay.journal.matching import match_anew
from relay.journal.registered import changeable, registered_one
from relay.journal.rows import spec_values
from relay.journal.sealed_auth import opened_auth, sealed_auth
from relay.journal.sealing import Seal
from relay.journal.secrets_of_endpoints import NewSecret
from relay.model.delivery_options import BATCHED, V1A
from relay.model.endpoint import DISABLED, HEALTHY, PROBING, EndpointSpec, RegisteredEndpoint
from relay.model.errors import Conflict
from relay.model.times import to_ms

MAX_ENDPOINTS: Final = 1_000
GONE: Final = "http_410"
FAILING: Final = "failing"

_t = schema.endpoints


def create_endpoint(
    conn: Connection, seal: Seal, last_seq: int, spec: EndpointSpec, now: datetime
) -> RegisteredEndpoint:
    """
    Register an endpoint: every matching event after `last_seq` gets a delivery, and none before.

    Raises:
        Conflict: its id is, or was, in use; or there are too many endpoints.
    """
    if conn.execute(select(_t.c.no).where(_t.c.id == spec.id)).scalar() is not None:
        raise Conflict(f"the id {spec.id} is, or was, that of an endpoint: ids are not used again")
    count = select(func.count()).select_from(_t).where(_t.c.deleted_ms.is_(None))
    if conn.execute(count).scalar_one() >= MAX_ENDPOINTS:
        raise Conflict(f"there are {MAX_ENDPOINTS} endpoints, which is the most: delete one first")
    of_rest = {"is_from_file": False, "auth": sealed_auth(seal, spec.id, spec.auth)}
    conn.execute(insert(_t).values(new_endpoint(spec, last_seq, now) | of_rest))
    row = conn.execute(select(_t).where(_t.c.id == spec.id)).one()
    for key in reversed(spec.secrets):
        secrets_of_endpoints.enter(conn, seal, row, key, now)
    for key in reversed(spec.signing_keys):
        secrets_of_endpoints.enter(conn, seal, row, key, now, V1A)
    match_anew(conn)
    return registered_one(conn, seal, row.no, now)


def new_endpoint(spec: EndpointSpec, last_seq: int, now: datetime) -> dict[str, object]:
    """
    Return the columns of an endpoint that gets everything after `last_seq`.
    """
    fresh = {"state": HEALTHY, "start_seq": last_seq, "revision": 0, "created_ms": to_ms(now)}
    empty = {"is_emptied": False, "backlog_told": 0, "keyed_by": spec.options.order}
    return {"id": spec.id, **spec_values(spec), **fresh, **empty}


def change_endpoint(
    conn: Connection, seal: Seal, spec: EndpointSpec, now: datetime
) -> tuple[RegisteredEndpoint, bool]:
    """
    Make an endpoint so; tell whether it has a new address.  A signing key that it did not have is added.

    At a new address the hold that the old receiver asked for is over, and one that was gone (410) or failing
    is healthy.
    """
    row = changeable(conn, spec.id)
    wanted, has_moved = spec_values(spec), row.url != spec.url
    if has_moved:
        wanted["not_before_ms"] = None
        if row.state == PROBING or (row.state == DISABLED and row.state_reason in (GONE, FAILING)):
            wanted |= {"state": HEALTHY, "state_reason": None, "failing_since_ms": None}
    # What cannot be opened is not overwritten in passing.
    if spec.auth != opened_auth(seal, row.id, row.auth):
        wanted["auth"] = sealed_auth(seal, row.id, spec.auth)
    conn.execute(update(_t).where(_t.c.no == row.no).values(**wanted))
    if spec.options.payload != BATCHED:
        break_up(conn, row.no, to_ms(now), is_all=True)
    of_endpoint = secrets_of_endpoints.known(conn, seal, now, row.no).get(row.no, ())
    for key in set(spec.signing_keys) - {secret.key for secret in of_endpoint}:
        secrets_of_endpoints.enter(conn, seal, row, key, now, V1A)
    match_anew(conn)
    return registered_one(conn, seal, row.no, now), has_moved


def add_secret(
    conn: Connection, seal: Seal, endpoint_id: str, new: NewSecret, now: datetime
) -> RegisteredEndpoint:
    """
    Sign with a new secret first, and with the older ones of its scheme until its time.
    """
    row = changeable(conn, endpoint_id)
    secrets_of_endpoints.replace(conn, seal, row, new, now)
    return registered_one(conn, seal, row.no, now)
