"""
One call from the polls that showed it to every attempt to tell of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.model.call import Leg
from relay.model.coverage import Read
from relay.model.event import StoredEvent
from relay.model.listing import AttemptItem, CallItem, DeliveryItem


@dataclass(frozen=True, slots=True)
class RowProof:
    """
    A row of a call, and the complete reads that showed it: the one that showed it first, where it is still
    kept, and the newest, which show that it stayed; oldest first.
    """

    leg: Leg
    reads: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class ExplainedDelivery:
    """
    A delivery with its attempts, oldest first.
    """

    item: DeliveryItem
    attempts: tuple[AttemptItem, ...]


@dataclass(frozen=True, slots=True)
class ExplainedEvent:
    """
    An event with its deliveries, by endpoint and job.
    """

    event: StoredEvent
    deliveries: tuple[ExplainedDelivery, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Everything that led from a phone system's rows to the answers of receivers.

    `cut` names the lists that are longer than they are shown: `rows`, `events`, `deliveries`, `attempts`.
    """

    call: CallItem
    absorbed_into: str | None
    rows: tuple[RowProof, ...]
    events: tuple[ExplainedEvent, ...]
    cut: tuple[str, ...]
