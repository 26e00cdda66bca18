"""
What waits for each endpoint, and which of it has waited longest.

All of it is asked on the reader's thread: to count a million rows would hold up every writer.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, literal_column, select

from relay.journal import schema
from relay.model.endpoint import Delivery
from relay.model.journal_stats import EndpointBacklog

_d, _e, _n = schema.deliveries, schema.events, schema.endpoints
_OF_EVENTS: Final = _d.c.job == literal_column("0")

# Written out, not bound: only so does the planner see that a partial index fits.
_COUNTS: Final = (
    select(_d.c.endpoint_no, func.count())
    .where(_d.c.status == literal_column("'pending'"), _OF_EVENTS)
    .group_by(_d.c.endpoint_no)
)
# What has waited longest is the first of its subject, and so has a time at which it is due.
_OLDEST: Final = (
    select(_d.c.endpoint_no, func.min(_d.c.seq))
    .where(_d.c.due_ms.is_not(None), _OF_EVENTS)
    .group_by(_d.c.endpoint_no)
)
_TOLD: Final = select(_n.c.no, _n.c.backlog_told).where(_n.c.deleted_ms.is_(None), _n.c.backlog_told > 0)

# The status is bound: with the index of pending rows all of them would have to be sorted.
_WAITING: Final = (
    select(_d.c.seq, _d.c.subject_key, _d.c.attempts)
    .where(
        _d.c.endpoint_no == bindparam("endpoint_no"),
        _d.c.seq.between(bindparam("from_seq"), bindparam("to_seq")),
        _d.c.job == bindparam("job"),
        _d.c.status == bindparam("status"),
    )
    .order_by(_d.c.seq)
    .limit(bindparam("limit"))
)
_AT_OR_BEFORE: Final = (
    select(_e.c.recorded_ms).where(_e.c.seq <= bindparam("seq")).order_by(_e.c.seq.desc()).limit(1)
)


def backlogs(conn: Connection) -> dict[int, EndpointBacklog]:
    """
    Return what waits for endpoints, by their number: those for which something does, or of which that was
    told.
    """
    counts = _by_endpoint(conn, _COUNTS)
    oldest = _by_endpoint(conn, _OLDEST)
    told = _by_endpoint(conn, _TOLD)
    found = {}
    for no in counts.keys() | told.keys():
        seq = oldest.get(no, 0)
        found[no] = EndpointBacklog(counts.get(no, 0), seq, _recorded(conn, seq), told.get(no, 0))
    return found


def last_before(conn: Connection, before_ms: int) -> int:
    """
    Return the seq of the last event that was recorded before an instant; 0: there is none.

    Events are recorded in order of seq, but for clocks that were set.
    """
    low, high = 0, int(conn.execute(select(schema.meta.c.last_seq)).scalar_one())
    while low < high:
        middle = (low + high + 1) // 2
        recorded_ms = _recorded(conn, middle)
        if recorded_ms is None or recorded_ms < before_ms:
            low = middle
        else:
            high = middle - 1
    return low


def waiting_longest(
    conn: Connection, endpoint_no: int, from_seq: int, to_seq: int, limit: int
) -> list[Delivery]:
    """
    Return the first deliveries that wait for an endpoint, oldest event first, without what an attempt needs.
    """
    wanted = {"endpoint_no": endpoint_no, "from_seq": from_seq, "to_seq": to_seq, "limit": limit}
    rows = conn.execute(_WAITING, {**wanted, "job": 0, "status": schema.PENDING})
    return [Delivery(endpoint_no, seq, 0, key, "", attempts, 0, 0, b"") for seq, key, attempts in rows]


def _by_endpoint(conn: Connection, query: Select[Any]) -> dict[int, int]:
    return {row[0]: row[1] for row in conn.execute(query)}


def _recorded(conn: Connection, seq: int) -> int | None:
    recorded_ms: int | None = conn.execute(_AT_OR_BEFORE, {"seq": seq}).scalar()
    return recorded_ms
