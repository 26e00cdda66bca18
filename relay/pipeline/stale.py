"""
Deliveries whose turn has come too late to be worth an attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from relay.model.catalogue import AGENT_STATUS_CHANGED, IN_GROUP_STATUS_CHANGED, USER_GROUP_STATUS_CHANGED
from relay.model.delivery_options import ORDER_SUBJECT, DeliveryOptions
from relay.model.endpoint import Delivery
from relay.model.settlement import DISCARDED, EXPIRED

STATUSES: Final = (AGENT_STATUS_CHANGED, IN_GROUP_STATUS_CHANGED, USER_GROUP_STATUS_CHANGED)
LOOKED_AT: Final = 100  # of what waits behind a status

TOO_OLD: Final = "too_old"
SUPERSEDED: Final = "superseded"


class Stale(NamedTuple):
    """
    How a delivery ends without an attempt, and why.
    """

    status: str
    reason: str


class Staleness:
    """
    Decides for one endpoint; what a person asked to be sent again never goes stale.

    A status is superseded by a newer one of its subject that waits behind it.  Only order mode `subject` has
    that: in the others something else, or nothing, waits behind a delivery.

    Args:
        options: of the endpoint.
    """

    def __init__(self, options: DeliveryOptions) -> None:
        self._max_age_ms = options.max_age_s * 1000
        self._supersedes = options.supersede_status and options.order == ORDER_SUBJECT
        self.is_possible = bool(self._max_age_ms) or self._supersedes

    def of(self, delivery: Delivery, behind: Iterable[Delivery], now_ms: int) -> Stale | None:
        """
        Return how a delivery ends whose turn has come; None where it is to be sent.

        Args:
            delivery: the first of its subject.
            behind: those after it, in order.
            now_ms: the present.
        """
        if delivery.job:
            return None
        if self._max_age_ms and delivery.occurred_at_ms < now_ms - self._max_age_ms:
            return Stale(EXPIRED, TOO_OLD)
        if self._supersedes and _is_superseded(delivery, behind):
            return Stale(DISCARDED, SUPERSEDED)
        return None


def _is_superseded(delivery: Delivery, behind: Iterable[Delivery]) -> bool:
    newer = list(islice(behind, LOOKED_AT))
    if not newer:
        return False
    event = _named(delivery)
    return event[0] in STATUSES and any(_named(one) == event for one in newer)


def _named(delivery: Delivery) -> tuple[Any, Any]:
    event = orjson.loads(delivery.body)
    return event["type"], event["subject"]
