"""
Mutual TLS: who relay is to an endpoint, and that connections are never shared between identities.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
import trustme

from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.errors import TransportError
from relay.model.outcome import Delivered, TryLater
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.target import Target
from relay.testing.manual_clock import ManualClock
from tests.sinks.webhook.connect_proxy import proxying
from tests.sinks.webhook.raw_server import DEADLINE_S, NO_CONTENT, Request, serving

AUTHORITY = trustme.CA()
NAMES = ("crm", "erp")


class Seen:
    """
    Answers everything with 204 and keeps whom the server saw on each connection, in the order of requests.
    """

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """
        Note the certificate that the client showed.
        """
        certificate = writer.get_extra_info("peercert") or {}
        self.shown.append(next((name for _, name in certificate.get("subjectAltName", ())), ""))
        writer.write(NO_CONTENT)


def _server_tls(mode: ssl.VerifyMode) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("hooks.example").configure_cert(context)
    AUTHORITY.configure_trust(context)
    context.verify_mode = mode
    return context


def _client_tls(name: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if name:
        AUTHORITY.issue_cert(f"{name}.example").configure_cert(context)
    return context


async def _here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def transport(guard: Guard) -> AsyncIterator[Transport]:
    """
    Give a transport that can show two certificates.
    """
    client_tls = {name: _client_tls(name) for name in NAMES}
    transport = Transport(guard, tls=_client_tls(), client_tls=client_tls, resolver=_here)
    yield transport
    await transport.close()


async def test_each_identity_has_connections_of_its_own(transport: Transport) -> None:
    seen = Seen()
    async with serving(seen.answer, _server_tls(ssl.CERT_OPTIONAL)) as server:
        url = server.url("hooks.example", "https")
        for name in ("crm", "erp", "", "crm", "erp", ""):
            await transport.post(Target.of_url(url, name), (), b"{}", timeout_s=DEADLINE_S)

        assert ["crm.example", "erp.example", ""] * 2 == seen.shown
        assert [1, 2, 3] * 2 == [request.connection for request in server.requests]


async def test_a_server_that_misses_a_certificate_says_so_and_that_is_a_tls_failure(
    transport: Transport,
) -> None:
    """
    In TLS 1.3 its alert comes after the handshake, when the request has been written (RFC 8446, 4.4.2.4).
    """

    def refuse(listener: socket.socket) -> str:
        connection, _ = listener.accept()
        tls = _server_tls(ssl.CERT_REQUIRED)
        with tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as refused:
            with pytest.raises(ssl.SSLError) as missed:
                refused.do_handshake()
            while socket.socket.recv(refused, 65_536):  # closed with bytes unread, it would reset instead
                pass
        return missed.value.reason

    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = asyncio.get_running_loop().run_in_executor(None, refuse, listener)
        url = f"https://hooks.example:{listener.getsockname()[1]}/"
        with pytest.raises(TransportError) as failure:
            await transport.post(Target.of_url(url), (), b"{}", timeout_s=DEADLINE_S)

        assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" == await refusing
        assert "tls" == failure.value.reason
        assert "certificate required" in str(failure.value).lower().replace("_", " ")


async def test_a_name_that_is_no_longer_there_connects_nowhere(transport: Transport) -> None:
    seen = Seen()
    async with serving(seen.answer, _server_tls(ssl.CERT_OPTIONAL)) as server:
        target = Target.of_url(server.url("hooks.example", "https"), "gone")
        with pytest.raises(TransportError, match=r"webhooks\.client_certificates has no `gone`") as failure:
            await transport.post(target, (), b"{}", timeout_s=DEADLINE_S)

        assert ("tls", 0) == (failure.value.reason, server.connections)


async def test_the_certificate_is_shown_inside_a_tunnel_too(guard: Guard) -> None:
    seen = Seen()
    async with serving(seen.answer, _server_tls(ssl.CERT_REQUIRED)) as server, proxying() as proxy:
        proxy.leads_to = server.port
        client_tls = {"crm": _client_tls("crm")}
        transport = Transport(guard, client_tls=client_tls, proxy=proxy.proxy(), resolver=_here)
        target = Target.of_url(server.url("hooks.example", "https"), "crm")
        reply = await transport.post(target, (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert (204, ["crm.example"], 1) == (reply.status, seen.shown, len(proxy.asked))


async def test_an_endpoint_shows_the_one_that_its_options_name(transport: Transport) -> None:
    seen, clock = Seen(), ManualClock(datetime.now(UTC))
    secrets = (decode_secret(new_secret()),)
    async with serving(seen.answer, _server_tls(ssl.CERT_REQUIRED)) as server:
        url = server.url("hooks.example", "https")
        outcomes = []
        for name in ("erp", ""):
            options = DeliveryOptions(client_certificate=name)
            spec = EndpointSpec("crm", url, secrets, ("*",), options=options)
            outcomes.append(await WebhookSink(spec, transport, clock).deliver(_delivery()))

        assert (Delivered(204), ["erp.example"]) == (outcomes[0], seen.shown)
        assert isinstance(outcomes[1], TryLater)


def _delivery() -> Delivery:
    return Delivery(
        endpoint_no=1, seq=1, job=0, subject_key=1, event_id="evt_one", attempt=0, occurred_at_ms=0,
        recorded_at_ms=0, body=b"{}",
    )  # fmt: skip
