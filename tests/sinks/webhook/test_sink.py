"""
The sink as a whole, against a real web server that verifies signatures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook

from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.outcome import Delivered, GiveUp, TryLater
from relay.sinks.port import DeliverySink
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.testing.manual_clock import ManualClock
from relay.version import __version__
from tests.sinks.webhook.raw_server import says, serving

SECRET = new_secret()
BODY = '{"specversion":"1.0","data":{"agent_name":"Zoë"}}'.encode()


class Receiver:
    """
    Answers as told; keeps the requests whose signature the official library accepts.
    """

    def __init__(self) -> None:
        self.status = 204
        self.headers: dict[str, str] = {}
        self.seen: list[tuple[dict[str, str], bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        """
        Verify and answer.
        """
        body = await request.read()
        Webhook(SECRET).verify(body, dict(request.headers))  # raises, and so answers 500, if it is not ours
        self.seen.append(({name.lower(): value for name, value in request.headers.items()}, body))
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
def receiver() -> Receiver:
    """
    Give a receiver that takes everything until told otherwise.
    """
    return Receiver()


@pytest.fixture
async def url(receiver: Receiver) -> AsyncIterator[str]:
    """
    Give the URL of the running receiver.
    """
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook?team=crm"))


@pytest.fixture
def clock() -> ManualClock:
    """
    Give a clock that stands at the present, since receivers refuse old signatures.
    """
    return ManualClock(datetime.now(UTC).replace(microsecond=0))


def _spec(url: str, timeout_s: float = 10.0) -> EndpointSpec:
    return EndpointSpec("crm", url, (decode_secret(SECRET),), ("*",), timeout_s=timeout_s)


def _delivery(event_id: str = "evt_one", job: int = 0) -> Delivery:
    return Delivery(
        endpoint_no=1,
        seq=1,
        job=job,
        subject_key=1,
        event_id=event_id,
        attempt=0,
        occurred_at_ms=0,
        recorded_at_ms=0,
        body=BODY,
    )


async def test_an_event_arrives_signed_and_whole(
    receiver: Receiver, url: str, transport: Transport, clock: ManualClock
) -> None:
    sink: DeliverySink = WebhookSink(_spec(url), transport, clock)

    outcome = await sink.deliver(_delivery())

    headers, body = receiver.seen[0]
    del headers["webhook-signature"]  # verified by the receiver
    assert Delivered(204) == outcome
    assert BODY == body
    assert {
        "host": url.split("/")[2],
        "user-agent": f"relay/{__version__}",
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": "evt_one",
        "webhook-timestamp": str(int(clock.now().timestamp())),
        "content-length": str(len(BODY)),
    } == headers


async def test_every_attempt_keeps_the_id_and_has_its_own_time(
    receiver: Receiver, url: str, transport: Transport, clock: ManualClock
) -> None:
    sink = WebhookSink(_spec(url), transport, clock)
    start_s = int(clock.now().timestamp())

    await sink.deliver(_delivery())
    clock.advance(7)
    await sink.deliver(_delivery())

    assert [("evt_one", str(start_s)), ("evt_one", str(start_s + 7))] == [
        (headers["webhook-id"], headers["webhook-timestamp"]) for headers, _ in receiver.seen
    ]


async def test_a_replay_says_so(
    receiver: Receiver, url: str, transport: Transport, clock: ManualClock
) -> None:
    sink = WebhookSink(_spec(url), transport, clock)

    await sink.deliver(_delivery(job=12))
    await sink.deliver(_delivery(job=0))

    assert ["12", None] == [headers.get("relay-replay") for headers, _ in receiver.seen]


async def test_many_deliveries_at_once_all_arrive_once(
    receiver: Receiver, url: str, transport: Transport, clock: ManualClock
) -> None:
    sink = WebhookSink(_spec(url), transport, clock)

    outcomes = await asyncio.gather(*(sink.deliver(_delivery(f"evt_{number}")) for number in range(200)))

    assert [Delivered(204)] * 200 == outcomes
    assert sorted(f"evt_{number}" for number in range(200)) == sorted(
        headers["webhook-id"] for headers, _ in receiver.seen
    )


async def test_the_answer_becomes_the_outcome(
    receiver: Receiver, url: str, transport: Transport, clock: ManualClock
) -> None:
    sink = WebhookSink(_spec(url), transport, clock)
    receiver.status, receiver.headers = 429, {"Retry-After": "30"}
    throttled = await sink.deliver(_delivery())
    receiver.status, receiver.headers = 410, {}
    gone = await sink.deliver(_delivery())

    assert TryLater("http_429", 429, not_before=clock.now() + timedelta(seconds=30)) == throttled
    assert GiveUp("http_410", 410) == gone


async def test_a_redirect_is_not_followed(
    receiver: Receiver, url: str, transport: Transport, clock: ManualClock
) -> None:
    sink = WebhookSink(_spec(url), transport, clock)
    receiver.status, receiver.headers = 307, {"Location": url}

    outcome = await sink.deliver(_delivery())

    assert TryLater("http_3xx", 307) == outcome
    assert 1 == len(receiver.seen)


async def test_no_answer_is_tried_later_with_its_reason(transport: Transport, clock: ManualClock) -> None:
    async with serving(says(b"")) as silent, serving(says(b"SSH-2.0-x\r\n")) as garbled:
        outcomes = [
            await WebhookSink(_spec(server.url(), timeout_s=0.5), transport, clock).deliver(_delivery())
            for server in (silent, garbled)
        ]
        outcomes.append(await WebhookSink(_spec("http://10.0.0.1/"), transport, clock).deliver(_delivery()))

    later = [outcome for outcome in outcomes if isinstance(outcome, TryLater)]
    assert ["timeout", "protocol", "blocked"] == [outcome.reason for outcome in later]
    assert b"10.0.0.1" in later[-1].answer


@pytest.mark.parametrize("url", ["", "ftp://x.example/", "https://user@x.example/"])
async def test_an_endpoint_that_cannot_work_is_refused_when_it_is_made(
    guard: Guard, clock: ManualClock, url: str
) -> None:
    with pytest.raises(ValueError, match="URL"):
        WebhookSink(_spec(url), Transport(guard), clock)
