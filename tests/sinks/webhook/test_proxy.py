"""
Through an egress proxy: every tunnel leads to the address that was vetted, and its refusals have a reason.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Sequence

import pytest
import trustme

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.proxy import Proxy
from relay.sinks.webhook.transport.target import Target
from tests.sinks.webhook.connect_proxy import OPENED, proxying
from tests.sinks.webhook.raw_server import DEADLINE_S, NO_CONTENT, says, serving, until

PUBLIC = ["9.9.9.9", "2620:fe::fe"]
SHORT_S = 0.25
STRICT = Guard([], [])


async def _names(host: str, port: int) -> Sequence[str]:
    """
    Resolve as the tests need it: `proxy.internal` is here, all others are public.
    """
    return ["127.0.0.1"] if host in ("proxy.internal", "127.0.0.1") else PUBLIC


def _transport(proxy: Proxy, tls: ssl.SSLContext | None = None) -> Transport:
    return Transport(STRICT, tls=tls, proxy=proxy, resolver=_names)


async def _failure(transport: Transport, target: Target, timeout_s: float = DEADLINE_S) -> TransportError:
    with pytest.raises(TransportError) as failure:
        await transport.post(target, (), b"{}", timeout_s=timeout_s)
    await transport.close()
    await until(lambda: transport.open_connections == 0)
    return failure.value


async def test_the_tunnel_leads_to_the_vetted_address_and_is_kept() -> None:
    async with serving(says(NO_CONTENT)) as server, proxying(leads_to=server.port) as proxy:
        transport = _transport(proxy.proxy(host="proxy.internal"))
        for _ in range(3):
            reply = await transport.post(
                Target.of_url("http://hooks.example/hook"), (), b"{}", timeout_s=DEADLINE_S
            )
        await transport.close()

        assert (204, ["9.9.9.9:80"], 3) == (reply.status, proxy.asked, len(server.requests))
        assert "POST /hook HTTP/1.1" == server.requests[0].line
        assert [("host", "hooks.example"), ("content-length", "2")] == server.requests[0].headers
        assert [b"CONNECT 9.9.9.9:80 HTTP/1.1\r\nhost: 9.9.9.9:80\r\n\r\n"] == proxy.heads


async def test_tls_is_inside_the_tunnel_with_the_name_of_the_url() -> None:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serving(says(NO_CONTENT), tls) as server, proxying(leads_to=server.port) as proxy:
        transport = _transport(proxy.proxy(), tls=trusting)
        reply = await transport.post(Target.of_url("https://hooks.example/"), (), b"{}", timeout_s=DEADLINE_S)
        error = await _failure(transport, Target.of_url("https://other.example/"))

        assert (204, ["9.9.9.9:443", "9.9.9.9:443", "[2620:fe::fe]:443"]) == (reply.status, proxy.asked)
        assert ("tls", 1) == (error.reason, len(server.requests))


async def test_credentials_are_sent_to_the_proxy_and_to_nobody_else() -> None:
    async with serving(says(NO_CONTENT)) as server, proxying(leads_to=server.port) as proxy:
        transport = _transport(proxy.proxy("relay", "pass:wörd"))
        await transport.post(Target.of_url("http://hooks.example/"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        lines = proxy.heads[0].decode().split("\r\n")
        kind, _, word = lines[2].removeprefix("proxy-authorization: ").partition(" ")
        assert ("Basic", "relay:pass:wörd") == (kind, base64.b64decode(word).decode())
        assert ["host", "content-length"] == [name for name, _ in server.requests[0].headers]
        assert "wörd" not in repr(proxy.proxy("relay", "pass:wörd"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Who is it?\r\nProxy-Authenticate: Basic\r\n\r\n", "407 Who is it?"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope", "403 Forbidden"),
        (b"HTTP/1.0 502\r\n\r\n", "502"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n", "302 Found"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", "503 Busy"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "does not speak HTTP/1.1"),
        (b"HTTP/1.1 200 \x1b[0m\r\n\r\n", "does not speak HTTP/1.1"),
        (b"HTTP/1.1 20\r\n\r\n", "does not speak HTTP/1.1"),
        (OPENED + b"HTTP/1.1 204 No Content\r\n\r\n", "sent bytes ahead of the tunnel"),
        (b"HTTP/1.1 200 OK\r\n", "closed the connection without an answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000, "answered with more than 16384 bytes"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, "answered with more than 16384 bytes"),
    ],
    ids=["407", "403", "502", "302", "503", "no http", "control", "short", "ahead", "cut", "interim", "huge",
         "endless"],
)  # fmt: skip
async def test_a_proxy_that_opens_no_tunnel_is_a_reason_of_its_own(answer: bytes, words: str) -> None:
    async with proxying(answer) as proxy:
        error = await _failure(_transport(proxy.proxy()), Target.of_url("http://hooks.example/"))

        assert "proxy" == error.reason
        assert f"the proxy 127.0.0.1:{proxy.port}" in str(error)
        assert words in str(error)
        assert ["9.9.9.9:80", "[2620:fe::fe]:80"] == proxy.asked


@pytest.mark.parametrize("answer", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\n\r\n"])
async def test_interim_answers_of_the_proxy_are_skipped(answer: bytes) -> None:
    async with serving(says(NO_CONTENT)) as server, proxying(answer + OPENED, server.port) as proxy:
        transport = _transport(proxy.proxy())
        reply = await transport.post(Target.of_url("http://hooks.example/"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert 204 == reply.status


async def test_a_proxy_that_says_nothing_is_the_proxys_fault_and_is_left() -> None:
    async with proxying(b"") as proxy:
        error = await _failure(_transport(proxy.proxy()), Target.of_url("http://hooks.example/"), SHORT_S)

        assert ("proxy", True) == (error.reason, "opened no tunnel to [2620:fe::fe]:80 in time" in str(error))


async def test_a_proxy_that_is_not_there_is_told_and_nothing_goes_round_it(guard: Guard) -> None:
    async with proxying() as proxy:
        gone = proxy.proxy()
    async with serving(says(NO_CONTENT)) as server:
        error = await _failure(Transport(guard, proxy=gone, resolver=_names), server.target())

        assert ("proxy", 0) == (error.reason, server.connections)


async def test_a_proxy_whose_name_has_no_address_is_told() -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        return PUBLIC if host == "hooks.example" else []

    transport = Transport(STRICT, proxy=Proxy("proxy.internal", 3128), resolver=nowhere)
    error = await _failure(transport, Target.of_url("http://hooks.example/"))

    assert ("proxy", True) == (error.reason, "proxy.internal has no address" in str(error))


async def test_closing_gives_up_a_running_look_up_of_the_proxy() -> None:
    asked = asyncio.Event()

    async def never(host: str, port: int) -> Sequence[str]:
        if host == "hooks.example":
            return PUBLIC
        asked.set()
        await asyncio.Event().wait()
        return []

    transport = Transport(STRICT, proxy=Proxy("proxy.internal", 3128), resolver=never)
    target = Target.of_url("http://hooks.example/")
    running = asyncio.create_task(transport.post(target, (), b"{}", timeout_s=DEADLINE_S))
    await asked.wait()
    await transport.close()
    with pytest.raises(TransportError, match="the transport is closed"):
        await running


async def test_a_cancelled_post_leaves_no_tunnel_half_open() -> None:
    ended = asyncio.Event()
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        transport = _transport(Proxy("127.0.0.1", server.sockets[0].getsockname()[1]))
        target = Target.of_url("http://hooks.example/")
        running = asyncio.create_task(transport.post(target, (), b"{}", timeout_s=DEADLINE_S))
        await asked.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.wait_for(ended.wait(), DEADLINE_S)
        await transport.close()

        assert 0 == transport.open_connections


async def test_a_tunnel_whose_other_end_went_while_idle_is_not_used_again() -> None:
    async with proxying() as proxy:
        async with serving(says(NO_CONTENT)) as first:
            proxy.leads_to = first.port
            transport = Transport(STRICT, proxy=proxy.proxy(), resolver=_names)
            await _post(transport)
        await until(lambda: transport.open_connections == 0)
        async with serving(says(NO_CONTENT)) as second:
            proxy.leads_to = second.port
            status = await _post(transport)
            await transport.close()

            assert (204, 2, 1) == (status, len(proxy.asked), len(second.requests))


async def _post(transport: Transport) -> int:
    target = Target.of_url("http://hooks.example/")
    return (await transport.post(target, (), b"{}", timeout_s=DEADLINE_S)).status
