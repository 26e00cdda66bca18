"""
Connections reset at every byte of an exchange: a truthful outcome, nothing sent twice, nothing left open.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import pytest
import trustme

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.target import Target
from tests.sinks.webhook.cutting import cutting
from tests.sinks.webhook.raw_server import DEADLINE_S, says, says_and_closes, serving, until

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n"
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"
WITHOUT_LENGTH = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"
BODY = b"{}" * 20


async def _here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def _outcome(transport: Transport, target: Target) -> str:
    """
    Make one attempt over a fresh connection; return the status or the reason there is none.
    """
    try:
        reply = await transport.post(target, (), BODY, timeout_s=DEADLINE_S)
    except TransportError as error:
        return error.reason
    finally:
        await until(lambda: transport.open_connections == 0)
    return str(reply.status)


@pytest.mark.parametrize("answer", [CHUNKED, WITH_LENGTH], ids=["chunked", "length"])
async def test_an_answer_reset_before_its_last_byte_is_none(transport: Transport, answer: bytes) -> None:
    async with serving(says(answer)) as server, cutting(server.port) as road:
        target = Target.of_url(f"http://127.0.0.1:{road.port}/hook")
        outcomes = []
        for road.to_client in range(len(answer) + 1):
            outcomes.append(await _outcome(transport, target))

        assert ["disconnected"] * len(answer) + ["200"] == outcomes
        senders = [request.connection for request in server.requests]
        assert (len(set(senders)), len(outcomes)) == (len(senders), road.cut)


async def test_an_answer_without_a_length_is_never_whole_where_it_ends_in_a_reset(
    transport: Transport,
) -> None:
    async with serving(says_and_closes(WITHOUT_LENGTH)) as server, cutting(server.port) as road:
        target = Target.of_url(f"http://127.0.0.1:{road.port}/hook")
        outcomes = []
        for road.to_client in range(len(WITHOUT_LENGTH) + 1):
            outcomes.append(await _outcome(transport, target))

        assert ["disconnected"] * len(outcomes) == outcomes


async def test_a_request_reset_before_its_last_byte_never_arrives_and_is_not_repeated(
    transport: Transport,
) -> None:
    async with serving(says(WITH_LENGTH)) as server, cutting(server.port) as road:
        target = Target.of_url(f"http://127.0.0.1:{road.port}/hook")
        size = len(target.request_start) + len(b"content-length: 40\r\n\r\n") + len(BODY)
        outcomes = []
        for road.to_server in range(size):
            outcomes.append(await _outcome(transport, target))
        arrived = len(server.requests)
        road.to_server = None
        await transport.post(target, (), BODY, timeout_s=DEADLINE_S)

        assert (["disconnected"] * size, 0) == (outcomes, arrived)
        assert [BODY] == [request.body for request in server.requests]


async def test_tls_reset_anywhere_is_a_lost_connection_or_a_tls_failure(guard: Guard) -> None:
    authority, server_tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example").configure_cert(server_tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    transport = Transport(guard, tls=trusting, resolver=_here)
    async with serving(says(WITH_LENGTH), server_tls) as server, cutting(server.port) as road:
        target = Target.of_url(f"https://hooks.example:{road.port}/hook")
        outcomes = set()
        for road.to_client in range(0, 600, 41):  # in the handshake
            outcomes.add(await _outcome(transport, target))
        road.to_client = None
        for road.to_server in range(0, 600, 41):  # before the request is out
            outcomes.add(await _outcome(transport, target))
        road.to_server = None
        reply = await transport.post(target, (), BODY, timeout_s=DEADLINE_S)
        await transport.close()

        assert outcomes <= {"tls", "disconnected"}
        assert (200, 1) == (reply.status, len(server.requests))
