"""
What the publish loop reads, and what housekeeping shows.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, func, literal_column, select

from relay.journal import schema
from relay.journal.rows import event_of, time_or_null
from relay.journal.statements import upsert
from relay.model.event import StoredEvent
from relay.model.journal_stats import Backlog, JournalStats
from relay.model.times import to_ms

_e, _d, _n = schema.events, schema.deliveries, schema.endpoints


def events_after(conn: Connection, seq: int, limit: int, max_bytes: int) -> list[StoredEvent]:
    """
    Return the next events in seq order, as many as fit; one at least, where there is one.
    """
    found: list[StoredEvent] = []
    size = 0
    with conn.execute(select(_e).where(_e.c.seq > seq).order_by(_e.c.seq).limit(limit)) as rows:
        for row in rows:
            size += len(row.body)
            if found and size > max_bytes:
                break
            found.append(event_of(row))
    return found


def event_id_at(conn: Connection, seq: int) -> str | None:
    """
    Return the id of the event at `seq`.
    """
    return conn.execute(select(_e.c.id).where(_e.c.seq == seq)).scalar()


def note_publication(conn: Connection, name: str, seq: int, event_id: str, now: datetime) -> None:
    """
    Keep a copy of a publisher's cursor.
    """
    row = {"name": name, "seq": seq, "event_id": event_id, "noted_ms": to_ms(now)}
    conn.execute(upsert(conn.dialect.name, schema.publications), [row])


def stats(conn: Connection, size_bytes: int, wal_bytes: int) -> JournalStats:
    """
    Return sizes and backlogs.
    """
    # Written out, not bound: only so does the planner see that the partial index of pending rows fits.
    pending = and_(_d.c.status == literal_column("'pending'"), _d.c.job == literal_column("0"))
    oldest = select(func.min(_e.c.recorded_ms)).where(
        _e.c.seq == select(func.min(_d.c.seq)).where(pending).scalar_subquery()
    )
    of_state = select(_n.c.state, func.count()).where(_n.c.deleted_ms.is_(None)).group_by(_n.c.state)
    first_seq = conn.execute(select(func.min(_e.c.seq))).scalar()
    last_seq = conn.execute(select(schema.meta.c.last_seq)).scalar_one()
    return JournalStats(
        last_seq=last_seq,
        events=last_seq - first_seq + 1 if first_seq else 0,
        size_bytes=size_bytes,
        wal_bytes=wal_bytes,
        oldest_event_at=time_or_null(
            conn.execute(select(_e.c.recorded_ms).where(_e.c.seq == first_seq)).scalar()
        ),
        pending=conn.execute(select(func.count()).select_from(_d).where(pending)).scalar_one(),
        oldest_pending_at=time_or_null(conn.execute(oldest).scalar()),
        endpoints={row[0]: row[1] for row in conn.execute(of_state)},
    )


def backlog(conn: Connection, publication: str) -> Backlog:
    """
    Return what lies between a publisher's cursor and the newest event.
    """
    cursor = select(schema.publications.c.seq).where(schema.publications.c.name == publication)
    seq = conn.execute(cursor).scalar() or 0
    last_seq = conn.execute(select(schema.meta.c.last_seq)).scalar_one()
    oldest = select(_e.c.recorded_ms).where(_e.c.seq > seq).order_by(_e.c.seq).limit(1)
    return Backlog(last_seq - seq, time_or_null(conn.execute(oldest).scalar()))
