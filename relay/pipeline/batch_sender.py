"""
Send the events of one endpoint in batches: whole ones at once, others once their first event has waited.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import Batch, Delivery
from relay.model.outcome import Outcome, TryLater
from relay.pipeline.batch_lane import BatchLane
from relay.pipeline.breaker import Breaker
from relay.pipeline.lane_context import LaneContext
from relay.pipeline.probes import Head
from relay.pipeline.stale import Staleness
from relay.pipeline.verdicts import Report, Verdicts
from relay.sinks.port import DeliverySink

PATIENT: Final = 0  # no batch waits to be whole

log = logging.getLogger(__name__)


class BatchSender:
    """
    Cuts batches from a lane and attempts them; `max_in_flight` of the lane counts them.

    `waits_until_ms` is when what is here goes although it is no whole batch; 0: nothing waits for that.

    Args:
        queue: what may go.
        options: of the endpoint.
        verdicts: judges what came of a batch.
        context: what all lanes share.
        sink: returns what delivers now.
        spawn: runs an attempt beside the others.
    """

    def __init__(
        self,
        queue: BatchLane,
        options: DeliveryOptions,
        verdicts: Verdicts,
        context: LaneContext,
        sink: Callable[[], DeliverySink],
        spawn: Callable[[Report], None],
    ) -> None:
        self.waits_until_ms = PATIENT
        self._queue = queue
        self._verdicts = verdicts
        self._clock, self._inflight = context.clock, context.metrics.delivery_inflight
        self._sink = sink
        self._spawn = spawn
        self._in_flight = 0
        self.change(options)

    def change(self, options: DeliveryOptions) -> None:
        """
        Cut by these options from now on.
        """
        self._queue.options = options.batch
        self._linger_ms = round(options.batch.linger_s * 1000)
        self._staleness = Staleness(options)

    def pump(self, may_send: Callable[[], bool], spend: Callable[[], None]) -> None:
        """
        Start as many batches as there is work and room for; `spend` is told of each.
        """
        while may_send() and self._in_flight < self._queue.max_in_flight:
            events, is_whole = self._queue.ready()
            now_ms = self._clock.now_ms()
            if not events:
                self.waits_until_ms = PATIENT
                return
            if not is_whole and self._linger_ms:
                self.waits_until_ms = self.waits_until_ms or now_ms + self._linger_ms
                if now_ms < self.waits_until_ms:
                    return
            batch = self._fresh(self._queue.take_batch(), now_ms)
            self.waits_until_ms = PATIENT
            if batch is not None:
                spend()
                self.start(batch, batch.request)

    def start(self, batch: Batch, request: Delivery) -> None:
        """
        Attempt a batch, whoever may wait; `request` is what is sent of it.
        """
        self._in_flight += 1
        self._spawn(self._send(batch, request))

    def probe(self, head: Head, breaker: Breaker) -> bool:
        """
        Attempt one batch and nothing else: one that failed and is due, or one of a head and what follows.

        Returns:
            False where all of it was stale: nothing was sent.
        """
        if head.batch is not None:
            self._queue.restock_batch(head.batch)
        else:
            self._queue.restock(head.deliveries)
        batch = self._fresh(self._queue.take_batch(), self._clock.now_ms())
        self._queue.drop()
        if batch is None:
            return False
        request = batch.request
        breaker.begin(request, head.due_ms)
        self.start(batch, request)
        return True

    async def _send(self, batch: Batch, request: Delivery) -> None:
        clock = self._clock
        self._inflight.inc()
        try:
            started, made_at_ms = clock.monotonic(), clock.now_ms()
            try:
                outcome: Outcome = await self._sink().deliver(request)
            except Exception as error:  # a bug of a sink becomes a counted retry, not a crash loop
                log.exception("a sink failed", extra={"event": request.event_id})
                outcome = TryLater(reason="bug", answer=repr(error).encode()[:1024])
            latency_ms = round((clock.monotonic() - started) * 1000)
            self._verdicts.judge_batch(batch, request, outcome, made_at_ms, latency_ms)
        finally:
            self._in_flight -= 1
            self._inflight.dec()

    def _fresh(self, batch: Batch | None, now_ms: int) -> Batch | None:
        """
        Leave out of a new batch what has gone stale; what failed before goes as it was.
        """
        if batch is None or batch.is_kept or not self._staleness.is_possible:
            return batch
        fresh = tuple(one for one in batch.members if self._staleness.of(one, (), now_ms) is None)
        if len(fresh) == len(batch.members):
            return batch
        kept = {one.subject_key for one in fresh}
        for one in batch.members:
            stale = self._staleness.of(one, (), now_ms)
            if stale is not None:
                self._verdicts.end(one, stale, now_ms, frees=one.subject_key not in kept)
        return Batch.of(fresh) if fresh else None
