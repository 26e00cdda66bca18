"""
Expire what has waited too long, or what is too much, and tell how full a backlog is before that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from relay.journal.port import DeliveryJournal
from relay.model.clock import Clock
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import Delivery
from relay.model.errors import JournalBusy
from relay.model.journal_stats import EndpointBacklog
from relay.model.settlement import EXPIRED, Settlement
from relay.pipeline.served_endpoint import ServedEndpoint
from relay.pipeline.waiting import pause
from relay.telemetry.metrics import Metrics

EVERY_S: Final = 60.0
AT_ONCE: Final = 500  # so that nobody else waits for the write lock for longer than 20 ms
TOLD_AT: Final = (100, 80, 50)  # percent of what may wait

MAX_PENDING: Final = "max_pending"
MAX_PENDING_AGE: Final = "max_pending_age"
NO_END: Final = 2**62


class Expiry:
    """
    Looks at every endpoint once a minute, paused and disabled ones too.

    Args:
        journal: where deliveries wait.
        clock: tells the present.
        metrics: counts what expires.
        served: gives the endpoints of this process.
    """

    def __init__(
        self,
        journal: DeliveryJournal,
        clock: Clock,
        metrics: Metrics,
        served: Callable[[], Sequence[ServedEndpoint]],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._served = served

    async def run(self, stop: asyncio.Event) -> None:
        """
        Look until told to stop.
        """
        while not stop.is_set():
            try:
                await self.step(stop)
            except JournalBusy:
                self._metrics.journal_errors.labels("expire", "busy").inc()
            await pause(self._clock, EVERY_S, stop)

    async def step(self, stop: asyncio.Event) -> None:
        """
        Look once; what is left when told to stop is left to the next start.
        """
        backlogs = await self._journal.backlogs()
        for served in self._served():
            backlog = backlogs.get(served.endpoint.no)
            if backlog is not None:
                await self._tell(served, backlog)
                await self._expire(served, backlog, stop)

    async def _tell(self, served: ServedEndpoint, backlog: EndpointBacklog) -> None:
        """
        Say once that a backlog has reached a level; below the lowest it may be said anew.
        """
        percent = _percent(backlog, served.endpoint.options, self._clock.now_ms())
        level = next((level for level in TOLD_AT if percent >= level), 0)
        if level > backlog.told or (level == 0 and backlog.told):
            await served.reports.backlog(level, backlog)

    async def _expire(self, served: ServedEndpoint, backlog: EndpointBacklog, stop: asyncio.Event) -> None:
        options, oldest_ms, expired = served.endpoint.options, backlog.oldest_ms, 0
        before_ms = self._clock.now_ms() - options.max_pending_age_s * 1000
        if options.max_pending_age_s and oldest_ms is not None and oldest_ms < before_ms:
            to_seq = await self._journal.last_before(before_ms)
            expired = await self._expire_first(served, backlog.oldest_seq, to_seq, NO_END, stop)
        excess = backlog.pending - expired - options.max_pending
        if options.max_pending and excess > 0:
            expired += await self._expire_first(served, backlog.oldest_seq, NO_END, excess, stop)
        if expired:
            served.reread()

    async def _expire_first(
        self, served: ServedEndpoint, from_seq: int, to_seq: int, most: int, stop: asyncio.Event
    ) -> int:
        """
        Expire what has waited longest, up to a seq (then it is for its age) and so many; return how many.
        """
        reason, done = MAX_PENDING if to_seq == NO_END else MAX_PENDING_AGE, 0
        label = self._metrics.endpoint_label(served.endpoint.id)
        while done < most and not stop.is_set():
            at_once = min(AT_ONCE, most - done)
            first = await self._journal.waiting_longest(served.endpoint.no, from_seq, to_seq, at_once)
            if not first:
                break
            now_ms = self._clock.now_ms()
            await self._journal.settle([_expired(delivery, reason, now_ms) for delivery in first])
            self._metrics.deliveries.labels(label, EXPIRED).inc(len(first))
            done += len(first)
            from_seq = first[-1].seq + 1
        return done


def _expired(delivery: Delivery, reason: str, now_ms: int) -> Settlement:
    return Settlement(delivery, EXPIRED, delivery.attempt, now_ms, 0, reason, is_attempt=False)


def _percent(backlog: EndpointBacklog, options: DeliveryOptions, now_ms: int) -> float:
    """
    Return how much of what may wait, or of how long it may, is used: whichever is more.
    """
    of_count = backlog.pending / options.max_pending if options.max_pending else 0.0
    of_age = 0.0
    if options.max_pending_age_s and backlog.pending and backlog.oldest_ms is not None:
        of_age = (now_ms - backlog.oldest_ms) / 1000 / options.max_pending_age_s
    return 100 * max(of_count, of_age)
