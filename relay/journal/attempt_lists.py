"""
The attempts of a delivery as people look at them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, select

from relay.journal import schema
from relay.journal.delivery_lists import OF_KEY, delivery
from relay.journal.questions import Question, Row, Snapshot, as_hex
from relay.model.listing import AttemptItem, DeliveryItem, DeliveryKey
from relay.model.times import from_ms

DELIVERED: Final = "delivered"
MAX_ATTEMPTS: Final = 1_000

_a, _e, _n = schema.attempts, schema.events, schema.endpoints
_ATTEMPT: Final = (
    _a.c.attempt,
    _a.c.made_ms,
    _a.c.latency_ms,
    _a.c.reason,
    _a.c.http_status,
    as_hex(_a.c.answer),
)

ATTEMPTS: Final = Question(
    select(*_ATTEMPT)
    .join_from(_n, _a, _a.c.endpoint_no == _n.c.no)
    .join(_e, _e.c.seq == _a.c.seq)
    .where(*OF_KEY, _a.c.job == bindparam("job"))
    .order_by(_a.c.made_ms.desc())
    .limit(MAX_ATTEMPTS)
)


def attempts(look: Snapshot, key: DeliveryKey) -> list[AttemptItem]:
    """
    Return the attempts of a delivery, oldest first; of more than a thousand the newest.

    A success at first try has no row of its own (`Settlement.keep_attempt`): its delivery tells all of it.
    """
    found = delivery(look, key)
    if found is None:
        return []
    rows = look.rows(ATTEMPTS, endpoint_id=key.endpoint_id, event_id=key.event_id, job=key.job)
    made = [_attempt(row) for row in reversed(rows)]
    if found.status == DELIVERED and found.attempts <= 1:
        made.append(_only_success(found))
    return made


def _attempt(row: Row) -> AttemptItem:
    attempt, made_ms, latency_ms, reason, http_status, answer = row
    return AttemptItem(attempt, from_ms(made_ms), latency_ms, reason, http_status, bytes.fromhex(answer))


def _only_success(found: DeliveryItem) -> AttemptItem:
    if found.settled_at is None:
        raise AssertionError("what is delivered was settled at some time")
    latency_ms = found.latency_ms or 0
    made_at = found.settled_at - timedelta(milliseconds=latency_ms)
    return AttemptItem(found.attempts, made_at, latency_ms, found.reason or "ok", found.http_status, b"")
