"""
Endpoints: those of the configuration file, their states, the head of their own subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from relay.journal import schema
from relay.journal.appending import claim, write_events
from relay.journal.batches import break_up
from relay.journal.changing import new_endpoint
from relay.journal.deleting import discard_all
from relay.journal.matching import Matcher, match_anew
from relay.journal.port import Appended, EndpointChange, EndpointHead
from relay.journal.preparing import prepare_events
from relay.journal.rows import endpoint_of, spec_values
from relay.journal.secrets_of_endpoints import remove
from relay.model.delivery_options import BATCHED
from relay.model.endpoint import DISABLED, HEALTHY, PROBING, Endpoint, EndpointSpec
from relay.model.times import to_ms

_t, _d = schema.endpoints, schema.deliveries
REMOVED_FROM_FILE = "removed from the configuration file"


def sync_endpoints(conn: Connection, specs: Sequence[EndpointSpec], now: datetime) -> list[Endpoint]:
    """
    Make the endpoints of the configuration file so, and disable those that left it.

    Those made by REST are left alone, unless the file has one with the same id.
    """
    last_seq = conn.execute(select(schema.meta.c.last_seq).with_for_update()).scalar_one()
    known = {row.id: row for row in conn.execute(select(_t))}
    is_changed = False
    for spec in specs:
        row = known.pop(spec.id, None)
        if row is None:
            conn.execute(insert(_t).values(new_endpoint(spec, last_seq, now) | {"is_from_file": True}))
            is_changed = True
        elif _follow_file(conn, row, spec, last_seq, now):
            is_changed = True
    for row in known.values():
        if row.is_from_file:
            # also one that is disabled already: that it left is what lets it come back, and REST change it
            left = {"state": DISABLED, "state_reason": REMOVED_FROM_FILE, "is_from_file": False}
            conn.execute(update(_t).where(_t.c.no == row.no).values(**left))
            is_changed = True
    if is_changed:
        match_anew(conn)
    rows = conn.execute(select(_t).where(_t.c.deleted_ms.is_(None)).order_by(_t.c.no))
    return [endpoint_of(row) for row in rows]


def _follow_file(conn: Connection, row: Row[Any], spec: EndpointSpec, last_seq: int, now: datetime) -> bool:
    """
    Make a known endpoint as the file has it; tell whether anything changed.

    One that was gone (410), failing or removed is healthy again once its address has changed or it is back.
    At a new address nothing waits any more: whatever the deliveries waited for was the old receiver's
    affair.  One that was deleted begins anew.
    """
    wanted = spec_values(spec) | {"is_from_file": True, "auth": None}  # secrets stay in the file
    healthy = {"state": HEALTHY, "state_reason": None, "failing_since_ms": None}
    has_moved = row.url != spec.url
    if row.deleted_ms is not None:
        discard_all(conn, row.no, now)
        begun = {"start_seq": last_seq, "created_ms": to_ms(now), "not_before_ms": None}
        wanted |= healthy | begun | {"deleted_ms": None, "is_emptied": False}
    elif (row.state in (DISABLED, PROBING) and has_moved) or (
        row.state == DISABLED and row.state_reason == REMOVED_FROM_FILE
    ):
        wanted |= healthy
    if has_moved:
        wanted["not_before_ms"] = None
        make_due(conn, row.no, to_ms(now), None)
    if not row.is_from_file:
        remove(conn, row.no)  # its secret stays in the file
    if spec.options.payload != BATCHED:
        break_up(conn, row.no, to_ms(now), is_all=True)
    is_changed = any(getattr(row, name) != value for name, value in wanted.items())
    if is_changed:
        conn.execute(update(_t).where(_t.c.no == row.no).values(**wanted))
    return is_changed


def make_due(conn: Connection, endpoint_no: int, now_ms: int, limit: int | None) -> int:
    """
    Make due what waits for a later time, `limit` at the most; return how many.
    """
    key = (_d.c.endpoint_no, _d.c.seq, _d.c.job)
    waiting = select(*key).where(_d.c.endpoint_no == endpoint_no, _d.c.due_ms > now_ms).limit(limit)
    return int(conn.execute(update(_d).where(tuple_(*key).in_(waiting)).values(due_ms=now_ms)).rowcount)


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
    last_seq = claim(conn, epoch, matcher)
    head = endpoint_head(conn, change.endpoint_no)
    values: dict[str, object] = {
        "state": change.state,
        "state_reason": change.reason,
        "failing_since_ms": change.failing_since_ms,
    }
    if change.backlog_told is not None:
        values["backlog_told"] = change.backlog_told
    if change.events:
        last = change.events[-1]
        values |= {"revision": last.revision, "last_event_id": last.id}
    conn.execute(update(_t).where(_t.c.no == change.endpoint_no).values(**values))
    if head.endpoint.takes_new_events != (change.state != DISABLED):
        match_anew(conn)
    rows = prepare_events(change.events, last_seq, matcher.current, now)
    write_events(conn, rows)
    return rows.appended


def hold_endpoint(conn: Connection, endpoint_no: int, not_before_ms: int | None) -> None:
    """
    Keep until when the receiver asked to be left alone; None: no longer.
    """
    conn.execute(update(_t).where(_t.c.no == endpoint_no).values(not_before_ms=not_before_ms))
