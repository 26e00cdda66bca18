"""
Housekeeping: what must be done now and then, and the gauges that show how things stand.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from relay.journal.port import KEEP_REPLIES, HousekeepingJournal
from relay.model.clock import Clock
from relay.model.endpoint import ENDPOINT_STATES
from relay.model.errors import JournalBusy
from relay.pipeline.waiting import pause
from relay.telemetry.health import Health
from relay.telemetry.metrics import Metrics

EVERY_S: Final = 5.0
KEEP_SENDS: Final = timedelta(days=1)
KEEP_HEAD_READS: Final = timedelta(days=1)  # the others prove the same, and more
KEEP_READS: Final = timedelta(days=31)
KEEP_STATE: Final = timedelta(days=400)  # of what people asked for, and of what passes
KEEP_LOADING: Final = timedelta(hours=1)  # a bulk job whose rows have not come in by then never will
DISCARD_AT_ONCE: Final = 1_000
LAG_PROBE_S: Final = 0.5


class Housekeeping:
    """
    Sets the journal's gauges and clears away what is over; `publication` names the Kafka cursor.
    """

    name = "housekeeping"

    def __init__(
        self,
        journal: HousekeepingJournal,
        clock: Clock,
        metrics: Metrics,
        health: Health,
        publication: str | None,
    ) -> None:
        self._journal = journal
        self._health = health
        self._publication = publication
        self._clock = clock
        self._metrics = metrics

    async def run(self, stop: asyncio.Event) -> None:
        """
        Keep house until told to stop.
        """
        while not stop.is_set():
            try:
                await self.step()
                await self.clear(stop)
                self._health.set("journal", ok=True)
            except JournalBusy as error:
                self._health.set("journal", ok=False, reason=str(error))
                self._metrics.journal_errors.labels("housekeeping", "busy").inc()
            await pause(self._clock, EVERY_S, stop)

    async def step(self) -> None:
        """
        Set the gauges.
        """
        metrics, stats = self._metrics, await self._journal.stats()
        metrics.journal_last_seq.set(stats.last_seq)
        metrics.journal_stored_events.set(stats.events)
        metrics.journal_size_bytes.set(stats.size_bytes)
        metrics.journal_wal_bytes.set(stats.wal_bytes)
        oldest = stats.oldest_event_at.timestamp() if stats.oldest_event_at else 0
        metrics.journal_oldest_event_timestamp_seconds.set(oldest)
        metrics.sink_pending_events.labels("webhook").set(stats.pending)
        pending = stats.oldest_pending_at.timestamp() if stats.oldest_pending_at else 0
        metrics.sink_oldest_pending_timestamp_seconds.labels("webhook").set(pending)
        for state in ENDPOINT_STATES:
            metrics.endpoints.labels(state).set(stats.endpoints.get(state, 0))
        if self._publication is not None:
            backlog = await self._journal.backlog(self._publication)
            metrics.sink_pending_events.labels("kafka").set(backlog.events)
            oldest = backlog.oldest_at.timestamp() if backlog.oldest_at else 0
            metrics.sink_oldest_pending_timestamp_seconds.labels("kafka").set(oldest)

    async def clear(self, stop: asyncio.Event) -> None:
        """
        Forget old budget reservations, reads, replies, commands and subjects, and discard what waits for
        deleted endpoints.

        In small steps, so that nobody waits long for the journal; once told to stop the rest is left for
        the next start.
        """
        journal, now = self._journal, self._clock.now()
        await journal.forget_sends(now - KEEP_SENDS)
        while not stop.is_set() and await journal.forget_reads(now - KEEP_HEAD_READS, now - KEEP_READS):
            pass
        is_more = True
        while is_more and not stop.is_set():
            forgotten = await journal.forget_replies(now - KEEP_REPLIES)
            discarded = await journal.discard_of_deleted(DISCARD_AT_ONCE, now)
            is_more = forgotten + discarded + await self._forget_state() > 0

    async def _forget_state(self) -> int:
        """
        Forget some of the old commands, bulk jobs and subjects; return how many.
        """
        journal, now = self._journal, self._clock.now()
        before = now - KEEP_STATE
        commands = await journal.forget_commands(before)
        bulks = await journal.forget_bulks(before, now - KEEP_LOADING)
        return commands + bulks + await journal.forget_subjects(before)


class LoopLag:
    """
    Measures how late the event loop wakes up: nothing may hold it for more than 20 ms (I10).
    """

    name = "loop lag"

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics

    async def run(self, stop: asyncio.Event) -> None:
        """
        Measure until told to stop.
        """
        while not stop.is_set():
            started = self._clock.monotonic()
            await pause(self._clock, LAG_PROBE_S, stop)
            late_s = self._clock.monotonic() - started - LAG_PROBE_S
            self._metrics.event_loop_lag_seconds.observe(max(late_s, 0.0))
