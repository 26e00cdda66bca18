"""
Commit outcomes in groups (I4): one transaction for what happened in a few milliseconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from relay.journal.port import DeliveryJournal
from relay.model.clock import Clock
from relay.model.errors import JournalBusy
from relay.model.event import is_of_the_past
from relay.model.settlement import DELIVERED, PENDING, Settlement
from relay.pipeline.waiting import pause
from relay.telemetry.metrics import Metrics

MAX_BATCH: Final = 1_000
LINGER_S: Final = 0.02
BUSY_PAUSE_S: Final = 0.05
MAX_WAITING: Final = 20_000
IDLE_CHECK_S: Final = 60.0
WEBHOOK: Final = "webhook"


class Settler:
    """
    Takes outcomes from all lanes and makes them durable, at most LINGER_S or MAX_BATCH apart.

    Args:
        journal: where they go.
        clock: for the pauses.
        metrics: counted once per batch.
        names: labels of endpoints by number.
        committed: told what has become durable, in order.
    """

    def __init__(
        self,
        journal: DeliveryJournal,
        clock: Clock,
        metrics: Metrics,
        names: Callable[[int], str],
        committed: Callable[[Sequence[Settlement]], None],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._names = names
        self._committed = committed
        self._waiting: list[Settlement] = []
        self._has_some = asyncio.Event()
        self._begun = self._durable = 0  # outcomes
        self._has_committed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        """
        Tell whether more attempts may start: with a stuck journal their outcomes must not pile up.
        """
        return len(self._waiting) < MAX_WAITING

    def add(self, settlement: Settlement) -> None:
        """
        Take an outcome.
        """
        if not self._waiting:
            self._has_some.set()
        self._waiting.append(settlement)

    async def flushed(self) -> None:
        """
        Return once everything that was added before is durable.
        """
        until = self._begun + len(self._waiting)
        while self._durable < until:
            await self._has_committed.wait()

    async def run(self, stop: asyncio.Event) -> None:
        """
        Commit until told to stop and nothing waits any more.
        """
        while not (stop.is_set() and not self._waiting):
            await pause(self._clock, IDLE_CHECK_S, self._has_some, stop)
            if self._waiting and len(self._waiting) < MAX_BATCH:
                await pause(self._clock, LINGER_S, stop)
            if self._waiting:
                await self.commit()

    async def commit(self) -> None:
        """
        Commit one batch; while the journal is busy, try again.
        """
        batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
        if not self._waiting:
            self._has_some.clear()
        self._begun += len(batch)
        while True:
            try:
                await self._journal.settle(batch)
                break
            except JournalBusy:
                self._metrics.journal_errors.labels("settle", "busy").inc()
                await self._clock.sleep(BUSY_PAUSE_S)
        self._durable += len(batch)
        self._has_committed.set()
        self._has_committed = asyncio.Event()
        self._count(batch)
        self._committed(batch)

    def _count(self, batch: Sequence[Settlement]) -> None:
        metrics, names = self._metrics, self._names
        made = [item for item in batch if item.is_attempt]
        attempts = Counter([(item.delivery.endpoint_no, item.reason) for item in made])
        for (endpoint_no, reason), count in attempts.items():
            metrics.delivery_attempts.labels(names(endpoint_no), reason).inc(count)
        ended = Counter(
            [(item.delivery.endpoint_no, item.status) for item in batch if item.status != PENDING]
        )
        for (endpoint_no, status), count in ended.items():
            metrics.deliveries.labels(names(endpoint_no), status).inc(count)
        metrics.delivery_attempt_duration_seconds.observe_many([item.latency_ms / 1000 for item in made])
        done = [
            (item.made_at_ms + item.latency_ms, item.delivery) for item in batch if item.status == DELIVERED
        ]
        metrics.event_dispatch_latency_seconds.labels(WEBHOOK).observe_many(
            [(at_ms - delivery.recorded_at_ms) / 1000 for at_ms, delivery in done]
        )
        metrics.event_delivery_latency_seconds.labels(WEBHOOK).observe_many(
            [
                (at_ms - delivery.occurred_at_ms) / 1000
                for at_ms, delivery in done
                if not is_of_the_past(delivery.body)
            ]
        )
