"""
Server-side request forgery: no special address is reached, by literal, name, redirect or rebinding.

Two witnesses say that nothing was connected.  An egress proxy sees the address of every connection that
relay would make, for ranges nobody can listen in; a server on a closed loopback address sees real ones.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from ipaddress import IPv4Network, ip_address

import pytest

from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.outcome import Delivered, Outcome, TryLater
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Limits, Transport
from relay.sinks.webhook.transport.directory import Resolver
from relay.testing.manual_clock import ManualClock
from tests.sinks.webhook.addresses import CLOSED, EVERYWHERE_V4, LOOPBACK, PUBLIC
from tests.sinks.webhook.connect_proxy import proxying
from tests.sinks.webhook.raw_server import NO_CONTENT, Answer, RawServer, says, serving
from tests.sinks.webhook.test_addresses_dialled import ScriptedNames

STRICT = Guard([], [])
TLS = ssl.create_default_context()
SCOPED = [address for address in CLOSED if "%" in address]  # which no URL can hold
LITERALS = [address for address in CLOSED if address not in SCOPED]
OUTSIDE = "9.9.9.9"
ONLY_FIRST = Guard([IPv4Network("127.0.0.1/32")], [])
INSIDE = "127.0.0.2"
SECRETS = (decode_secret(new_secret()),)
NO_MEMORY = Limits(dns_ttl_s=0)


async def _deliver(transport: Transport, url: str) -> Outcome:
    sink = WebhookSink(EndpointSpec("crm", url, SECRETS, ("*",)), transport, ManualClock(datetime.now(UTC)))
    return await sink.deliver(
        Delivery(
            endpoint_no=1,
            seq=1,
            job=0,
            subject_key=1,
            event_id="evt_one",
            attempt=0,
            occurred_at_ms=0,
            recorded_at_ms=0,
            body=b"{}",
        )
    )


def _blocked(outcome: Outcome) -> str:
    """
    Return what a person reads about a blocked attempt.
    """
    assert isinstance(outcome, TryLater)
    assert "blocked" == outcome.reason
    return outcome.answer.decode()


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


async def test_no_special_address_is_reached_by_literal() -> None:
    async with proxying() as proxy:
        transport = Transport(STRICT, tls=TLS, proxy=proxy.proxy())
        told = [_blocked(await _deliver(transport, f"https://{_host(one)}/")) for one in LITERALS]
        await transport.close()

        assert [] == proxy.asked
        assert [] == [
            address
            for address, words in zip(LITERALS, told, strict=True)
            if str(ip_address(address)) not in words
        ]
        assert [] == [one for one in LITERALS if STRICT.refusal_of_url(f"https://{_host(one)}/") is None]


async def test_no_special_address_is_reached_by_name() -> None:
    async with proxying() as proxy:
        for address in CLOSED:
            names = ScriptedNames([address, *CLOSED[:3]])
            transport = Transport(STRICT, tls=TLS, proxy=proxy.proxy(), resolver=_beside_the_proxy(names))
            assert address in _blocked(await _deliver(transport, "https://hooks.example/"))
            await transport.close()

        assert [] == proxy.asked


async def test_no_special_address_is_reached_by_rebinding() -> None:
    """
    The name is outside when it is first looked up, and inside from then on; kept connections do not help.
    """
    async with serving(says(NO_CONTENT)) as server, proxying(leads_to=server.port) as proxy:
        for address in CLOSED:
            resolver = _beside_the_proxy(ScriptedNames([OUTSIDE], [address]))
            transport = Transport(STRICT, tls=TLS, proxy=proxy.proxy(), resolver=resolver, limits=NO_MEMORY)
            assert Delivered(204) == await _deliver(transport, "http://hooks.example/")
            assert address in _blocked(await _deliver(transport, "http://hooks.example/"))
            await transport.close()

        assert [f"{OUTSIDE}:80"] * len(CLOSED) == proxy.asked
        assert len(CLOSED) == len(server.requests)


async def test_no_special_address_is_reached_by_redirect() -> None:
    async with serving(says(b"")) as server, proxying(leads_to=server.port) as proxy:
        transport = Transport(
            STRICT, proxy=proxy.proxy(), resolver=_beside_the_proxy(ScriptedNames([OUTSIDE]))
        )
        outcomes = []
        for place, address in enumerate(LITERALS):
            server.answer = _redirect((301, 302, 303, 307, 308)[place % 5], f"https://{_host(address)}/")
            outcomes.append(await _deliver(transport, "http://hooks.example/"))
        await transport.close()

        assert {"http_3xx"} == {outcome.reason for outcome in outcomes if isinstance(outcome, TryLater)}
        assert [f"{OUTSIDE}:80"] == proxy.asked
        assert len(LITERALS) == len(server.requests)


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_public_address_is_reached_at_exactly_that_address(address: str) -> None:
    """
    The same witness, so that it is known to see what is connected.
    """
    async with serving(says(NO_CONTENT)) as server, proxying(leads_to=server.port) as proxy:
        transport = Transport(STRICT, tls=TLS, proxy=proxy.proxy())
        assert Delivered(204) == await _deliver(transport, f"http://{_host(address)}/")
        await transport.close()

        assert [f"{_host(str(ip_address(address)))}:80"] == proxy.asked


@pytest.mark.parametrize(
    "host",
    [
        INSIDE, "2130706434", "0x7f000002", "0177.0.0.2", "127.2", "[::ffff:127.0.0.2]", "[64:ff9b::7f00:2]",
        "[2002:7f00:2::]", "[2001:0:7f00:2::1]", "[64:ff9b:1::7f00:2]", "localhost", EVERYWHERE_V4, "[::]",
        "[::1]", "hooks.example",
    ],
)  # fmt: skip
async def test_a_server_inside_sees_no_connection_however_its_address_is_written(host: str) -> None:
    async with serving(says(NO_CONTENT), host=INSIDE) as server:
        transport = Transport(STRICT, tls=TLS, resolver=ScriptedNames([INSIDE, "::ffff:127.0.0.2"]))
        words = _blocked(await _deliver(transport, server.url(host)))
        await transport.close()

        assert (0, True) == (server.connections, "may not be reached" in words)


async def test_a_server_inside_sees_no_connection_after_a_rebinding() -> None:
    async with serving(says(NO_CONTENT)) as outside, _at_the_same_port(outside) as inside:
        transport = Transport(ONLY_FIRST, resolver=ScriptedNames(["127.0.0.1"], [INSIDE]), limits=NO_MEMORY)
        first = await _deliver(transport, outside.url("hooks.example"))
        words = _blocked(await _deliver(transport, outside.url("hooks.example")))
        await transport.close()

        assert (Delivered(204), 1, 0) == (first, outside.connections, inside.connections)
        assert f"{INSIDE} is loopback" in words


async def test_what_was_vetted_is_what_is_dialled_and_the_name_is_asked_for_once() -> None:
    """
    Between the check and the connection there is no second look-up that could answer otherwise.
    """
    async with serving(says(NO_CONTENT)) as outside, _at_the_same_port(outside) as inside:
        names = ScriptedNames(["127.0.0.1"], [INSIDE])
        transport = Transport(ONLY_FIRST, resolver=names)
        outcomes = [await _deliver(transport, outside.url("hooks.example")) for _ in range(3)]
        await transport.close()

        assert [Delivered(204)] * 3 == outcomes
        assert (1, 0) == (len(names.asked), inside.connections)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_server_inside_sees_no_connection_after_a_redirect(status: int) -> None:
    async with serving(says(NO_CONTENT), host=INSIDE) as inside:
        async with serving(_redirect(status, inside.url(INSIDE))) as outside:
            transport = Transport(Guard([LOOPBACK], []))  # even one that it could have dialled
            outcome = await _deliver(transport, outside.url())
            await transport.close()

        assert (TryLater("http_3xx", status), 0) == (outcome, inside.connections)


@pytest.mark.parametrize("is_denied", [True, False], ids=["denied", "listener"])
async def test_what_is_allowed_is_still_closed_where_it_is_denied_or_relays_own(is_denied: bool) -> None:
    async with serving(says(NO_CONTENT)) as server:
        own = [] if is_denied else [("127.0.0.1", server.port)]
        deny = [IPv4Network("127.0.0.0/24")] if is_denied else []
        transport = Transport(Guard([LOOPBACK], own, deny), resolver=ScriptedNames(["::ffff:127.0.0.1"]))
        for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "hooks.example"):
            _blocked(await _deliver(transport, server.url(host)))
        await transport.close()

        assert 0 == server.connections


def _redirect(status: int, location: str) -> Answer:
    return says(
        b"HTTP/1.1 %d Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location.encode())
    )


def _at_the_same_port(outside: RawServer) -> AbstractAsyncContextManager[RawServer]:
    return serving(says(NO_CONTENT), host=INSIDE, port=outside.port)


def _beside_the_proxy(names: ScriptedNames) -> Resolver:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "127.0.0.1" else await names(host, port)

    return resolve
