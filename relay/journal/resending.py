"""
Deliveries made again because a person asked: each is a job, and a subject, of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from relay.journal import schema
from relay.model.endpoint import DISABLED
from relay.model.errors import Conflict, NotFound
from relay.model.ids import subject_key
from relay.model.listing import DeliveryItem, DeliveryKey
from relay.model.times import from_ms, to_ms

RESEND: Final = "resend"

_d, _e, _n, _j = schema.deliveries, schema.events, schema.endpoints, schema.jobs


def resend(conn: Connection, key: DeliveryKey, now: datetime) -> DeliveryItem:
    """
    Make a delivery of the same event to the same endpoint, due at once.

    Raises:
        NotFound: there is no such delivery.
        Conflict: its endpoint is deleted or disabled.
    """
    found = (
        select(_n.c.no, _n.c.state, _n.c.deleted_ms, _e.c.seq, _e.c.type, _e.c.subject, _e.c.recorded_ms)
        .join_from(_n, _d, _d.c.endpoint_no == _n.c.no)
        .join(_e, _e.c.seq == _d.c.seq)
        .where(_n.c.id == key.endpoint_id, _e.c.id == key.event_id, _d.c.job == key.job)
    )
    row = conn.execute(found).one_or_none()
    if row is None:
        raise NotFound(f"there is no delivery {key}")
    if row.deleted_ms is not None:
        raise Conflict(f"endpoint {key.endpoint_id} was deleted")
    if row.state == DISABLED:
        raise Conflict(f"endpoint {key.endpoint_id} is disabled: resume it first")
    job = _new_job(conn, key, now)
    conn.execute(
        insert(_d).values(
            endpoint_no=row.no,
            seq=row.seq,
            job=job,
            # No subject has a "#": nobody else has this key, so it waits for nothing and holds up nothing.
            subject_key=subject_key(f"{row.subject}#{job}"),
            status=schema.PENDING,
            due_ms=to_ms(now),
            attempts=0,
        )
    )
    return DeliveryItem(
        key=DeliveryKey(key.endpoint_id, key.event_id, job),
        seq=row.seq,
        event_type=row.type,
        subject=row.subject,
        status=schema.PENDING,
        attempts=0,
        http_status=None,
        reason=None,
        latency_ms=None,
        recorded_at=from_ms(row.recorded_ms),
        due_at=now,
        settled_at=None,
    )


def _new_job(conn: Connection, key: DeliveryKey, now: datetime) -> int:
    fresh = {"state": "done", "wanted": "{}", "rate_per_s": 0.0, "to_seq": 0, "at_seq": 0, "made": 1}
    made = conn.execute(insert(_j).values(kind=RESEND, about=str(key), made_ms=to_ms(now), **fresh))
    if made.inserted_primary_key is None:
        raise AssertionError("an insert of one row returns its key")
    return int(made.inserted_primary_key[0])
