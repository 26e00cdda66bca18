"""
A receiver is asked for its consent before it gets anything, at a real web server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook

from relay.config.webhook_secret import decode_secret, new_secret
from relay.journal.store import open_sqlite
from relay.model.delivery_options import HANDSHAKE_REQUIRE, DeliveryOptions
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.grant import Grant
from relay.model.outcome import Delivered, Outcome, TryLater
from relay.sinks.webhook.handshake import FIRST_ASK_PER_S, Handshake
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.testing.manual_clock import ManualClock

SECRET = new_secret()
ORIGIN = "relay.example.com"


class Book:
    """
    Keeps consents in memory.
    """

    def __init__(self) -> None:
        self.kept: dict[str, Grant] = {}
        self.reads = 0

    async def grant_of(self, endpoint_id: str) -> Grant | None:
        self.reads += 1
        return self.kept.get(endpoint_id)

    async def keep_grant(self, endpoint_id: str, grant: Grant) -> None:
        self.kept[endpoint_id] = grant


class Receiver:
    """
    Answers OPTIONS as told; keeps what it was asked and sent.
    """

    def __init__(self) -> None:
        self.status = 200
        self.allows: dict[str, str] = {"WebHook-Allowed-Origin": ORIGIN}
        self.asked: list[dict[str, str]] = []
        self.sent: list[dict[str, str]] = []
        self.url = ""

    async def options(self, request: web.Request) -> web.Response:
        """
        Say what it allows.
        """
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(status=self.status, headers=self.allows)

    async def take(self, request: web.Request) -> web.Response:
        """
        Verify and take an event.
        """
        Webhook(SECRET).verify(await request.read(), dict(request.headers))
        self.sent.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(status=204)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """
    Give a running receiver that consents.
    """
    receiver, app = Receiver(), web.Application()
    app.router.add_route("OPTIONS", "/hook", receiver.options)
    app.router.add_post("/hook", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook?team=crm"))
        yield receiver


@pytest.fixture
def book() -> Book:
    """
    Give a book without consents.
    """
    return Book()


@pytest.fixture
def clock() -> ManualClock:
    """
    Give a clock that stands at the present, since receivers refuse old signatures.
    """
    return ManualClock(datetime.now(UTC).replace(microsecond=0))


def sink_of(
    url: str,
    transport: Transport,
    book: Book,
    clock: ManualClock,
    rate_per_s: float = 0.0,
    told: list[float | None] | None = None,
) -> WebhookSink:
    """
    Make a sink that requires consent; what rates it tells of are added to `told`.
    """
    options = DeliveryOptions(handshake=HANDSHAKE_REQUIRE, rate_per_s=rate_per_s)
    spec = EndpointSpec("crm", url, (decode_secret(SECRET),), ("*",), timeout_s=5.0, options=options)
    handshake = Handshake(spec, ORIGIN, transport, book, clock)
    if told is not None:
        handshake.follow_rate(told.append)
    return WebhookSink(spec, transport, clock, handshake)


async def deliver(sink: WebhookSink, event_id: str = "evt_one") -> Outcome:
    """
    Make one attempt.
    """
    return await sink.deliver(Delivery(1, 1, 0, 1, event_id, 0, 0, 0, b"{}"))


async def test_consent_is_asked_for_once_and_every_delivery_names_the_sender(
    receiver: Receiver, transport: Transport, book: Book, clock: ManualClock
) -> None:
    sink = sink_of(receiver.url, transport, book, clock)

    outcomes = await asyncio.gather(*(deliver(sink, f"evt_{number}") for number in range(20)))
    outcomes.append(await deliver(sink))

    assert [Delivered(204)] * 21 == outcomes
    assert [ORIGIN] == [headers["webhook-request-origin"] for headers in receiver.asked]
    assert "webhook-request-rate" not in receiver.asked[0]
    assert [ORIGIN] * 21 == [headers["webhook-request-origin"] for headers in receiver.sent]
    assert {"crm": Grant(receiver.url, ORIGIN, None, clock.now())} == book.kept


@pytest.mark.parametrize(
    ("status", "allows"),
    [
        (200, {}),
        (204, {"WebHook-Allowed-Origin": ""}),
        (200, {"WebHook-Allowed-Origin": "other.example.com"}),
        (200, {"WebHook-Allowed-Origin": f"{ORIGIN}, other.example.com"}),
        (405, {"Allow": "POST"}),
        (404, {}),
        (500, {}),
        (302, {"Location": "/hook"}),
        (200, {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "0"}),
        (200, {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "-5"}),
        (200, {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "many"}),
    ],
)
async def test_without_consent_nothing_is_sent(
    receiver: Receiver,
    transport: Transport,
    book: Book,
    clock: ManualClock,
    status: int,
    allows: dict[str, str],
) -> None:
    receiver.status, receiver.allows = status, allows
    sink = sink_of(receiver.url, transport, book, clock)

    outcome = await deliver(sink)

    assert isinstance(outcome, TryLater)
    assert ("no_consent", status) == (outcome.reason, outcome.status)
    assert clock.now() + timedelta(seconds=60) == outcome.not_before
    assert outcome.answer.startswith(b"no consent: ")
    assert ([], {}, 1) == (receiver.sent, book.kept, len(receiver.asked))


@pytest.mark.parametrize(
    ("status", "allows"),
    [
        (405, {"WebHook-Allowed-Origin": ORIGIN}),
        (200, {"WebHook-Allowed-Origin": ORIGIN.upper()}),
        (200, {"WebHook-Allowed-Origin": "*"}),
    ],
)
async def test_consent_is_what_the_header_says_whatever_the_status(
    receiver: Receiver,
    transport: Transport,
    book: Book,
    clock: ManualClock,
    status: int,
    allows: dict[str, str],
) -> None:
    receiver.status, receiver.allows = status, allows

    assert Delivered(204) == await deliver(sink_of(receiver.url, transport, book, clock))


async def test_a_receiver_that_changes_its_mind_is_asked_again(
    receiver: Receiver, transport: Transport, book: Book, clock: ManualClock
) -> None:
    sink = sink_of(receiver.url, transport, book, clock)
    allows, receiver.allows = receiver.allows, {}

    refused = await deliver(sink)
    receiver.allows = allows
    taken = await deliver(sink)

    assert ("no_consent", Delivered(204), 2) == (
        refused.reason if isinstance(refused, TryLater) else None, taken, len(receiver.asked),
    )  # fmt: skip


async def test_a_receiver_that_asks_for_time_is_given_it(
    receiver: Receiver, transport: Transport, book: Book, clock: ManualClock
) -> None:
    receiver.status, receiver.allows = 429, {"Retry-After": "3600"}

    outcome = await deliver(sink_of(receiver.url, transport, book, clock))

    assert isinstance(outcome, TryLater)
    assert clock.now() + timedelta(hours=1) == outcome.not_before


@pytest.mark.parametrize(
    ("wanted_per_s", "asked", "allowed", "granted_per_s"),
    [(2.0, "120", "30", 0.5), (0.001, "1", "*", None), (0.0, None, "600", 10.0), (5.5, "330", None, None)],
)
async def test_the_granted_rate_is_told(
    receiver: Receiver,
    transport: Transport,
    book: Book,
    clock: ManualClock,
    wanted_per_s: float,
    asked: str | None,
    allowed: str | None,
    granted_per_s: float | None,
) -> None:
    if allowed is not None:
        receiver.allows["WebHook-Allowed-Rate"] = allowed
    told: list[float | None] = []

    await deliver(sink_of(receiver.url, transport, book, clock, wanted_per_s, told))

    assert (FIRST_ASK_PER_S, granted_per_s) == (told[0], told[-1])
    assert [asked] == [headers.get("webhook-request-rate") for headers in receiver.asked]


async def test_a_consent_that_is_kept_holds_for_a_day_and_one_address(
    receiver: Receiver, transport: Transport, book: Book, clock: ManualClock
) -> None:
    book.kept["crm"] = Grant(receiver.url, ORIGIN, 60, clock.now() - timedelta(hours=23))
    told: list[float | None] = []
    kept = sink_of(receiver.url, transport, book, clock, told=told)
    elsewhere = sink_of(receiver.url + "&more=1", transport, book, clock)

    outcomes = [await deliver(kept), await deliver(kept)]
    asked = [len(receiver.asked)]
    outcomes.append(await deliver(elsewhere))
    asked.append(len(receiver.asked))
    clock.advance(3600)
    receiver.allows = {}
    late = await deliver(kept)

    assert ([Delivered(204)] * 3, [0, 1], 1.0) == (outcomes, asked, told[-1])
    assert "no_consent" == (late.reason if isinstance(late, TryLater) else None)


async def test_another_sender_has_to_ask_for_itself(
    receiver: Receiver, transport: Transport, book: Book, clock: ManualClock
) -> None:
    book.kept["crm"] = Grant(receiver.url, "other.example.com", None, clock.now())

    await deliver(sink_of(receiver.url, transport, book, clock))

    assert 1 == len(receiver.asked)


async def test_a_receiver_that_can_not_be_asked_is_like_one_that_can_not_be_sent_to(
    transport: Transport, book: Book, clock: ManualClock
) -> None:
    outcome = await deliver(sink_of("http://10.0.0.1/", transport, book, clock))

    assert isinstance(outcome, TryLater)
    assert ("blocked", None) == (outcome.reason, outcome.not_before)


async def test_a_delivery_that_is_cancelled_takes_the_answer_from_no_other(
    receiver: Receiver, transport: Transport, book: Book, clock: ManualClock
) -> None:
    sink = sink_of(receiver.url, transport, book, clock)
    first, second = asyncio.create_task(deliver(sink, "evt_1")), asyncio.create_task(deliver(sink, "evt_2"))
    await asyncio.sleep(0)

    first.cancel()

    assert Delivered(204) == await second
    assert (1, ["evt_2"]) == (len(receiver.asked), [headers["webhook-id"] for headers in receiver.sent])


async def test_the_journal_keeps_the_newest_consent(tmp_path: Path, clock: ManualClock) -> None:
    spec = EndpointSpec("crm", "https://crm.example.com/", (b"s" * 24,), ("*",))
    grant = Grant(spec.url, ORIGIN, 60, clock.now())
    async with open_sqlite(tmp_path / "relay.db", "tests", clock.now()) as journal:
        await journal.sync_endpoints([spec], clock.now())
        before = await journal.grants.grant_of("crm")
        await journal.grants.keep_grant("crm", grant)
        await journal.grants.keep_grant("crm", replace(grant, rate_per_minute=None))
    async with open_sqlite(tmp_path / "relay.db", "tests", clock.now()) as journal:
        after = await journal.grants.grant_of("crm")

    assert (None, replace(grant, rate_per_minute=None)) == (before, after)
