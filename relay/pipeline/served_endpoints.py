"""
All endpoints that this process serves, in line with the journal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from relay.journal.api_port import RegistryJournal
from relay.model.endpoint import Delivery, Endpoint, EndpointSpec, RegisteredEndpoint
from relay.model.errors import JournalBusy
from relay.pipeline.endpoint_lane import EndpointLane
from relay.pipeline.endpoint_reports import BUSY_PAUSE_S
from relay.pipeline.lane_context import LaneContext, WebhookEndpoint
from relay.pipeline.served_endpoint import ServedEndpoint
from relay.telemetry.metrics import OTHER

LABELS_KEPT: Final = 1_000  # of deleted endpoints, for outcomes that are not counted yet

OpenEndpoint = Callable[[EndpointSpec], WebhookEndpoint]

DELIVERIES_IN_ALL_LANES: Final = 50_000
BYTES_IN_ALL_LANES: Final = 64 * 1024 * 1024
LEAST_DELIVERIES: Final = 200
LEAST_BYTES: Final = 128 * 1024


class ServedEndpoints:
    """
    Opens, changes and leaves the lanes of endpoints as the journal has them.

    `lanes` are those in which appended events go, by the number of their endpoint.

    Args:
        registry: where the endpoints are.
        of_file: those of the configuration file, with their secrets.
        open_endpoint: makes what delivers to an endpoint.
        context: what all lanes share.
        run: runs a lane beside the others.
    """

    def __init__(
        self,
        registry: RegistryJournal,
        of_file: Sequence[EndpointSpec],
        open_endpoint: OpenEndpoint,
        context: LaneContext,
        run: Callable[[EndpointLane], None],
    ) -> None:
        self.lanes: dict[int, EndpointLane] = {}
        self._registry = registry
        self._of_file = {spec.id: spec for spec in of_file}
        self._open_endpoint = open_endpoint
        self._context = context
        self._run = run
        self._served: dict[int, ServedEndpoint] = {}
        self._labels: dict[int, str] = {}
        self._old_labels: deque[int] = deque()

    async def refresh(self) -> datetime | None:
        """
        Follow the journal; return when the next secret begins or ends, and with it what a sink signs with.

        Never to be called while it runs.
        """
        now = self._context.clock.now()
        registered = await self._registered(now)
        for one in registered:
            await self._follow(one)
        for no in self._served.keys() - {one.endpoint.no for one in registered}:
            self._leave(no)
        self._share_memory()
        secrets = [secret for one in registered for secret in one.secrets]
        turns = [at for secret in secrets for at in (secret.starts_at, secret.expires_at) if at is not None]
        return min((at for at in turns if at > now), default=None)

    def all(self) -> list[ServedEndpoint]:
        """
        Return all there are.
        """
        return list(self._served.values())

    def named(self, endpoint_id: str) -> ServedEndpoint | None:
        """
        Return an endpoint by its id.
        """
        return next((one for one in self._served.values() if one.endpoint.id == endpoint_id), None)

    def closed(self) -> list[Endpoint]:
        """
        Return those that could be delivered to and are paused or disabled.
        """
        return [one.endpoint for one in self._served.values() if one.lane is not None and one.is_closed]

    def lane_of(self, delivery: Delivery) -> EndpointLane | None:
        """
        Return the lane that a delivery was sent in; None once its endpoint is deleted.
        """
        if delivery.job == 0:
            return self.lanes.get(delivery.endpoint_no)
        served = self._served.get(delivery.endpoint_no)
        return served.resends if served is not None else None

    def ended(self, lane: EndpointLane) -> None:
        """
        Forget a lane that had no more resends.
        """
        served = self._served.get(lane.endpoint.no)
        if served is not None and served.resends is lane:
            served.resends = None

    def label(self, endpoint_no: int) -> str:
        """
        Return what metrics call an endpoint, for a while also one that was deleted.
        """
        return self._labels.get(endpoint_no, OTHER)

    def _share_memory(self) -> None:
        """
        Divide what lanes may hold in memory: however many there are, all of them hold no more together,
        and a receiver that is down takes nothing from the others.
        """
        lanes = self.lanes.values()
        deliveries = max(DELIVERIES_IN_ALL_LANES // max(len(lanes), 1), LEAST_DELIVERIES)
        size_bytes = max(BYTES_IN_ALL_LANES // max(len(lanes), 1), LEAST_BYTES)
        for lane in lanes:
            lane.queue.max_deliveries, lane.queue.max_bytes = deliveries, size_bytes

    async def _registered(self, now: datetime) -> list[RegisteredEndpoint]:
        while True:
            try:
                return await self._registry.registered(now)
            except JournalBusy:
                self._context.metrics.journal_errors.labels("registered", "busy").inc()
                await self._context.clock.sleep(BUSY_PAUSE_S)

    async def _follow(self, one: RegisteredEndpoint) -> None:
        no = one.endpoint.no
        served = self._served.get(no)
        if served is None:
            self._labels[no] = self._context.metrics.start_endpoint(one.endpoint.id)
            served = self._served[no] = ServedEndpoint(one.endpoint, self._context, self._run)
        spec = self._of_file.get(one.spec.id, one.spec)
        served.tell_problem(one.problem)
        is_usable = one.problem is None and spec.missing_scheme is None
        if is_usable and (served.webhook is None or served.webhook.spec != spec):
            served.serve(self._open_endpoint(spec))
        if served.lane is not None:
            self.lanes[no] = served.lane
        if one.endpoint != served.endpoint:
            # What was just read may be older than what this process has stored meanwhile: ask in turn.
            await served.reports.read_again()

    def _leave(self, no: int) -> None:
        self._served.pop(no).leave()
        self.lanes.pop(no, None)
        self._old_labels.append(no)
        if len(self._old_labels) > LABELS_KEPT:
            del self._labels[self._old_labels.popleft()]
