"""
A journal on a real file, and the loops around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from relay.journal.port import Append, Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.clock import Clock
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import EndpointSpec
from relay.pipeline.deliver import Deliver
from relay.pipeline.hand_on import HandOn
from relay.pipeline.lane_context import WebhookEndpoint
from relay.pipeline.waiting import handed_on
from relay.sinks.port import DeliverySink
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import ManualClock
from tests.journal.making import IDS, NOW, endpoint_spec
from tests.pipeline.polling import CallList


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
    opened: list[EndpointSpec] = field(default_factory=list)
    loop: asyncio.Task[None] = field(init=False)

    @property
    def told(self) -> list[str]:
        """
        Return the types of the events that delivering itself appended.
        """
        return [event.type for appended in self.appended for event in appended.events]

    async def create(self, spec: EndpointSpec) -> None:
        """
        Register an endpoint as REST does, and have the loop follow.
        """
        await self.journal.registry.create_endpoint(spec, lambda _: b"", NOW, None)
        await self.deliver.refresh()

    async def append(self, change: Append) -> Appended:
        """
        Append and hand over, in one step.
        """
        return await handed_on(self.journal.append(change), self.hand_on)

    def took(self, change: Appended) -> None:
        """
        Remember what delivering itself appended.
        """
        self.appended.append(change)
        self.hand_on(change)

    async def settled(self, timeout_s: float = 10.0, pending: int = 0) -> None:
        """
        Return once the journal holds no pending delivery, or just so many, and what became of the others was
        counted.
        """
        async with asyncio.timeout(timeout_s):
            while (await self.journal.stats()).pending != pending:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0)
            await self.deliver._settler.flushed()  # and counted

    async def until_told(self, event_type: str, timeout_s: float = 10.0) -> None:
        """
        Return once delivering itself has appended an event of a type.
        """
        async with asyncio.timeout(timeout_s):
            while event_type not in self.told:  # noqa: ASYNC110 - nothing else says so
                await asyncio.sleep(0)


Start = Callable[..., AsyncIterator[Delivering]]


@asynccontextmanager
async def delivering(
    path: Path,
    sinks: Mapping[str, DeliverySink],
    clock: Clock | None = None,
    next_delay_s: Callable[[int], float | None] = lambda attempts: 0.01,
    max_in_flight: int = 64,
    of_file: Sequence[str] | None = None,
    open_sink: Callable[[EndpointSpec], DeliverySink] | None = None,
    journal_class: type[SqlJournal] = SqlJournal,
    options: DeliveryOptions | None = None,
    follow_rate: Callable[[Callable[[float | None], None]], None] = lambda tell: tell(None),
) -> AsyncIterator[Delivering]:
    """
    Open the journal and deliver to some sinks until left.

    Args:
        path: of the journal.
        sinks: by the id of their endpoint.
        clock: the system's, unless another is given.
        next_delay_s: of all endpoints.
        max_in_flight: of the endpoints of the configuration file.
        of_file: which endpoints are in the configuration file; all that have a sink, unless said otherwise.
        open_sink: makes the sink of an endpoint where its id alone does not say which it is.
        journal_class: what stands for the journal.
        options: of the endpoints of the configuration file.
        follow_rate: has somebody told of the rate that the receivers allow.
    """
    metrics, clock = Metrics(CollectorRegistry()), clock or SystemClock()
    async with open_sqlite(path, "tests", NOW) as opened:
        journal = journal_class(opened._database, opened.identity, opened._epoch, 0, opened.seal)
        deliver = Deliver(journal, journal.registry, clock, metrics, IDS, grace_s=1.0)
        running = Delivering(journal, deliver, metrics, HandOn(deliver, None, metrics))
        names = sinks if of_file is None else of_file
        wanted = {"max_in_flight": max_in_flight, "options": options or endpoint_spec().options}
        specs = [replace(endpoint_spec(name), **wanted) for name in names]  # type: ignore[arg-type]

        def open_endpoint(spec: EndpointSpec) -> WebhookEndpoint:
            running.opened.append(spec)
            sink = open_sink(spec) if open_sink is not None else sinks[spec.id]
            return WebhookEndpoint(spec, sink, next_delay_s, follow_rate)

        await deliver.start(specs, open_endpoint, running.took)
        running.loop = asyncio.create_task(deliver.run(running.stop))
        try:
            yield running
        finally:
            running.stop.set()
            await running.loop


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


@pytest.fixture
def calls(clock: ManualClock) -> CallList:
    """
    Give a phone system with a call list.
    """
    return CallList(clock)
