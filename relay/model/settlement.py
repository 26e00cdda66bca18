"""
What became of one attempt, on its way into the journal.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from relay.model.endpoint import Batch, Delivery

PENDING: Final = "pending"
DELIVERED: Final = "delivered"
EXHAUSTED: Final = "exhausted"
EXPIRED: Final = "expired"
DISCARDED: Final = "discarded"
DELIVERY_STATUSES: Final = (PENDING, DELIVERED, EXHAUSTED, EXPIRED, DISCARDED)


class Settlement(NamedTuple):
    """
    What became of one attempt, or of a delivery that ends without one (`is_attempt` false).

    `status` is the delivery's status after it; while `pending`, `due_at_ms` is when it is tried again.
    `attempts` counts those made that used one up.  `keep_attempt` writes an attempts row.  `batch` is what
    the delivery was sent in, if it was sent with others.
    """

    delivery: Delivery
    status: str
    attempts: int
    made_at_ms: int
    latency_ms: int
    reason: str
    http_status: int | None = None
    due_at_ms: int | None = None
    answer: bytes = b""
    batch: Batch | None = None
    is_attempt: bool = True

    @property
    def keep_attempt(self) -> bool:
        """
        Tell whether the attempt gets a row of its own: every failure, and a success after one.
        """
        return self.is_attempt and (self.status != DELIVERED or self.attempts > 1)
