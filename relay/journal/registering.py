"""
Endpoints: those of the configuration file, their states, the head of their own subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import Connection, insert, select, update

from relay.journal import schema
from relay.journal.appending import append_events, claim
from relay.journal.matching import Matcher
from relay.journal.port import Appended, EndpointChange, EndpointHead
from relay.journal.rows import endpoint_of
from relay.model.endpoint import DISABLED, HEALTHY, Endpoint, EndpointSpec
from relay.model.times import to_ms

_t, _d = schema.endpoints, schema.deliveries
REMOVED_FROM_FILE = "removed from the configuration file"


def sync_endpoints(conn: Connection, specs: Sequence[EndpointSpec], now: datetime) -> list[Endpoint]:
    """
    Make the endpoints of the configuration file so, and disable those that left it.

    One that was gone (410) or removed is healthy again once its address has changed or it is back.  At a
    new address nothing waits any more: whatever the deliveries waited for was the old receiver's affair.
    """
    last_seq = conn.execute(select(schema.meta.c.last_seq)).scalar_one()
    known = {row.id: row for row in conn.execute(select(_t))}
    is_changed = False
    for spec in specs:
        wanted: dict[str, object] = {
            "url": spec.url,
            "event_patterns": orjson.dumps(spec.events).decode(),
            "source_ids": orjson.dumps(spec.sources).decode(),
            "is_from_file": True,
        }
        row = known.pop(spec.id, None)
        if row is None:
            fresh = {"state": HEALTHY, "start_seq": last_seq, "revision": 0, "created_ms": to_ms(now)}
            conn.execute(insert(_t).values(id=spec.id, **wanted, **fresh))
            is_changed = True
            continue
        if row.state == DISABLED and (row.url != spec.url or row.state_reason == REMOVED_FROM_FILE):
            wanted |= {"state": HEALTHY, "state_reason": None}
        if row.url != spec.url:
            wanted["not_before_ms"] = None
            _make_due(conn, row.no, to_ms(now))
        if any(getattr(row, name) != value for name, value in wanted.items()):
            conn.execute(update(_t).where(_t.c.no == row.no).values(**wanted))
            is_changed = True
    for row in known.values():
        # also one that is disabled already: that it left is what lets it come back
        if row.is_from_file and (row.state, row.state_reason) != (DISABLED, REMOVED_FROM_FILE):
            conn.execute(
                update(_t).where(_t.c.no == row.no).values(state=DISABLED, state_reason=REMOVED_FROM_FILE)
            )
            is_changed = True
    if is_changed:
        _bump_version(conn)
    return [endpoint_of(row) for row in conn.execute(select(_t).order_by(_t.c.no))]


def endpoint_head(conn: Connection, endpoint_no: int) -> EndpointHead:
    """
    Return an endpoint with the head of its own subject.
    """
    row = conn.execute(select(_t).where(_t.c.no == endpoint_no)).one()
    return EndpointHead(endpoint_of(row), row.revision, row.last_event_id)


def change_endpoint(
    conn: Connection, epoch: int, matcher: Matcher, change: EndpointChange, now: datetime
) -> Appended:
    """
    Store an endpoint's state and append the events that say so.
    """
    head = endpoint_head(conn, change.endpoint_no)
    values: dict[str, object] = {"state": change.state, "state_reason": change.reason}
    if change.events:
        last = change.events[-1]
        values |= {"revision": last.revision, "last_event_id": last.id}
    conn.execute(update(_t).where(_t.c.no == change.endpoint_no).values(**values))
    if head.endpoint.state != change.state:
        _bump_version(conn)
    last_seq = claim(conn, epoch, matcher)
    return append_events(conn, matcher, last_seq, change.events, now)


def hold_endpoint(conn: Connection, endpoint_no: int, not_before_ms: int) -> None:
    """
    Keep until when the receiver asked to be left alone.
    """
    conn.execute(update(_t).where(_t.c.no == endpoint_no).values(not_before_ms=not_before_ms))


def _make_due(conn: Connection, endpoint_no: int, now_ms: int) -> None:
    conn.execute(
        update(_d).where(_d.c.endpoint_no == endpoint_no, _d.c.due_ms > now_ms).values(due_ms=now_ms)
    )


def _bump_version(conn: Connection) -> None:
    conn.execute(update(schema.meta).values(endpoints_version=schema.meta.c.endpoints_version + 1))
