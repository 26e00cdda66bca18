"""
The API on a real journal, with the deliveries beside it, asked over HTTP.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp
import orjson
import pytest
from prometheus_client import CollectorRegistry

from relay.api.admission import ApiKey
from relay.api.operation import OperatingReach, Reach, SourceBudget, SourceSetup
from relay.api.server import ApiListener, ApiSettings, api_listener
from relay.api.tail import EventTail
from relay.journal.port import Append, Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.call import CALL_STREAMS
from relay.model.clock import Clock
from relay.model.endpoint import EndpointSpec
from relay.pipeline.deliver import Deliver
from relay.pipeline.hand_on import HandOn
from relay.pipeline.lane_context import WebhookEndpoint
from relay.pipeline.replays_of_endpoints import ReplaysOfEndpoints
from relay.sinks.webhook.checking import SignatureChecks
from relay.sinks.webhook.guard import Guard
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import IDS, NOW, endpoint_spec

ANY_PORT: Final = ("127.0.0.1", 0)
URL: Final = "https://crm.example.com/hooks"
SECRET: Final = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
OPS: Final = ApiKey("ops", "the key of the ops", ("*",))
NEW: Final = {"id": "crm", "url": URL, "events": ["call.*"]}


@dataclass(frozen=True)
class Answered:
    """
    An answer read whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """
        Return the body, which must be JSON.
        """
        return orjson.loads(self.body)

    @property
    def problem(self) -> tuple[int, str]:
        """
        Return status and kind of what must be a problem document.
        """
        assert "application/problem+json" == self.headers["Content-Type"], self.body
        assert {"type", "title", "status", "detail", "errors"} == self.document.keys()
        assert self.status == self.document["status"]
        return self.status, self.document["type"].removeprefix("urn:relay:problem:")

    @property
    def faulty(self) -> dict[str, str]:
        """
        Return the fields that a problem names, and what is wrong with them.
        """
        return {error["field"]: error["problem"] for error in self.document["errors"]}


@dataclass
class Api:
    """
    A running API and everything behind it.
    """

    journal: SqlJournal
    deliver: Deliver
    sink: RecordingSink
    metrics: Metrics
    hand_on: HandOn
    listener: ApiListener
    client: aiohttp.ClientSession
    stop: asyncio.Event
    reach: Reach
    opened: list[EndpointSpec] = field(default_factory=list)

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """
        Ask for something; a body that is bytes goes out as it is.
        """
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        sent = {**({"Content-Type": "application/json"} if data is not None else {}), **(headers or {})}
        file = None if data is None else io.BytesIO(data)  # what the client wants of large bodies
        async with self.client.request(method, path, data=file, headers=sent) as answer:
            return Answered(answer.status, answer.headers.copy(), await answer.read())

    async def got(self, path: str) -> Any:
        """
        Return what is at a path.
        """
        answer = await self.ask("GET", path)
        assert 200 == answer.status, answer.body
        return answer.document

    async def made(self, **fields: object) -> Any:
        """
        Register an endpoint and return it.
        """
        answer = await self.ask("POST", "/v1/endpoints", {**NEW, **fields})
        assert 201 == answer.status, answer.body
        return answer.document

    async def append(self, change: Append) -> Appended:
        """
        Append and hand on, in one step.
        """
        appended = await self.journal.append(change)
        self.hand_on(appended)
        return appended

    async def settled(self, timeout_s: float = 10.0) -> None:
        """
        Return once the journal holds no pending delivery.
        """
        async with asyncio.timeout(timeout_s):
            while (await self.got("/v1/deliveries?status=pending"))["items"]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)

    def sample(self, name: str, **labels: str) -> float | None:
        """
        Return a sample as a scrape would show it.
        """
        return self.metrics.registry.get_sample_value(name, labels)


def reach_of(
    journal: SqlJournal, deliver: Deliver, clock: Clock, tail: EventTail, replays: ReplaysOfEndpoints
) -> Reach:
    """
    Return what the API of a journal may ask and change.
    """
    zone = ZoneInfo("Australia/Sydney")
    return Reach(
        journal.registry,
        journal.reading,
        journal.work,
        deliver,
        clock,
        tail,
        Guard([], [("127.0.0.1", 8080)]).refusal_of_url,
        {
            "pbx": SourceSetup(SourceBudget(100, 900.0), zone, CALL_STREAMS),
            "dialer": SourceSetup(None, zone, ("past",)),
        },
        journal.identity.fingerprint,
        journal.mappings,
        SignatureChecks([]),
        operating=OperatingReach(journal.operating, replays.wake),
    )


@asynccontextmanager
async def running_api(
    path: Path,
    *,
    listen: tuple[str, int] = ANY_PORT,
    keys: Sequence[ApiKey] = (),
    clock: Clock | None = None,
    of_file: Sequence[str] = (),
    settings: ApiSettings | None = None,
    change_reach: Callable[[Reach], Reach] = lambda reach: reach,
) -> AsyncIterator[Api]:
    """
    Open the journal, deliver, and serve the API until left.

    Args:
        path: of the journal.
        keys: those of the API; none: keyless.
        of_file: ids of endpoints that are in the configuration file.
        change_reach: puts something else behind the API.
    """
    metrics, clock, stop = Metrics(CollectorRegistry()), clock or SystemClock(), asyncio.Event()
    sink = RecordingSink()
    opened: list[EndpointSpec] = []

    def open_endpoint(spec: EndpointSpec) -> WebhookEndpoint:
        opened.append(spec)
        return WebhookEndpoint(spec, sink, lambda attempts: 0.01)

    async with AsyncExitStack() as rooms:
        journal = await rooms.enter_async_context(open_sqlite(path, "tests", NOW))
        await journal.register_source("pbx", "voipcloud", NOW, NOW)
        deliver = Deliver(journal, journal.registry, clock, metrics, IDS, grace_s=1.0)
        tail = EventTail(await journal.reading.last_seq())
        hand_on = HandOn(deliver, None, metrics, tail.move_to)
        await deliver.start([endpoint_spec(name) for name in of_file], open_endpoint, hand_on)
        replays = ReplaysOfEndpoints(journal.operating, deliver.resent, clock, metrics)
        reach = change_reach(reach_of(journal, deliver, clock, tail, replays))
        settings = replace(settings or ApiSettings(), keys=keys)
        listener = await rooms.enter_async_context(api_listener(listen, reach, metrics, settings))
        host, port = listener.address
        client = await rooms.enter_async_context(
            aiohttp.ClientSession(f"http://{host}:{port}", timeout=aiohttp.ClientTimeout(total=20))
        )
        async with asyncio.TaskGroup() as loops:
            loops.create_task(deliver.run(stop))
            loops.create_task(listener.run(stop))
            loops.create_task(replays.run(stop))
            try:
                yield Api(journal, deliver, sink, metrics, hand_on, listener, client, stop, reach, opened)
            finally:
                stop.set()


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    """
    Give the path of a journal that does not exist yet.
    """
    return tmp_path / "relay.db"


@pytest.fixture
async def api(journal_path: Path) -> AsyncIterator[Api]:
    """
    Run the API without keys.
    """
    async with running_api(journal_path) as running:
        yield running
