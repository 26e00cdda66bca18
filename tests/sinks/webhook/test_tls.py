"""
Certificates are verified, for the name in the URL, and the name is sent in the handshake.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Transport
from tests.sinks.webhook.raw_server import DEADLINE_S, NO_CONTENT, says, says_and_closes, serving

AUTHORITY = trustme.CA()


async def _here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def _trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def _server_tls(*names: str, authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def test_a_certificate_for_the_name_is_accepted_and_its_connection_kept(guard: Guard) -> None:
    tls = _server_tls("hooks.example")
    names_seen: list[str | None] = []
    tls.sni_callback = lambda sock, name, context: names_seen.append(name)
    transport = Transport(guard, tls=_trusting(AUTHORITY), resolver=_here)
    async with serving(says(NO_CONTENT), tls) as server:
        for _ in range(3):
            reply = await transport.post(
                server.target("hooks.example", "https"), (), b"{}", timeout_s=DEADLINE_S
            )
        await transport.close()

        assert (204, 1, 3) == (reply.status, server.connections, len(server.requests))
        assert ["hooks.example"] == names_seen


@pytest.mark.parametrize("host", ["127.0.0.1", "hooks.example."], ids=["address", "final dot"])
async def test_the_certificate_may_be_for_an_address_or_a_name_written_with_a_final_dot(
    guard: Guard, host: str
) -> None:
    transport = Transport(guard, tls=_trusting(AUTHORITY), resolver=_here)
    async with serving(says(NO_CONTENT), _server_tls("127.0.0.1", "hooks.example")) as server:
        reply = await transport.post(server.target(host, "https"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert 204 == reply.status


async def test_a_certificate_for_another_name_is_refused_before_anything_is_sent(guard: Guard) -> None:
    transport = Transport(guard, tls=_trusting(AUTHORITY), resolver=_here)
    async with serving(says(NO_CONTENT), _server_tls("other.example")) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target("hooks.example", "https"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert ("tls", []) == (failure.value.reason, server.requests)


async def test_a_certificate_of_an_unknown_authority_is_refused_by_default(guard: Guard) -> None:
    transport = Transport(guard, resolver=_here)
    async with serving(says(NO_CONTENT), _server_tls("hooks.example")) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target("hooks.example", "https"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert ("tls", []) == (failure.value.reason, server.requests)


async def test_a_self_signed_certificate_is_refused(guard: Guard, tmp_path: Path) -> None:
    """
    The certificate of an authority nobody trusts, used as a server's own, is signed by itself.
    """
    stranger = trustme.CA()
    pem = tmp_path / "self-signed.pem"
    pem.write_bytes(stranger.private_key_pem.bytes() + stranger.cert_pem.bytes())
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    transport = Transport(guard, tls=_trusting(AUTHORITY), resolver=_here)
    async with serving(says(NO_CONTENT), tls) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target("hooks.example", "https"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert ("tls", []) == (failure.value.reason, server.requests)


async def test_a_server_that_speaks_no_tls_is_a_tls_failure(guard: Guard) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    transport = Transport(guard, tls=_trusting(AUTHORITY), resolver=_here)
    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server, serving(says(NO_CONTENT)) as raw:
        raw.port = server.sockets[0].getsockname()[1]
        with pytest.raises(TransportError) as failure:
            await transport.post(raw.target("hooks.example", "https"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

    assert "tls" == failure.value.reason


async def test_an_answer_without_a_length_ends_with_the_tls_session(guard: Guard) -> None:
    transport = Transport(guard, tls=_trusting(AUTHORITY), resolver=_here)
    answer = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
    async with serving(says_and_closes(answer), _server_tls("hooks.example")) as server:
        reply = await transport.post(server.target("hooks.example", "https"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert (200, b"until the end") == (reply.status, reply.body)
