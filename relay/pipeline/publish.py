"""
Publish: journal to Kafka (rooms 3 and 4), in seq order, exactly once.

Only the other side knows what it has: after any failure the publisher is built anew and asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from relay.journal.port import PublishJournal
from relay.model.clock import Clock
from relay.model.errors import JournalBusy, JournalUnusable, PublisherLost
from relay.model.event import StoredEvent, is_of_the_past
from relay.pipeline.waiting import pause, pause_until_done
from relay.sinks.port import EventPublisher
from relay.telemetry.metrics import Metrics

MAX_EVENTS: Final = 2_000
MAX_BYTES: Final = 1024 * 1024
FIRST_BACK_OFF_S: Final = 0.5
LONGEST_BACK_OFF_S: Final = 30.0
IDLE_CHECK_S: Final = 5.0
GRACE_S: Final = 5.0
KAFKA: Final = "kafka"

log = logging.getLogger(__name__)


class Publish:
    """
    The loop of one publisher.

    Args:
        publisher: the other side.
        journal: what is published.
        name: of the copy of its cursor in the journal.
        clock: the time.
        metrics: counted per transaction.
    """

    name = "publish"

    def __init__(
        self, publisher: EventPublisher, journal: PublishJournal, name: str, clock: Clock, metrics: Metrics
    ) -> None:
        self._publisher = publisher
        self._journal = journal
        self.cursor_name = name
        self._clock = clock
        self._metrics = metrics
        self._woken = asyncio.Event()
        self._failures_in_a_row = 0
        self._is_open = False
        self._seq = 0

    def wake(self) -> None:
        """
        Look for new events now.
        """
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """
        Publish until told to stop; a transaction under way then gets GRACE_S, or is dropped whole.

        Raises:
            JournalUnusable: the other side's cursor is not of this journal.
        """
        try:
            while not stop.is_set():
                step = asyncio.create_task(self.step(stop))
                await pause_until_done(step, stop, GRACE_S)
                if not step.cancelled():
                    step.result()
        finally:
            await self._publisher.close()

    async def step(self, stop: asyncio.Event) -> None:
        """
        Publish the next events, or wait for some; open the publisher where it is not open.
        """
        try:
            if not self._is_open:
                self._seq = await self._publisher.open()
                self._is_open = True
                self._metrics.kafka_cursor_seq.set(self._seq)
            self._woken.clear()
            events = await self._journal.events_after(self._seq, MAX_EVENTS, MAX_BYTES)
            if events:
                await self._publish(events)
            else:
                await pause(self._clock, IDLE_CHECK_S, self._woken, stop)
        except JournalBusy:
            self._metrics.journal_errors.labels("publish", "busy").inc()
            await self._back_off(stop)
        except PublisherLost as error:
            self._lost(error.reason, str(error))
            await self._back_off(stop)
        except JournalUnusable:
            raise
        except Exception as error:  # a bug of a sink must not loop through restarts
            log.exception("the publisher failed")
            self._lost("bug", repr(error))
            await self._back_off(stop)

    async def _publish(self, events: Sequence[StoredEvent]) -> None:
        first, last = events[0], events[-1]
        if first.seq != self._seq + 1 or last.seq != self._seq + len(events):
            raise JournalUnusable(f"the journal has a hole behind event {self._seq}: it was altered or cut")
        started = self._clock.monotonic()
        await self._publisher.publish(events)
        self._seq = last.seq
        if self._failures_in_a_row:
            log.info("publishing again", extra={"seq": self._seq})
            self._failures_in_a_row = 0
        self._count(events, self._clock.monotonic() - started)
        await self._journal.note_publication(self.cursor_name, last.seq, last.id, self._clock.now())

    def _count(self, events: Sequence[StoredEvent], took_s: float) -> None:
        metrics, now = self._metrics, self._clock.now()
        metrics.kafka_transactions.labels("committed").inc()
        metrics.kafka_transaction_duration_seconds.observe(took_s)
        metrics.kafka_transaction_records.observe(len(events))
        metrics.kafka_cursor_seq.set(self._seq)
        dispatch = [(now - event.recorded_at).total_seconds() for event in events]
        delivery = [
            (now - event.occurred_at).total_seconds() for event in events if not is_of_the_past(event.body)
        ]
        metrics.event_dispatch_latency_seconds.labels(KAFKA).observe_many(dispatch)
        metrics.event_delivery_latency_seconds.labels(KAFKA).observe_many(delivery)

    def _lost(self, reason: str, message: str) -> None:
        self._is_open = False
        outcome = reason if reason in ("fenced", "unknown") else "failed"
        self._metrics.kafka_transactions.labels(outcome).inc()
        self._metrics.kafka_producer_rebuilds.labels(reason).inc()
        if self._failures_in_a_row == 0:
            log.warning("not publishing", extra={"reason": message})
        self._failures_in_a_row += 1

    async def _back_off(self, stop: asyncio.Event) -> None:
        doublings = min(self._failures_in_a_row, 10)
        delay_s = min(LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2**doublings)
        await pause(self._clock, delay_s, stop)
