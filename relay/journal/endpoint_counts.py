"""
What waits for an endpoint, and how its newest deliveries went.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import bindparam, func, literal_column, select

from relay.journal import schema
from relay.journal.delivery_lists import ENDPOINTS, IS_DUE, OF_ENDPOINTS, WAITS_IN_ORDER, counted
from relay.journal.questions import Question, Snapshot
from relay.journal.rows import time_or_null
from relay.model.listing import EndpointCounts

MAX_COUNTED: Final = 100_000

_d, _e = schema.deliveries, schema.events
_due = select(_d.c.seq, _d.c.job).where(IS_DUE, OF_ENDPOINTS).limit(bindparam("limit")).subquery("due")
_resent = select(func.count()).select_from(_due).where(_due.c.job > literal_column("0")).scalar_subquery()
_newest = (
    select(_d.c.status, _d.c.reason, _d.c.latency_ms)
    .where(_d.c.endpoint_no == bindparam("first_no"))
    .order_by(_d.c.seq.desc(), _d.c.job.desc())
    .limit(bindparam("newest"))
    .subquery("newest")
)

# The oldest event that waits is the first of its subject, and so has a time at which it is due.
WAITING: Final = Question(
    select(
        counted(WAITS_IN_ORDER),
        _resent,
        select(_e.c.recorded_ms)
        .where(_e.c.seq == select(func.min(_due.c.seq)).scalar_subquery())
        .scalar_subquery(),
    )
)
NEWEST: Final = Question(select(_newest))


def endpoint_counts(look: Snapshot, endpoint_id: str, newest: int) -> EndpointCounts | None:
    """
    Return the counts of an endpoint.

    No more than 100,000 that wait are counted; of more that are due, the oldest is one of 100,000.
    """
    endpoint_no = look.value(ENDPOINTS, endpoint_id=endpoint_id)
    if endpoint_no is None:
        return None
    of_endpoint = {"first_no": endpoint_no, "last_no": endpoint_no}
    in_order, resent, oldest_ms = look.rows(WAITING, **of_endpoint, limit=MAX_COUNTED)[0]
    rows = look.rows(NEWEST, first_no=endpoint_no, newest=newest)
    return EndpointCounts(
        pending=min(in_order + resent, MAX_COUNTED),
        oldest_pending_at=time_or_null(oldest_ms),
        of=len(rows),
        by_status=dict(Counter(status for status, _, _ in rows)),
        by_reason=dict(Counter(reason for _, reason, _ in rows if reason is not None)),
        latency_ms=tuple(latency_ms for _, _, latency_ms in rows if latency_ms is not None),
    )
