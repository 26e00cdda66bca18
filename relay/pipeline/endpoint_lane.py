"""
The loop of one endpoint: fill the lane from the journal where it must, and attempt what is ready.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from relay.model.delivery_options import BATCHED
from relay.model.endpoint import Delivery
from relay.model.errors import JournalBusy
from relay.model.outcome import Delivered, Outcome, TryLater
from relay.pipeline.attempts import Attempts
from relay.pipeline.batch_lane import BatchLane
from relay.pipeline.batch_sender import BatchSender
from relay.pipeline.endpoint_reports import EndpointReports
from relay.pipeline.handover import Handover
from relay.pipeline.lane import PAGE, Lane
from relay.pipeline.lane_context import LaneContext, WebhookEndpoint
from relay.pipeline.probes import next_head
from relay.pipeline.stale import Staleness
from relay.pipeline.standing import Standing
from relay.pipeline.verdicts import Verdicts
from relay.pipeline.waiting import pause

IDLE_CHECK_S: Final = 60.0
BUSY_PAUSE_S: Final = 0.05
FOLLOW: Final = 2 * PAGE  # a call has three events: a head, and two that follow it
RESENDS_IN_FLIGHT: Final = 4

log = logging.getLogger(__name__)


class EndpointLane:
    """
    Delivers to one endpoint: at most so many attempts at a time, in order within a subject.

    With `is_for_resends` it delivers what was asked to be sent again, and nothing else.  Such a lane is over
    once there is no more of that; for what comes later a new one is opened.

    Args:
        webhook: what delivers.
        reports: tells people; also which endpoint it is.
        standing: what the endpoint may be sent now.
        context: what all lanes share.
        handover: what must be over before anything is sent.
    """

    def __init__(
        self,
        webhook: WebhookEndpoint,
        reports: EndpointReports,
        standing: Standing,
        context: LaneContext,
        *,
        is_for_resends: bool = False,
        handover: Handover | None = None,
    ) -> None:
        self.has_ended = asyncio.Event()
        self._handover = handover
        self.endpoint = reports.endpoint
        self.is_over = False
        self._is_for_resends = is_for_resends
        self.queue = self._queue(webhook)
        self._sink, self._schedule = webhook.sink, webhook.next_delay_s
        self._staleness = Staleness(webhook.spec.options)
        self._standing = standing
        self._context = context
        self._attempts = Attempts(self._ended, context.grace_s)
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._sleeps_for_ms: int | None = None
        self._has_nothing_to_probe = False
        self._verdicts = Verdicts(
            self.queue,
            standing,
            context.settler,
            reports,
            lambda made: self._schedule(made),
            self._attempts.spawn,
        )
        self._batches = self._sender(webhook)

    @property
    def is_batched(self) -> bool:
        """
        Tell whether it sends batches, which does not change as long as it lives.
        """
        return self._batches is not None

    @property
    def name(self) -> str:
        """
        Return what to call it in a traceback.
        """
        return f"{'resends' if self._is_for_resends else 'lane'} {self.endpoint.id}"

    async def run(self) -> None:
        """
        Deliver until stopped or left, or until nothing is to be sent again.
        """
        is_cut_off = True
        try:
            if self._handover is not None:
                await self._handover.finish(self._context, lambda: self._is_stopping)
            while not self._is_stopping and not self.is_over and self._attempts.failure is None:
                self._woken.clear()
                await self._probe() if self._standing.breaker.is_probing else await self._fill()
                self.pump()
                self.is_over = self._is_for_resends and self.queue.is_idle
                if not self.is_over:
                    await pause(self._context.clock, self._idle_s(), self._woken)
            is_cut_off = False
        finally:
            self._is_stopping = True
            if is_cut_off:
                self._attempts.cut_short()
            await self._attempts.finish()
            self.has_ended.set()
        if self._attempts.failure is not None:
            raise self._attempts.failure

    def stop(self) -> None:
        """
        Start no further attempt; those in flight get their grace.
        """
        self._attempts.cut_short()
        self.leave()

    def leave(self) -> None:
        """
        Start no further attempt, for good; those in flight may end as they would have.
        """
        self._is_stopping = True
        self._woken.set()

    def change(self, webhook: WebhookEndpoint) -> None:
        """
        Deliver by this once woken; attempts in flight end as they began.
        """
        self._sink, self._schedule = webhook.sink, webhook.next_delay_s
        self._staleness = Staleness(webhook.spec.options)
        self._verdicts.resize(self._window(webhook))
        if self._batches is not None:
            self._batches.change(webhook.spec.options)

    def close(self) -> None:
        """
        Follow an endpoint that was closed: what is appended until `open` is left to the journal.
        """
        self.queue.fall_behind()

    def open(self) -> None:
        """
        Send whatever is due, oldest first.
        """
        self.queue.fall_behind()
        self._woken.set()

    def start_over(self) -> None:
        """
        Send one at a time to begin with: what has waited drains gently.
        """
        self._verdicts.start_over()

    def reread(self) -> None:
        """
        Forget what is not under way, and read it from the journal, where it has changed.
        """
        self.queue.drop()
        self._woken.set()

    def look(self) -> None:
        """
        Look into the journal for what was made without an append.
        """
        self.queue.want_page()
        self._has_nothing_to_probe = False
        self._woken.set()

    def wake(self) -> None:
        """
        Look again what may be sent, and whether the journal holds more.
        """
        if self._standing.is_closed:
            return
        self._has_nothing_to_probe = False
        self.pump()
        queue = self.queue
        is_held_up = self._is_held_up()
        is_over = self._is_for_resends and queue.is_idle
        is_held_up |= self._batches is not None and self._batches.waits_until_ms > 0
        if is_over or is_held_up or queue.next_due_ms != self._sleeps_for_ms or queue.is_due(self._now_ms()):
            self._woken.set()

    def pump(self) -> None:
        """
        Start as many attempts as there is work and room for.
        """
        if self._batches is not None:
            self._batches.pump(self._may_send, self._spend)
            return
        while (first := self._take()) is not None:
            self._attempts.spawn(self._send(first))

    def _take(self) -> Delivery | None:
        return self._next() if self._may_send() else None

    def _next(self) -> Delivery | None:
        """
        Return the next delivery to attempt; what has gone stale on the way is settled.
        """
        delivery = self.queue.take()
        if self._staleness.is_possible:
            while delivery is not None and (
                stale := self._staleness.of(delivery, self.queue.behind(delivery), self._now_ms())
            ):
                self._verdicts.end(delivery, stale, self._now_ms())
                delivery = self.queue.take()
        if delivery is not None:
            self._spend()
        return delivery

    def _spend(self) -> None:
        if self._standing.rate is not None:
            self._standing.rate.spend()

    def _may_send(self) -> bool:
        return not self._is_stopping and self._context.settler.has_room and self._standing.may_send()

    def _may_probe(self) -> bool:
        is_able = not self._is_stopping and self._context.settler.has_room and self.queue.has_room
        return is_able and self._standing.may_probe()

    def _is_held_up(self) -> bool:
        """
        Tell whether something is here, or may be in the journal, that must wait for a token or a probe.
        """
        return self._standing.breaker.is_probing or (self._standing.rate is not None and self.queue.has_ready)

    async def _probe(self) -> None:
        """
        Try one delivery, if it is time to; what else is here is left to the journal.
        """
        queue, journal = self.queue, self._context.journal
        queue.drop()
        if not self._may_probe():
            return
        try:
            head = await next_head(
                journal, self.endpoint.no, queue.active, self._now_ms(), resends=self._is_for_resends
            )
        except JournalBusy:
            self._context.metrics.journal_errors.labels("page_in", "busy").inc()
            await self._context.clock.sleep(BUSY_PAUSE_S)
            self._woken.set()
            return
        self._has_nothing_to_probe = head is None
        if head is None or not self._may_probe() or queue.active.intersection(head.keys):
            return
        if self._batches is not None:
            if self._batches.probe(head, self._standing.breaker):
                self._spend()
            else:
                self._woken.set()
            return
        # A batch of before its endpoint wanted single events: its first alone.
        queue.restock(head.deliveries or head.batch_members[:1])
        first = self._next()
        queue.drop()
        if first is None:  # all of it was stale: something else is
            self._woken.set()
            return
        self._standing.breaker.begin(first, head.due_ms)
        self._attempts.spawn(self._send(first))

    async def _fill(self) -> None:
        context, queue = self._context, self.queue
        while self._may_send() and queue.is_due(now_ms := self._now_ms()):
            limits = queue.page_limits()
            busy = queue.start_paging()
            try:
                page = await context.journal.page_in(
                    self.endpoint.no,
                    now_ms,
                    *limits,
                    resends=self._is_for_resends,
                    busy=busy,
                    follow=FOLLOW,
                )
            except JournalBusy:
                context.metrics.journal_errors.labels("page_in", "busy").inc()
                queue.want_page()
                await context.clock.sleep(BUSY_PAUSE_S)
                continue
            queue.page_in(page, limits, now_ms)
            self.pump()

    def _idle_s(self) -> float:
        now_ms, queue, standing = self._now_ms(), self.queue, self._standing
        self._sleeps_for_ms = queue.next_due_ms
        wait_ms = IDLE_CHECK_S * 1000
        if standing.is_closed:
            return IDLE_CHECK_S
        if standing.breaker.is_probing:
            is_for_time = standing.breaker.is_waiting and queue.has_room and not self._has_nothing_to_probe
            wait_ms = standing.wait_ms() if is_for_time else wait_ms
        elif standing.not_before_ms > now_ms or queue.has_ready or queue.is_due(now_ms):
            wait_ms = standing.wait_ms() or wait_ms  # 0: something else is in the way, which wakes us up
        elif queue.next_due_ms is not None and queue.next_due_ms > now_ms:  # else there is no room for it
            wait_ms = queue.next_due_ms - now_ms
        if self._batches is not None and self._batches.waits_until_ms > now_ms:
            wait_ms = min(wait_ms, self._batches.waits_until_ms - now_ms)
        return min(max(wait_ms, 1.0) / 1000, IDLE_CHECK_S)

    async def _send(self, delivery: Delivery) -> None:
        """
        Attempt one delivery after the other for as long as there is one ready: a task each would cost more.
        """
        clock, inflight = self._context.clock, self._context.metrics.delivery_inflight
        inflight.inc()
        current: Delivery | None = delivery
        try:
            while current is not None:
                started, made_at_ms = clock.monotonic(), clock.now_ms()
                try:
                    outcome: Outcome = await self._sink.deliver(current)
                except Exception as error:  # a bug of a sink becomes a counted retry, not a crash loop
                    log.exception("a sink failed", extra={"endpoint": self.endpoint.id})
                    outcome = TryLater(reason="bug", answer=repr(error).encode()[:1024])
                latency_ms = round((clock.monotonic() - started) * 1000)
                is_growing = self._verdicts.window.is_growing  # until the verdict on this one, maybe
                self._verdicts.judge(current, outcome, made_at_ms, latency_ms)
                if not isinstance(outcome, Delivered):
                    self._woken.set()  # the loop's next look at the journal may be earlier now
                current = self._take()
                if is_growing:
                    self.pump()
        finally:
            inflight.dec()

    def _queue(self, webhook: WebhookEndpoint) -> Lane:
        options = webhook.spec.options
        if options.payload == BATCHED and not self._is_for_resends:
            return BatchLane(self._window(webhook), options.batch)
        return Lane(self._window(webhook))

    def _sender(self, webhook: WebhookEndpoint) -> BatchSender | None:
        if not isinstance(self.queue, BatchLane):
            return None
        return BatchSender(
            self.queue,
            webhook.spec.options,
            self._verdicts,
            self._context,
            lambda: self._sink,
            self._attempts.spawn,
        )

    def _ended(self) -> None:
        if (
            self._attempts.failure is not None
            or self.queue.wants_page
            or self._is_held_up()
            or self.is_batched
        ):
            self._woken.set()

    def _window(self, webhook: WebhookEndpoint) -> int:
        wanted = webhook.spec.max_in_flight
        return min(RESENDS_IN_FLIGHT, wanted) if self._is_for_resends else wanted

    def _now_ms(self) -> int:
        return self._context.clock.now_ms()
