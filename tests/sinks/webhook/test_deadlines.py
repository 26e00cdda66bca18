"""
One deadline covers everything, and whatever ends a post leaves nothing open.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.target import Target
from tests.sinks.webhook.raw_server import DEADLINE_S, NO_CONTENT, Request, says, serving, until

SHORT_S = 0.25


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\n\r\nhalf",
    ],
    ids=["nothing", "half a head", "half a body", "no length"],
)
async def test_a_slow_answer_is_a_timeout_and_ends_the_connection(
    transport: Transport, answer: bytes
) -> None:
    async with serving(says(answer)) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target(), (), b"{}", timeout_s=SHORT_S)
        ended = await asyncio.wait_for(server.ended.get(), DEADLINE_S)

        assert ("timeout", 1, 1) == (failure.value.reason, ended, len(server.requests))


async def test_bytes_that_trickle_in_do_not_extend_the_deadline(transport: Transport) -> None:
    async def trickle(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:  # ends when the client closes
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(SHORT_S / 10)

    async with serving(trickle) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target(), (), b"{}", timeout_s=SHORT_S)

        assert "timeout" == failure.value.reason


async def test_a_name_that_nobody_answers_for_is_a_timeout_and_is_asked_for_once(guard: Guard) -> None:
    """
    Waiting posts share one look-up, so a dead name server holds one thread and not one for each post.
    """
    lookups = 0
    answer: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()

    async def slow(host: str, port: int) -> Sequence[str]:
        nonlocal lookups
        lookups += 1
        return await answer

    transport = Transport(guard, resolver=slow)
    async with serving(says(NO_CONTENT)) as server:
        target = server.target("hooks.example")
        results = await asyncio.gather(
            *(transport.post(target, (), b"{}", timeout_s=SHORT_S) for _ in range(3)), return_exceptions=True
        )
        answer.set_result(["127.0.0.1"])
        reply = await transport.post(target, (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert ["timeout"] * 3 == [getattr(result, "reason", result) for result in results]
        assert (204, 1) == (reply.status, lookups)


async def test_a_server_that_takes_no_connection_is_a_timeout(transport: Transport) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with socket.socket() as one, socket.socket() as two:
            for filler in (one, two):  # the queue of the listener is full now: further SYNs are dropped
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            target = Target.of_url(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            with pytest.raises(TransportError) as failure:
                await transport.post(target, (), b"{}", timeout_s=SHORT_S)

    assert ("timeout", 0) == (failure.value.reason, transport.open_connections)


async def test_a_tls_handshake_that_never_ends_is_a_timeout(transport: Transport) -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()
            ended.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        target = Target.of_url(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        with pytest.raises(TransportError) as failure:
            await transport.post(target, (), b"{}", timeout_s=SHORT_S)
        await asyncio.wait_for(ended.wait(), DEADLINE_S)

    assert "timeout" == failure.value.reason


async def test_one_dead_address_leaves_time_for_the_next(guard: Guard) -> None:
    """
    The first address swallows packets; it gets its share of the time and no more.
    """
    with socket.socket() as listener, socket.socket() as one, socket.socket() as two:
        async with serving(says(NO_CONTENT)) as server:
            listener.bind(("127.0.0.2", server.port))
            listener.listen(0)
            for filler in (one, two):
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())

            async def both(host: str, port: int) -> Sequence[str]:
                return ["127.0.0.2", "127.0.0.1"]

            transport = Transport(guard, resolver=both)
            reply = await transport.post(server.target("hooks.example"), (), b"{}", timeout_s=2.0)
            await transport.close()

            assert 204 == reply.status


async def test_a_post_cancelled_during_the_look_up_leaves_the_look_up_to_others(guard: Guard) -> None:
    asked = asyncio.Event()
    answer: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()

    async def slow(host: str, port: int) -> Sequence[str]:
        asked.set()
        return await answer

    transport = Transport(guard, resolver=slow)
    async with serving(says(NO_CONTENT)) as server:
        target = server.target("hooks.example")
        first = asyncio.create_task(transport.post(target, (), b"{}", timeout_s=DEADLINE_S))
        second = asyncio.create_task(transport.post(target, (), b"{}", timeout_s=DEADLINE_S))
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        answer.set_result(["127.0.0.1"])
        reply = await second
        await transport.close()

        assert (204, 1) == (reply.status, len(server.requests))


async def test_closing_gives_up_a_running_look_up(guard: Guard) -> None:
    asked = asyncio.Event()

    async def never(host: str, port: int) -> Sequence[str]:
        asked.set()
        await asyncio.Event().wait()
        return []

    transport = Transport(guard, resolver=never)
    target = Target.of_url("http://hooks.example/")
    running = asyncio.create_task(transport.post(target, (), b"{}", timeout_s=DEADLINE_S))
    await asked.wait()
    await transport.close()
    with pytest.raises(TransportError) as failure:
        await running

    assert "disconnected" == failure.value.reason


async def test_a_transport_closed_while_it_dials_keeps_no_connection(guard: Guard) -> None:
    async with serving(says(NO_CONTENT)) as server:
        transport = Transport(guard)
        running = asyncio.create_task(transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S))
        await asyncio.sleep(0)
        await transport.close()
        with pytest.raises(TransportError):
            await running
        await until(lambda: transport.open_connections == 0)

        assert [] == server.requests
