"""
Deliver: journal to webhooks (rooms 3 and 4), one lane per endpoint.

Nothing polls for fresh work: an append wakes the lanes it concerns.  A lane sends the next event of a
subject as soon as the one before it is acknowledged; outcomes are committed in groups behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from relay.journal.api_port import RegistryJournal
from relay.journal.port import Appended, DeliveryJournal
from relay.model.clock import Clock
from relay.model.endpoint import EndpointSpec
from relay.model.errors import NotFound
from relay.model.ids import IdMaker
from relay.model.outcome import TestResult
from relay.model.settlement import Settlement
from relay.pipeline.expiry import Expiry
from relay.pipeline.lane_context import LaneContext
from relay.pipeline.pings import Pings
from relay.pipeline.refresher import Refresher
from relay.pipeline.running_lanes import RunningLanes
from relay.pipeline.served_endpoint import ServedEndpoint
from relay.pipeline.served_endpoints import OpenEndpoint, ServedEndpoints
from relay.pipeline.settling import Settler
from relay.telemetry.metrics import Metrics

GRACE_S: Final = 20.0

log = logging.getLogger(__name__)


class Deliver:
    """
    Runs all lanes of this process, and changes them when people change endpoints.
    """

    name = "deliver"

    def __init__(
        self,
        journal: DeliveryJournal,
        registry: RegistryJournal,
        clock: Clock,
        metrics: Metrics,
        ids: IdMaker,
        grace_s: float = GRACE_S,
    ) -> None:
        self._journal = journal
        self._registry = registry
        self._clock = clock
        self._metrics = metrics
        self._ids = ids
        self._grace_s = grace_s
        self._settler = Settler(journal, clock, metrics, self._label, self._committed)
        self._running = RunningLanes(lambda lane: self._endpoints.ended(lane))
        self._pings = Pings(clock)
        self._asked_for: set[asyncio.Task[None]] = set()

    async def start(
        self,
        of_file: Sequence[EndpointSpec],
        open_endpoint: OpenEndpoint,
        appended: Callable[[Appended], None],
    ) -> None:
        """
        Enter the endpoints of the configuration file into the journal and open a lane for every endpoint
        there is; name those that get nothing, and why.

        Args:
            of_file: those of the configuration file, with their secrets.
            open_endpoint: makes what delivers to an endpoint.
            appended: told of the events that delivering itself appends.
        """
        await self._journal.sync_endpoints(of_file, self._clock.now())
        context = LaneContext(
            self._journal, self._clock, self._metrics, self._ids, self._settler, appended, self._grace_s
        )
        self._endpoints = ServedEndpoints(self._registry, of_file, open_endpoint, context, self._running.add)
        self._refresher = Refresher(self._endpoints.refresh, self._clock)
        await self._refresher.step()
        for endpoint in self._endpoints.closed():
            log.warning(
                "endpoint gets nothing",
                extra={"endpoint": endpoint.id, "state": endpoint.state, "reason": endpoint.state_reason},
            )

    def offer(self, appended: Appended) -> None:
        """
        Hand over deliveries that were just committed; never blocks.
        """
        touched = set()
        for delivery in appended.deliveries:
            lane = self._endpoints.lanes.get(delivery.endpoint_no)
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
        expiry = Expiry(self._journal, self._clock, self._metrics, self._endpoints.all)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._settler.run(lanes_done), name="settle")
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(self._running.run(stop), name="lanes")
                lanes.create_task(self._refresher.run(stop), name="refresh endpoints")
                lanes.create_task(expiry.run(stop), name="expire")
            if self._asked_for:
                await asyncio.wait(self._asked_for, timeout=self._grace_s)
            lanes_done.set()

    async def refresh(self) -> None:
        """
        Bring the lanes in line with the journal: return once whatever was registered, changed or deleted
        before this call is so here.
        """
        await self._refresher.ask()

    async def pause(self, endpoint_id: str) -> None:
        """
        Send nothing to an endpoint until it is resumed; what is meant for it is kept, and waits.

        Harmless twice.

        Raises:
            NotFound: there is no such endpoint.
            Conflict: it is disabled.
        """
        served = await self._usable(endpoint_id)
        await self._to_the_end(served, served.reports.paused())

    async def resume(self, endpoint_id: str) -> None:
        """
        Send to an endpoint again, paused or disabled as it may be: all that waits, at once and in order.

        Of a healthy endpoint only the waiting ends.

        Raises:
            NotFound: there is no such endpoint.
            Conflict: it has no secret.
        """
        served = await self._usable(endpoint_id)
        await self._to_the_end(served, served.reports.resumed())

    async def test(self, endpoint_id: str) -> TestResult:
        """
        Send an `endpoint.test` event to an endpoint, once and at once, paused or disabled as it may be.

        Raises:
            NotFound: there is no such endpoint.
            Conflict: it has no secret, or too many tests are under way.
        """
        served = await self._usable(endpoint_id)
        return await self._pings.attempt(served.endpoint, served.usable_webhook().sink)

    def resent(self, endpoint_id: str) -> None:
        """
        Look for what was asked to be sent again.
        """
        served = self._endpoints.named(endpoint_id)
        if served is not None:
            served.look_for_resends()

    def taken_back(self, endpoint_id: str) -> None:
        """
        Send nothing that was asked to be sent again and is settled by now; what is under way ends.
        """
        served = self._endpoints.named(endpoint_id)
        if served is not None:
            served.forget_resends()

    async def _usable(self, endpoint_id: str) -> ServedEndpoint:
        served = self._endpoints.named(endpoint_id)
        if served is None or served.webhook is None:  # it may have been made, or given a secret, just now
            await self.refresh()
            served = self._endpoints.named(endpoint_id)
        if served is None:
            raise NotFound(f"there is no endpoint {endpoint_id}")
        served.usable_webhook()
        return served

    async def _to_the_end(self, served: ServedEndpoint, work: Coroutine[Any, Any, None]) -> None:
        """
        Do it whole, even where whoever asked goes away: lanes would not know what the journal has.
        """
        task = asyncio.create_task(work)
        self._asked_for.add(task)
        task.add_done_callback(self._asked_for.discard)
        await asyncio.shield(task)
        if self._endpoints.named(served.endpoint.id) is None:
            raise NotFound(f"endpoint {served.endpoint.id} was deleted")

    def _label(self, endpoint_no: int) -> str:
        return self._endpoints.label(endpoint_no)

    def _committed(self, batch: Sequence[Settlement]) -> None:
        touched = set()
        for item in batch:
            lane = self._endpoints.lane_of(item.delivery)
            if lane is not None:
                lane.queue.committed(item.delivery.subject_key)
                touched.add(lane)
        for lane in touched:
            lane.wake()
