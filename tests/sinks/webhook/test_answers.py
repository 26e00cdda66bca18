"""
What the transport makes of answers, well-formed and not.
"""

from __future__ import annotations

import asyncio

import pytest

from relay.model.errors import TransportError
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.reply import MAX_BODY_BYTES
from tests.sinks.webhook.raw_server import DEADLINE_S, Request, says, says_and_closes, serving

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK + b"Content-Length: 4\r\n\r\ndone", 200, b"done"),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\ndo\r\n2;x=y\r\nne\r\n0\r\nTrailer: t\r\n\r\n",
            200,
            b"done",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 4\r\n\r\ndone", 200, b"done"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 3 + OK + b"Content-Length: 0\r\n\r\n", 200, b""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n", 302, b""),
    ],
    ids=["length", "chunked", "204", "204 with length", "304", "100", "103", "redirect"],
)
async def test_an_answer_is_read_in_every_framing_and_leaves_the_connection_usable(
    transport: Transport, answer: bytes, status: int, body: bytes
) -> None:
    async with serving(says(answer)) as server:
        first = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)
        second = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert (status, body) == (first.status, first.body)
        assert first == second
        assert (1, 2) == (server.connections, len(server.requests))


@pytest.mark.parametrize("head", [OK, b"HTTP/1.0 200 OK\r\n", OK + b"Connection: close\r\n"])
async def test_an_answer_without_a_length_ends_with_the_connection(transport: Transport, head: bytes) -> None:
    async with serving(says_and_closes(head + b"\r\nuntil the end")) as server:
        reply = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert (200, b"until the end") == (reply.status, reply.body)


async def test_names_of_headers_are_lower_case_and_repeated_ones_are_joined(transport: Transport) -> None:
    async with serving(says(OK + b"X-One: a\r\nx-one: b\r\nContent-Length: 0\r\n\r\n")) as server:
        reply = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert {"x-one": "a, b", "content-length": "0"} == reply.headers


async def test_headers_of_an_interim_answer_and_trailers_are_not_the_answers(transport: Transport) -> None:
    answer = (
        b"HTTP/1.1 103 Early Hints\r\nLink: early\r\n\r\n"
        + OK
        + b"Transfer-Encoding: chunked\r\n\r\n0\r\nRetry-After: 9\r\n\r\n"
    )
    async with serving(says(answer)) as server:
        reply = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert {"transfer-encoding": "chunked"} == reply.headers


async def test_an_answer_may_come_byte_by_byte(transport: Transport) -> None:
    async def dribble(request: Request, writer: asyncio.StreamWriter) -> None:
        for byte in OK + b"X-Long: name\r\nContent-Length: 2\r\n\r\nok":
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)

    async with serving(dribble) as server:
        reply = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert (200, "name", b"ok") == (reply.status, reply.headers["x-long"], reply.body)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        OK,
        OK + b"Content-Length: 9\r\n\r\nhalf",
        OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk", "no last chunk", "only interim"],
)
async def test_an_answer_cut_in_the_middle_is_a_lost_connection(transport: Transport, answer: bytes) -> None:
    async with serving(says_and_closes(answer)) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert "disconnected" == failure.value.reason
        assert 1 == len(server.requests)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"X-Big: " + b"x" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
        OK + b"X-Endless: " + b"x" * 70_000,
        OK + b"X: y\r\n" * 15_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3_000,
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Big: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["no http", "status", "042", "101", "two lengths", "length and chunked", "chunk size", "long header",
         "endless header", "many headers", "endless interim", "long trailer"],
)  # fmt: skip
async def test_an_answer_that_is_not_http_or_has_too_long_a_head_is_a_protocol_error(
    transport: Transport, answer: bytes
) -> None:
    async with serving(says(answer)) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert "protocol" == failure.value.reason
        assert 1 == await server.ended.get()


ENDLESS = 2**40


@pytest.mark.parametrize(
    "head", [b"Content-Length: %d\r\n" % ENDLESS, b"Transfer-Encoding: chunked\r\n", b""]
)
async def test_a_body_over_the_limit_is_cut_and_the_connection_closed(
    transport: Transport, head: bytes
) -> None:
    part = b"x" * 10_000

    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + head + b"\r\n")
        while True:  # until the client closes, which ends the drain
            writer.write(b"%x\r\n%b\r\n" % (len(part), part) if b"chunked" in head else part)
            await writer.drain()

    async with serving(endless) as server:
        reply = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert (200, b"x" * MAX_BODY_BYTES) == (reply.status, reply.body)
        assert 1 == await server.ended.get()


async def test_a_body_is_cut_as_soon_as_it_is_over_the_limit(transport: Transport) -> None:
    """
    Nothing more comes after the first byte too many, so whoever waits for more waits in vain.
    """
    head = OK + b"Content-Length: %d\r\n\r\n" % ENDLESS
    async with serving(says(head + b"x" * (MAX_BODY_BYTES + 1))) as server:
        reply = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert (200, MAX_BODY_BYTES) == (reply.status, len(reply.body))


async def test_a_body_of_exactly_the_limit_is_kept_whole_and_the_connection_too(transport: Transport) -> None:
    body = b"y" * MAX_BODY_BYTES
    async with serving(says(OK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))) as server:
        replies = [await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S) for _ in range(2)]

        assert [body, body] == [reply.body for reply in replies]
        assert 1 == server.connections


async def test_a_body_hidden_in_endless_chunk_framing_is_cut(transport: Transport) -> None:
    async def framing(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        writer.write(b"1;")
        while True:
            writer.write(b"e" * 10_000)
            await writer.drain()

    async with serving(framing) as server:
        reply = await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)

        assert 200 == reply.status
        assert 1 == await server.ended.get()


async def test_the_request_arrives_as_it_was_given(transport: Transport) -> None:
    body = bytes(range(256)) * 2_000
    async with serving(says(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        await transport.post(server.target(), ((b"x-one", b"a b"),), body, timeout_s=DEADLINE_S)

        request = server.requests[0]
        assert "POST /hook HTTP/1.1" == request.line
        assert [
            ("host", f"127.0.0.1:{server.port}"),
            ("x-one", "a b"),
            ("content-length", str(len(body))),
        ] == request.headers
        assert body == request.body
