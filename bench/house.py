"""
The parts of relay that are measured, put together as `relay.assembly` does: the one place that builds them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from bench.child import BenchFailed
from bench.events import SOURCE
from relay.api.operation import Reach
from relay.api.server import ApiSettings, api_listener
from relay.api.tail import EventTail
from relay.interpreter import tune_interpreter
from relay.journal.port import Append, Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.change import CallChange
from relay.model.endpoint import EndpointSpec
from relay.model.ids import IdMaker
from relay.pipeline.deliver import Deliver
from relay.pipeline.grouping import chunks_of
from relay.pipeline.hand_on import HandOn
from relay.pipeline.lane_context import WebhookEndpoint
from relay.pipeline.publish import Publish
from relay.sinks.kafka.publisher import KafkaPublisher
from relay.sinks.kafka.settings import KafkaSettings
from relay.sinks.webhook.checking import SignatureChecks
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics

STREAM: Final = "user_calls"
SECRET: Final = b"0123456789abcdef01234567"
LOOPBACK: Final = ip_network("127.0.0.0/8")
DONE_EVERY_S: Final = 0.002
RETRY_S: Final = 1.0  # nothing is retried in a good run; a bad one must not end early


@dataclass(frozen=True, slots=True)
class House:
    """
    A journal in a folder of its own, the lanes of some endpoints, and what stands between them.
    """

    journal: SqlJournal
    ids: IdMaker
    clock: SystemClock
    metrics: Metrics
    deliver: Deliver
    publish: Publish | None
    tail: EventTail
    hand_on: HandOn
    endpoint_ids: tuple[str, ...]

    async def append_all(self, changes: Sequence[CallChange]) -> None:
        """
        Append as the poll loop does: whole calls, as many at once as an append may carry, handed on at once;
        while one transaction is written the next is made.
        """
        writing: asyncio.Task[Appended] | None = None
        for calls in chunks_of(changes, lambda: self.journal.max_events_per_append(SOURCE)):
            before, writing = writing, asyncio.create_task(self.append(calls))
            if before is not None:
                await before
        if writing is not None:
            await writing

    async def append(self, calls: tuple[CallChange, ...]) -> Appended:
        """
        Append once, count and hand on.
        """
        started = self.clock.monotonic()
        appended = await self.journal.append(Append(SOURCE, STREAM, self.clock.now(), calls))
        self.metrics.journal_append_duration_seconds.observe(self.clock.monotonic() - started)
        latency = self.metrics.event_ingest_latency_seconds.labels(SOURCE, STREAM)
        latency.observe_many([(one.recorded_at - one.occurred_at).total_seconds() for one in appended.events])
        self.hand_on(appended)
        return appended

    async def all_delivered(self, of_each: int) -> None:
        """
        Return once every endpoint has so many deliveries whose good outcome is durable, and none is pending.

        Raises:
            BenchFailed: not all came at the first attempt.
        """
        for endpoint_id in self.endpoint_ids:
            delivered = self.delivered(endpoint_id)
            while delivered() < of_each:  # noqa: ASYNC110 - a metric, counted behind each commit
                await asyncio.sleep(DONE_EVERY_S)
        if self._bad_attempts():
            raise BenchFailed(f"attempts failed and were made again: {self._bad_attempts()}")
        while (await self.journal.stats()).pending:  # noqa: ASYNC110 - the journal has no event for it
            await asyncio.sleep(DONE_EVERY_S)

    def delivered(self, endpoint_id: str) -> Callable[[], float]:
        """
        Return what tells how many good outcomes of an endpoint are durable.
        """
        metric = self.metrics.deliveries.labels(endpoint_id, "delivered")
        return lambda: _value(metric)

    async def all_published(self, seq: int) -> None:
        """
        Return once Kafka has the events up to `seq`.
        """
        while self.published < seq:  # noqa: ASYNC110 - a metric
            await asyncio.sleep(DONE_EVERY_S)

    def _bad_attempts(self) -> dict[str, float]:
        (family,) = self.metrics.delivery_attempts.collect()
        made = {one.labels["outcome"]: one.value for one in family.samples if one.name.endswith("_total")}
        return {outcome: count for outcome, count in made.items() if outcome != "ok" and count}

    @property
    def published(self) -> int:
        """
        Return the seq of the newest event that Kafka has.
        """
        return int(_value(self.metrics.kafka_cursor_seq))


def _value(metric: Counter | Gauge) -> float:
    # A child's samples are quicker to read than a scrape.
    return next(iter(metric.collect())).samples[0].value


def endpoint(place: int, url: str) -> EndpointSpec:
    """
    Describe an endpoint that wants everything, as relay makes one where nothing else is said.
    """
    return EndpointSpec(f"endpoint{place}", url, (SECRET,), ("*",))


@asynccontextmanager
async def open_house(
    endpoints: Sequence[str | EndpointSpec],
    kafka: KafkaSettings | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    path: Path | None = None,
) -> AsyncIterator[House]:
    """
    Open a journal with some endpoints, those of a URL like all; nothing is delivered until `delivering`.

    The journal is a new one, and thrown away, unless a `path` is given; `tls` is what is trusted.
    """
    transport = Transport(Guard([LOOPBACK], []), tls=tls)
    metrics, clock = Metrics(CollectorRegistry()), SystemClock()
    specs = [endpoint(place, one) if isinstance(one, str) else one for place, one in enumerate(endpoints)]

    def open_endpoint(spec: EndpointSpec) -> WebhookEndpoint:
        return WebhookEndpoint(spec, WebhookSink(spec, transport, clock), lambda _: RETRY_S)

    with TemporaryDirectory(prefix="relay-bench-") as folder:
        async with open_sqlite(path or Path(folder) / "relay.db", "bench", clock.now()) as journal:
            ids = IdMaker(journal.identity.id_key)
            deliver = Deliver(journal, journal.registry, clock, metrics, ids)
            publish = _publish(journal, clock, metrics, kafka) if kafka else None
            tail = EventTail(0)
            hand_on = HandOn(deliver, publish, metrics, tail.move_to)
            await deliver.start(specs, open_endpoint, hand_on)
            names = tuple(spec.id for spec in specs)
            tune_interpreter()
            yield House(journal, ids, clock, metrics, deliver, publish, tail, hand_on, names)
            await transport.close()


@asynccontextmanager
async def delivering(house: House) -> AsyncIterator[None]:
    """
    Deliver inside the block.
    """
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(house.deliver.run(stop), name="deliver")
        try:
            yield
        finally:
            stop.set()


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[str]:
    """
    Serve the API inside the block; give its URL.
    """
    journal, guard, stop = house.journal, Guard([LOOPBACK], []), asyncio.Event()
    reach = Reach(
        journal.registry,
        journal.reading,
        journal.work,
        house.deliver,
        house.clock,
        house.tail,
        guard.refusal_of_url,
        {},
        journal.identity.fingerprint,
        journal.mappings,
        SignatureChecks([]),
    )
    async with api_listener(("127.0.0.1", 0), reach, house.metrics, ApiSettings()) as listener:
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.run(stop), name="api")
            try:
                yield "http://{}:{}".format(*listener.address)
            finally:
                stop.set()


def _publish(journal: SqlJournal, clock: SystemClock, metrics: Metrics, kafka: KafkaSettings) -> Publish:
    publisher = KafkaPublisher(kafka, journal.identity.journal_id, journal.event_id_at)
    return Publish(publisher, journal, kafka.transactional_id, clock, metrics)
