"""
The loop of one endpoint: fill the lane from the journal where it must, and attempt what is ready.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relay.journal.port import Appended, DeliveryJournal
from relay.model.clock import Clock
from relay.model.endpoint import DISABLED, PAUSED, Delivery, Endpoint
from relay.model.errors import JournalBusy
from relay.model.ids import IdMaker
from relay.model.outcome import Delivered, Outcome, TryLater
from relay.model.times import to_ms
from relay.pipeline.endpoint_reports import EndpointReports
from relay.pipeline.lane import Lane
from relay.pipeline.settling import Settler
from relay.pipeline.verdicts import Report, Verdicts
from relay.pipeline.waiting import pause
from relay.sinks.port import DeliverySink
from relay.telemetry.metrics import Metrics

IDLE_CHECK_S: Final = 60.0
BUSY_PAUSE_S: Final = 0.05

log = logging.getLogger(__name__)


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


class EndpointLane:
    """
    Delivers to one endpoint: at most `max_in_flight` attempts at a time, in order within a subject.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        max_in_flight: int,
        sink: DeliverySink,
        next_delay_s: Callable[[int], float | None],
        context: LaneContext,
    ) -> None:
        self.endpoint = endpoint
        self.queue = Lane(max_in_flight)
        self._sink = sink
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._sleeps_for_ms: int | None = None
        self._failure: BaseException | None = None
        reports = EndpointReports(endpoint, context.journal, context.ids, context.clock, context.appended)
        self._verdicts = Verdicts(self.queue, context.settler, reports, next_delay_s, self._spawn)
        self._verdicts.is_closed = endpoint.state in (PAUSED, DISABLED)
        self._verdicts.not_before_ms = endpoint.not_before_ms or 0

    async def run(self, stop: asyncio.Event) -> None:
        """
        Deliver until told to stop; then give the attempts in flight their grace.
        """
        try:
            while not stop.is_set() and self._failure is None:
                self._woken.clear()
                await self._fill()
                self.pump()
                await pause(self._context.clock, self._idle_s(), self._woken, stop)
        finally:
            self._is_stopping = True
            await self._finish()
        if self._failure is not None:
            raise self._failure

    def wake(self) -> None:
        """
        Look again what may be sent, and whether the journal holds more.
        """
        self.pump()
        if self.queue.next_due_ms != self._sleeps_for_ms or self.queue.is_due(self._now_ms()):
            self._woken.set()

    def pump(self) -> None:
        """
        Start as many attempts as there is work and room for.
        """
        while self._may_send():
            first = self.queue.take()
            if first is None:
                break
            self._spawn(self._send(first))

    def _may_send(self) -> bool:
        verdicts = self._verdicts
        return (
            not verdicts.is_closed
            and not self._is_stopping
            and self._context.settler.has_room
            and (verdicts.not_before_ms == 0 or verdicts.not_before_ms <= self._now_ms())
        )

    async def _fill(self) -> None:
        context, queue = self._context, self.queue
        while self._may_send() and queue.is_due(now_ms := self._now_ms()):
            limits = queue.page_limits()
            queue.start_paging()
            try:
                page = await context.journal.page_in(self.endpoint.no, now_ms, *limits)
            except JournalBusy:
                context.metrics.journal_errors.labels("page_in", "busy").inc()
                queue.want_page()
                await context.clock.sleep(BUSY_PAUSE_S)
                continue
            queue.page_in(page, limits, now_ms)
            self.pump()

    def _idle_s(self) -> float:
        now_ms, not_before_ms = self._now_ms(), self._verdicts.not_before_ms
        self._sleeps_for_ms = self.queue.next_due_ms
        wait_ms = [IDLE_CHECK_S * 1000]
        if not_before_ms > now_ms:
            wait_ms.append(not_before_ms - now_ms)
        elif self.queue.next_due_ms is not None:
            wait_ms.append(max(self.queue.next_due_ms - now_ms, 1))
        return min(wait_ms) / 1000

    async def _send(self, delivery: Delivery) -> None:
        """
        Attempt one delivery after the other for as long as there is one ready: a task each would cost more.
        """
        clock, inflight = self._context.clock, self._context.metrics.delivery_inflight
        inflight.inc()
        current: Delivery | None = delivery
        try:
            while current is not None:
                started, made_at_ms = clock.monotonic(), self._now_ms()
                outcome = await self._attempt(current)
                self._verdicts.judge(
                    current, outcome, made_at_ms, round((clock.monotonic() - started) * 1000)
                )
                if not isinstance(outcome, Delivered):
                    self._woken.set()  # the loop's next look at the journal may be earlier now
                current = self.queue.take() if self._may_send() else None
        finally:
            inflight.dec()

    async def _attempt(self, delivery: Delivery) -> Outcome:
        try:
            return await self._sink.deliver(delivery)
        except Exception as error:  # a bug of a sink becomes a counted retry, not a crash loop
            log.exception("a sink failed", extra={"endpoint": self.endpoint.id, "event": delivery.event_id})
            return TryLater(reason="bug", answer=repr(error).encode()[:1024])

    def _spawn(self, work: Report) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
        if self._failure is not None or self.queue.wants_page:
            self._woken.set()

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._context.grace_s)
        # What is cut off here has no outcome: it stays due in the journal and is made again.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _now_ms(self) -> int:
        return to_ms(self._context.clock.now())
