"""
One endpoint as this process serves it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from relay.model.delivery_options import BATCHED
from relay.model.endpoint import NOT_IN_FILE, Endpoint
from relay.model.errors import Conflict
from relay.pipeline.endpoint_lane import EndpointLane
from relay.pipeline.endpoint_reports import EndpointReports
from relay.pipeline.handover import Handover
from relay.pipeline.lane_context import LaneContext, WebhookEndpoint
from relay.pipeline.standing import CLOSED, Standing

log = logging.getLogger(__name__)


class ServedEndpoint:
    """
    The lane of an endpoint, and beside it, while there are any, one for its resends.

    Without a secret there is nothing to deliver with, and so no lane: the endpoint left the configuration
    file.  Satisfies `relay.pipeline.endpoint_reports.Switch`: both lanes follow the endpoint's state.

    Args:
        endpoint: as the journal has it.
        context: what all lanes share.
        run: runs a lane beside the others.
    """

    def __init__(self, endpoint: Endpoint, context: LaneContext, run: Callable[[EndpointLane], None]) -> None:
        self.reports = EndpointReports(
            endpoint, context.journal, context.ids, context.clock, context.appended, self
        )
        self.standing = Standing(endpoint, context.clock)
        self.webhook: WebhookEndpoint | None = None
        self.lane: EndpointLane | None = None
        self.resends: EndpointLane | None = None
        self._context = context
        self._run = run
        self._problem: str | None = None
        self._kind: tuple[bool, str] | None = None

    @property
    def endpoint(self) -> Endpoint:
        """
        Return the endpoint as last stored.
        """
        return self.reports.endpoint

    @property
    def is_closed(self) -> bool:
        """
        Tell whether it is paused or disabled.
        """
        return self.endpoint.state in CLOSED

    def tell_problem(self, problem: str | None) -> None:
        """
        Keep why nothing can be delivered with what the journal has of it, and tell people once.
        """
        if problem != self._problem:
            self._problem = problem
            words = {"endpoint": self.endpoint.id, "problem": problem}
            if problem is None:
                log.info("endpoint can be delivered to again", extra=words)
            else:
                log.warning("endpoint cannot be delivered to", extra=words)

    def serve(self, webhook: WebhookEndpoint) -> None:
        """
        Deliver by this from now on; attempts in flight end as they began.
        """
        self.webhook = webhook
        wanted, handover = _kind(webhook), None
        if self.lane is not None and self._kind != wanted:
            self.lane.leave()
            handover = Handover(self.endpoint.no, self.lane.has_ended)
            self.lane = None
        elif self.lane is None and self.endpoint.keyed_by != webhook.spec.options.order:
            handover = Handover(self.endpoint.no, None)
        self._kind = wanted
        for lane in self._lanes():
            lane.change(webhook)
        webhook.follow_rate(lambda granted_per_s: self._limit(webhook, granted_per_s))
        if self.lane is None:
            self.lane = self._opened(webhook, is_for_resends=False, handover=handover)
            self.look_for_resends()

    def _limit(self, webhook: WebhookEndpoint, granted_per_s: float | None) -> None:
        """
        Keep to the smaller of what the operator and what the receiver allows; what the receiver of before
        allows does not count.
        """
        if webhook is not self.webhook:
            return
        wanted_per_s = webhook.spec.options.rate_per_s
        self.standing.limit(min([rate for rate in (wanted_per_s, granted_per_s) if rate], default=0.0))
        for lane in self._lanes():
            lane.wake()

    def usable_webhook(self) -> WebhookEndpoint:
        """
        Return what delivers to the endpoint.

        Raises:
            Conflict: it has no secret, or none that can be opened.
        """
        if self.webhook is None:
            raise Conflict(f"endpoint {self.endpoint.id} {self._problem or NOT_IN_FILE}")
        return self.webhook

    def look_for_resends(self) -> None:
        """
        Deliver what was asked to be sent again, if there is something; not while closed.
        """
        if self.webhook is None or self.is_closed:
            return
        if self.resends is None or self.resends.is_over:
            self.resends = self._opened(self.webhook, is_for_resends=True)
        else:
            self.resends.look()

    def forget_resends(self) -> None:
        """
        Send nothing that was asked to be sent again and has been taken back.
        """
        if self.resends is not None:
            self.resends.reread()

    def leave(self) -> None:
        """
        Start no further attempt, and report nothing: the endpoint was deleted.
        """
        self.reports.end()
        for lane in self._lanes():
            lane.leave()

    def reread(self) -> None:
        """
        Read anew what waits: the journal has changed beside the lane.
        """
        if self.lane is not None:
            self.lane.reread()

    def close(self) -> None:
        self.standing.is_closed = True
        for lane in self._lanes():
            lane.close()

    def open(self) -> None:
        for lane in self._lanes():
            lane.start_over()
        self.move()

    def recover(self) -> None:
        self.standing.breaker.reset()
        for lane in self._lanes():
            lane.start_over()
            lane.open()
        self.look_for_resends()

    def move(self) -> None:
        self.standing.is_closed = False
        self.standing.not_before_ms = 0
        self.standing.breaker.reset()
        for lane in self._lanes():
            lane.open()
        self.look_for_resends()

    def hold(self, until_ms: int) -> None:
        self.standing.not_before_ms = max(self.standing.not_before_ms, until_ms)
        for lane in self._lanes():
            lane.wake()

    def _lanes(self) -> Iterator[EndpointLane]:
        return (lane for lane in (self.lane, self.resends) if lane is not None)

    def _opened(
        self, webhook: WebhookEndpoint, *, is_for_resends: bool, handover: Handover | None = None
    ) -> EndpointLane:
        lane = EndpointLane(
            webhook,
            self.reports,
            self.standing,
            self._context,
            is_for_resends=is_for_resends,
            handover=handover,
        )
        self._run(lane)
        return lane


def _kind(webhook: WebhookEndpoint) -> tuple[bool, str]:
    """
    Return what a lane keeps as long as it lives: whether it sends batches, and in which order.
    """
    options = webhook.spec.options
    return options.payload == BATCHED, options.order
