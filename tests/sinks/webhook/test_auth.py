"""
What receivers ask for besides signatures, at a real server.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.endpoint_auth import EndpointAuth
from relay.model.outcome import Outcome, TryLater
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.testing.manual_clock import ManualClock

DELIVERY = Delivery(1, 1, 0, 1, "evt_one", 0, 0, 0, b"{}")
SPEC = EndpointSpec("crm", "https://crm.example.com/", (b"s" * 24,), ("*",))
CLOCK = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))


async def arrived(transport: Transport, auth: EndpointAuth) -> tuple[list[tuple[str, str]], Outcome]:
    """
    Deliver once to a server that says back all it was sent; return the headers that arrived, and the outcome.
    """
    seen: list[tuple[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        seen.extend(request.headers.items())
        said = "\n".join(f"{name}: {value}" for name, value in seen)
        return web.Response(status=401, text=said)

    app = web.Application()
    app.router.add_post("/", take)
    async with TestServer(app) as server:
        spec = replace(SPEC, url=str(server.make_url("/")), auth=auth)
        outcome = await WebhookSink(spec, transport, CLOCK).deliver(DELIVERY)
    return seen, outcome


async def test_static_headers_and_a_bearer_token_arrive(transport: Transport) -> None:
    auth = EndpointAuth((("X-Token", "t0ken value"), ("X-Tenant", "acme")), "b.e-arer")

    headers, _ = await arrived(transport, auth)

    names = ("x-token", "x-tenant", "authorization")
    sent = {name.lower(): value for name, value in headers}
    assert ["t0ken value", "acme", "Bearer b.e-arer"] == [sent[name] for name in names]
    assert len(sent) == len(headers)


async def test_user_and_password_arrive_in_utf_8(transport: Transport) -> None:
    headers, _ = await arrived(transport, EndpointAuth(basic=("zoë", "pass:word")))

    assert "Basic " + b64encode("zoë:pass:word".encode()).decode() == dict(headers)["Authorization"]


async def test_what_a_receiver_says_back_is_taken_out_of_its_answer(transport: Transport) -> None:
    auth = EndpointAuth((("X-Token", "t0ken-value"),), basic=("relay", "pa55word"))

    _, outcome = await arrived(transport, auth)

    assert isinstance(outcome, TryLater)
    assert b"***" in outcome.answer
    for secret in (b"t0ken-value", b"pa55word", b64encode(b"relay:pa55word")):
        assert secret not in outcome.answer


async def test_what_cannot_be_opened_is_not_left_out(guard: Guard) -> None:
    with pytest.raises(ValueError, match="cannot be opened"):
        WebhookSink(replace(SPEC, auth=EndpointAuth(is_lost=True)), Transport(guard), CLOCK)


def test_python_prints_names_and_no_values() -> None:
    printed = repr(EndpointAuth((("X-Token", "t0ken-value"),), "bearer-token", ("user", "pa55word")))

    assert "EndpointAuth(is_lost=False)" == printed
