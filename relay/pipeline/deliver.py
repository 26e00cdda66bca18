"""
Deliver: journal to webhooks (rooms 3 and 4), one lane per endpoint.

Nothing polls for fresh work: an append wakes the lanes it concerns.  A lane sends the next event of a
subject as soon as the one before it is acknowledged; outcomes are committed in groups behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from relay.journal.port import Appended, DeliveryJournal
from relay.model.clock import Clock
from relay.model.endpoint import DISABLED, PAUSED, Endpoint, EndpointSpec
from relay.model.ids import IdMaker
from relay.model.settlement import Settlement
from relay.pipeline.endpoint_lane import EndpointLane, LaneContext
from relay.pipeline.settling import Settler
from relay.sinks.port import DeliverySink
from relay.telemetry.metrics import Metrics

GRACE_S: Final = 20.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """
    An endpoint of the configuration with what delivers to it.

    `next_delay_s` says how long to wait after so many attempts, or None: no further one.
    """

    spec: EndpointSpec
    sink: DeliverySink
    next_delay_s: Callable[[int], float | None]


class Deliver:
    """
    Runs all lanes of this process.
    """

    name = "deliver"

    def __init__(
        self, journal: DeliveryJournal, clock: Clock, metrics: Metrics, ids: IdMaker, grace_s: float = GRACE_S
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._ids = ids
        self._grace_s = grace_s
        self._lanes: dict[int, EndpointLane] = {}
        self._labels: dict[int, str] = {}
        self._settler = Settler(journal, clock, metrics, self._label, self._committed)
        self._publish: Callable[[Appended], None] = lambda _: None

    async def start(self, endpoints: Sequence[WebhookEndpoint], appended: Callable[[Appended], None]) -> None:
        """
        Enter the endpoints into the journal and open their lanes; name those that get nothing, and why.

        Args:
            endpoints: those of the configuration.
            appended: told of the events that delivering itself appends.
        """
        self._publish = appended
        by_id = {endpoint.spec.id: endpoint for endpoint in endpoints}
        specs = [endpoint.spec for endpoint in endpoints]
        for stored in await self._journal.sync_endpoints(specs, self._clock.now()):
            self._labels[stored.no] = self._metrics.start_endpoint(stored.id)
            if stored.id in by_id:
                _warn_if_closed(stored)
                self._lanes[stored.no] = self._lane(stored, by_id[stored.id])

    def offer(self, appended: Appended) -> None:
        """
        Hand over deliveries that were just committed; never blocks.
        """
        touched = set()
        for delivery in appended.deliveries:
            lane = self._lanes.get(delivery.endpoint_no)
            if lane is not None:
                lane.queue.offer(delivery)
                touched.add(lane)
        for lane in touched:
            lane.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """
        Deliver until told to stop; then finish what is in flight and make its outcomes durable.
        """
        lanes_done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._settler.run(lanes_done), name="settle")
            async with asyncio.TaskGroup() as lanes:
                for lane in self._lanes.values():
                    lanes.create_task(lane.run(stop), name=f"lane {lane.endpoint.id}")
            lanes_done.set()

    def _lane(self, stored: Endpoint, endpoint: WebhookEndpoint) -> EndpointLane:
        context = LaneContext(
            self._journal, self._clock, self._metrics, self._ids, self._settler, self._publish, self._grace_s
        )
        return EndpointLane(
            stored, endpoint.spec.max_in_flight, endpoint.sink, endpoint.next_delay_s, context
        )

    def _label(self, endpoint_no: int) -> str:
        return self._labels[endpoint_no]

    def _committed(self, batch: Sequence[Settlement]) -> None:
        touched = set()
        for item in batch:
            lane = self._lanes[item.delivery.endpoint_no]
            lane.queue.committed(item.delivery.subject_key)
            touched.add(lane)
        for lane in touched:
            lane.wake()


def _warn_if_closed(stored: Endpoint) -> None:
    if stored.state in (DISABLED, PAUSED):
        log.warning(
            "endpoint gets nothing",
            extra={"endpoint": stored.id, "state": stored.state, "reason": stored.state_reason},
        )
