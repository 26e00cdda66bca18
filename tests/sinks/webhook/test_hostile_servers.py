"""
Servers that answer early, too much, too little, without end or against the rules.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Sequence

import pytest
import trustme

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.target import Target
from tests.sinks.webhook.raw_server import DEADLINE_S, NO_CONTENT, Request, says, serving, until

OK = b"HTTP/1.1 200 OK\r\n"
SHORT_S = 0.25
RESET = struct.pack("ii", 1, 0)


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
async def test_an_early_answer_counts_though_the_server_goes_without_reading_the_rest(
    transport: Transport, is_reset: bool
) -> None:
    """
    Closed with bytes unread, the server's system resets the connection behind the answer.
    """
    served = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        if is_reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.close()
        served += 1

    async with await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1_024) as server:
        target = Target.of_url(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        for _ in range(10):
            reply = await transport.post(target, (), b"x" * 5_000_000, timeout_s=DEADLINE_S)
            assert (413, b"no") == (reply.status, reply.body)
        await until(lambda: transport.open_connections == 0)

        assert 10 == served


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["status line", "header", "headers", "interim"],
)
async def test_a_head_that_trickles_in_does_not_extend_the_deadline(
    transport: Transport, start: bytes
) -> None:
    async def trickle(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        piece = b"x: y\r\n" if start.endswith(b"\n") and b"200" in start else b"x"
        while True:  # ends when the client closes
            writer.write(start if b"100" in start else piece if start else b"\r\n")
            await writer.drain()
            await asyncio.sleep(SHORT_S / 20)

    async with serving(trickle) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target(), (), b"{}", timeout_s=SHORT_S)
        await asyncio.wait_for(server.ended.get(), DEADLINE_S)

        assert ("timeout", 0) == (failure.value.reason, transport.open_connections)


@pytest.mark.parametrize(
    ("length", "body", "outcome"),
    [
        (b"2", b"done", "200"),
        (b"0", b"done", "200"),
        (b"4, 4", b"done", "protocol"),
        (b"+4", b"done", "protocol"),
        (b"-1", b"done", "protocol"),
        (b"0x4", b"done", "protocol"),
        (b"4 4", b"done", "protocol"),
        (b"", b"done", "protocol"),
        (b"99999999999999999999999", b"done", "protocol"),
        (b"5", b"done", "timeout"),
    ],
    ids=["too short", "none", "list", "plus", "negative", "hex", "space", "empty", "huge", "too long"],
)
async def test_a_wrong_length_never_leaks_into_the_next_answer(
    transport: Transport, length: bytes, body: bytes, outcome: str
) -> None:
    wrong = OK + b"Content-Length: " + length + b"\r\n\r\n" + body
    async with serving(says(wrong, NO_CONTENT)) as server:
        try:
            first = str((await transport.post(server.target(), (), b"{}", timeout_s=2 * SHORT_S)).status)
        except TransportError as error:
            first = error.reason
        second = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert (outcome, 204, [1, 2]) == (first, second.status, [one.connection for one in server.requests])


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nX y: z\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        bytes(range(256)) * 20,
        b"\x15\x03\x03\x00\x02\x02\x28",
    ],
    ids=[
        "bare line feeds",
        "space in name",
        "nul",
        "no name",
        "version",
        "two codings",
        "binary",
        "tls alert",
    ],
)
async def test_a_head_against_the_rules_is_an_answer_or_a_protocol_error_and_never_kept_wrongly(
    transport: Transport, head: bytes
) -> None:
    """
    Where the parser is lenient the status counts; the connection carries no later answer in either case.
    """
    async with serving(says(head + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", NO_CONTENT)) as server:
        try:
            first = str((await transport.post(server.target(), (), b"{}", timeout_s=2 * SHORT_S)).status)
        except TransportError as error:
            first = error.reason
        second = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert first in ("protocol", "200", "timeout")
        assert (204, [1, 2]) == (second.status, [one.connection for one in server.requests])


@pytest.mark.parametrize("is_half", [False, True], ids=["closed", "half-closed"])
async def test_a_tls_session_that_the_server_ends_while_idle_is_not_used_again(
    guard: Guard, is_half: bool
) -> None:
    authority, server_tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example").configure_cert(server_tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def answer_then_end(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(NO_CONTENT)
        await writer.drain()
        if is_half:
            writer.get_extra_info("socket").shutdown(socket.SHUT_WR)  # the end of TCP without that of TLS
        else:
            writer.close()

    transport = Transport(guard, tls=trusting, resolver=here)
    async with serving(answer_then_end, server_tls) as server:
        for _ in range(3):
            reply = await transport.post(
                server.target("hooks.example", "https"), (), b"{}", timeout_s=DEADLINE_S
            )
            await until(lambda: transport.open_connections == 0)
            assert 204 == reply.status
        await transport.close()

        assert [1, 2, 3] == [request.connection for request in server.requests]
