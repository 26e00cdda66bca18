"""
A journal on a real file, and the loops around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from relay.journal.port import Append, Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.clock import Clock
from relay.pipeline.deliver import Deliver, WebhookEndpoint
from relay.pipeline.hand_on import HandOn
from relay.sinks.port import DeliverySink
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import ManualClock
from tests.journal.making import IDS, NOW, endpoint_spec


@dataclass
class Delivering:
    """
    A running deliver loop on a journal; `append` writes and wakes it, as polling does.
    """

    journal: SqlJournal
    deliver: Deliver
    metrics: Metrics
    hand_on: HandOn
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    appended: list[Appended] = field(default_factory=list)

    async def append(self, change: Append) -> Appended:
        """
        Append and hand over, in one step.
        """
        appended = await self.journal.append(change)
        self.hand_on(appended)
        return appended

    def took(self, change: Appended) -> None:
        """
        Remember what delivering itself appended.
        """
        self.appended.append(change)
        self.hand_on(change)

    async def settled(self, timeout_s: float = 10.0) -> None:
        """
        Return once the journal holds no pending delivery.
        """
        async with asyncio.timeout(timeout_s):
            while (await self.journal.stats()).pending:  # noqa: ASYNC110 - the journal has no event for it
                await asyncio.sleep(0)


Start = Callable[..., AsyncIterator[Delivering]]


@asynccontextmanager
async def delivering(
    path: Path,
    sinks: dict[str, DeliverySink],
    clock: Clock | None = None,
    next_delay_s: Callable[[int], float | None] = lambda attempts: 0.01,
    max_in_flight: int = 64,
) -> AsyncIterator[Delivering]:
    """
    Open the journal and deliver to some sinks until left.
    """
    metrics, clock = Metrics(CollectorRegistry()), clock or SystemClock()
    async with open_sqlite(path, "tests", NOW) as journal:
        deliver = Deliver(journal, clock, metrics, IDS, grace_s=1.0)
        running = Delivering(journal, deliver, metrics, HandOn(deliver, None, metrics))
        specs = [
            (replace(endpoint_spec(name), max_in_flight=max_in_flight), sink) for name, sink in sinks.items()
        ]
        await deliver.start([WebhookEndpoint(spec, sink, next_delay_s) for spec, sink in specs], running.took)
        task = asyncio.create_task(deliver.run(running.stop))
        try:
            yield running
        finally:
            running.stop.set()
            await task


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    """
    Give the path of a journal that does not exist yet.
    """
    return tmp_path / "relay.db"


@pytest.fixture
def clock() -> ManualClock:
    """
    Give a clock that stands still.
    """
    return ManualClock()
