"""
What a lane is given: what delivers to its endpoint, and what it shares with all other lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay.journal.port import Appended, DeliveryJournal
from relay.model.clock import Clock
from relay.model.endpoint import EndpointSpec
from relay.model.ids import IdMaker
from relay.pipeline.settling import Settler
from relay.sinks.port import DeliverySink
from relay.telemetry.metrics import Metrics


def _any_rate(tell: Callable[[float | None], None]) -> None:
    tell(None)


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """
    An endpoint as registered, with what delivers to it.

    `next_delay_s` says how long to wait after so many attempts, or None: no further one.  `follow_rate` has
    somebody told of the requests a second that the receiver allows (None: any number), now and later.
    """

    spec: EndpointSpec
    sink: DeliverySink
    next_delay_s: Callable[[int], float | None]
    follow_rate: Callable[[Callable[[float | None], None]], None] = _any_rate


@dataclass(frozen=True, slots=True)
class LaneContext:
    """
    What all lanes share.  `grace_s` is how long attempts in flight may take once told to stop.
    """

    journal: DeliveryJournal
    clock: Clock
    metrics: Metrics
    ids: IdMaker
    settler: Settler
    appended: Callable[[Appended], None]
    grace_s: float
