"""
When a connection is used again, and that nothing is ever sent twice.
"""

from __future__ import annotations

import asyncio
import socket

import pytest

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Limits, Transport
from relay.sinks.webhook.transport.target import Target
from tests.sinks.webhook.raw_server import (
    DEADLINE_S,
    NO_CONTENT,
    RawServer,
    Request,
    says,
    serving,
    until,
)


async def _post(transport: Transport, server: RawServer) -> int:
    return (await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)).status


async def test_requests_one_after_another_share_a_connection(transport: Transport) -> None:
    async with serving(says(NO_CONTENT)) as server:
        for _ in range(20):
            await _post(transport, server)

        assert (1, 20) == (server.connections, len(server.requests))


async def test_requests_at_the_same_time_have_their_own_connections_and_keep_them(
    transport: Transport,
) -> None:
    release = asyncio.Event()

    async def together(request: Request, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(NO_CONTENT)

    async with serving(together) as server:
        for _ in range(2):
            release.clear()
            async with asyncio.TaskGroup() as posts:
                for _ in range(5):
                    posts.create_task(_post(transport, server))
                for _ in range(5):
                    await server.arrived.get()
                release.set()

        assert (5, 10) == (server.connections, len(server.requests))
        assert 5 == transport.open_connections


async def test_two_hosts_at_one_address_do_not_share_a_connection(guard: Guard) -> None:
    transport = Transport(guard, resolver=_everything_is_here)
    async with serving(says(NO_CONTENT)) as server:
        for host in ("a.example", "b.example", "a.example"):
            await transport.post(server.target(host), (), b"{}", timeout_s=DEADLINE_S)

        assert [1, 2, 1] == [request.connection for request in server.requests]
        assert [f"{host}.example:{server.port}" for host in "aba"] == [
            dict(request.headers)["host"] for request in server.requests
        ]
        await transport.close()


async def _everything_is_here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("is_half", [True, False], ids=["half-closed", "closed"])
async def test_a_connection_that_the_server_ends_while_idle_is_not_used_again(
    transport: Transport, is_half: bool
) -> None:
    async def answer_then_end(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(NO_CONTENT)
        if is_half:
            writer.write_eof()
        else:
            writer.close()

    async with serving(answer_then_end) as server:
        await _post(transport, server)
        await until(lambda: transport.open_connections == 0)
        status = await _post(transport, server)

        assert 204 == status
        assert [1, 2] == [request.connection for request in server.requests]


async def test_bytes_that_nobody_asked_for_end_an_idle_connection(transport: Transport) -> None:
    """
    Otherwise they would be taken for the answer to the next request.
    """
    push = asyncio.Event()

    async def answer_then_push(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(NO_CONTENT)
        await writer.drain()
        await push.wait()
        writer.write(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")

    async with serving(answer_then_push) as server:
        await _post(transport, server)
        push.set()
        await until(lambda: transport.open_connections == 0)
        status = await _post(transport, server)

        assert (204, 2) == (status, server.connections)


@pytest.mark.parametrize(
    "surplus",
    [b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", b"H", b"garbage"],
    ids=["answer", "byte", "garbage"],
)
async def test_bytes_behind_an_answer_are_not_the_next_answer(transport: Transport, surplus: bytes) -> None:
    async with serving(says(NO_CONTENT + surplus, NO_CONTENT)) as server:
        statuses = [await _post(transport, server) for _ in range(2)]

        assert [204, 204] == statuses
        assert [1, 2] == [request.connection for request in server.requests]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_server_that_announces_the_end_gets_a_new_connection(
    transport: Transport, answer: bytes
) -> None:
    async with serving(says(answer)) as server:
        await _post(transport, server)
        await _post(transport, server)

        assert 2 == server.connections


async def test_a_request_that_may_have_arrived_is_never_sent_again(transport: Transport) -> None:
    """
    The kept connection dies after the second request was written: relay cannot know, so it must not repeat.
    """

    async def answer_only_the_first(request: Request, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) == 1:
            writer.write(NO_CONTENT)
        else:
            writer.close()

    async with serving(answer_only_the_first) as server:
        await _post(transport, server)
        with pytest.raises(TransportError) as failure:
            await _post(transport, server)
        await until(lambda: transport.open_connections == 0)

        assert "disconnected" == failure.value.reason
        assert [1, 1] == [request.connection for request in server.requests]


async def test_an_answer_before_the_whole_request_was_written_ends_the_connection(
    transport: Transport,
) -> None:
    """
    The rest of the body would otherwise be written in front of the next request.
    """
    refused = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
    connections = 0
    lost = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refused)  # and reads no more of it
        await lost.wait()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1_024)
    async with server:
        target = RawServer(says(b""), server.sockets[0].getsockname()[1]).target()
        reply = await transport.post(target, (), b"x" * 50_000_000, timeout_s=DEADLINE_S)
        await until(lambda: transport.open_connections == 0)
        lost.set()

        assert (413, 1) == (reply.status, connections)


async def test_an_idle_connection_is_closed_after_its_limit(guard: Guard) -> None:
    transport = Transport(guard, limits=Limits(idle_s=0.02))
    async with serving(says(NO_CONTENT)) as server:
        await _post(transport, server)
        ended = await asyncio.wait_for(server.ended.get(), DEADLINE_S)

        assert (1, 0) == (ended, transport.open_connections)
        await transport.close()


async def test_at_most_so_many_connections_idle_and_the_one_idle_longest_goes_first(guard: Guard) -> None:
    transport = Transport(guard, limits=Limits(max_idle=2))
    async with (
        serving(says(NO_CONTENT)) as one,
        serving(says(NO_CONTENT)) as two,
        serving(says(NO_CONTENT)) as three,
    ):
        for server in (one, two, three):
            await _post(transport, server)
        await asyncio.wait_for(one.ended.get(), DEADLINE_S)

        assert [2, 3] == sorted([2 * (not two.ended.qsize()), 3 * (not three.ended.qsize())])
        assert 2 == transport.open_connections
        await transport.close()


async def test_a_connection_that_ended_while_idle_takes_no_place_from_others(guard: Guard) -> None:
    transport = Transport(guard, limits=Limits(max_idle=2))
    async with serving(says(NO_CONTENT)) as one, serving(says(NO_CONTENT)) as three:
        async with serving(says(NO_CONTENT)) as two:
            await _post(transport, one)
            await _post(transport, two)
        await until(lambda: transport.open_connections == 1)  # the second server has gone
        await _post(transport, three)
        await _post(transport, one)

        assert (1, 2) == (one.connections, len(one.requests))
        await transport.close()


@pytest.mark.parametrize("promise", [b"timeout=1", b"timeout=0, max=100"])
async def test_a_connection_is_not_used_in_the_last_second_that_the_server_promises(
    transport: Transport, promise: bytes
) -> None:
    answer = b"HTTP/1.1 204 No Content\r\nKeep-Alive: %b\r\n\r\n" % promise
    async with serving(says(answer)) as server:
        await _post(transport, server)
        await _post(transport, server)

        assert 2 == server.connections


async def test_closing_ends_idle_connections_and_running_posts(transport: Transport) -> None:
    async with serving(says(NO_CONTENT, b"")) as server:
        await _post(transport, server)
        running = asyncio.create_task(_post(transport, server))
        await until(lambda: len(server.requests) == 2)
        await transport.close()
        with pytest.raises(TransportError) as ended:
            await running
        with pytest.raises(TransportError) as refused:
            await _post(transport, server)
        await transport.close()

        assert ("disconnected", "disconnected") == (ended.value.reason, refused.value.reason)
        assert 0 == transport.open_connections


async def test_a_cancelled_post_closes_its_connection(transport: Transport) -> None:
    async with serving(says(b"", NO_CONTENT)) as server:
        running = asyncio.create_task(_post(transport, server))
        await server.arrived.get()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        ended = await asyncio.wait_for(server.ended.get(), DEADLINE_S)
        status = await _post(transport, server)

        assert (1, 204, 2) == (ended, status, server.connections)


async def test_an_end_that_came_with_the_answer_is_seen_before_the_next_request(transport: Transport) -> None:
    """
    The end is in the socket, but the loop has not come to it when the next request is made.
    """
    loop = asyncio.get_running_loop()
    requests = 0
    accepted: list[socket.socket] = []

    async def answer_and_end_in_one_go(listener: socket.socket) -> None:
        nonlocal requests
        while True:
            connection, _ = await loop.sock_accept(listener)
            accepted.append(connection)
            await loop.sock_recv(connection, 65_536)
            requests += 1
            connection.sendall(NO_CONTENT)
            connection.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        serving_task = asyncio.create_task(answer_and_end_in_one_go(listener))
        target = Target.of_url(f"http://127.0.0.1:{listener.getsockname()[1]}/hook")
        replies = [await transport.post(target, (), b"{}", timeout_s=DEADLINE_S) for _ in range(5)]
        serving_task.cancel()
        await asyncio.wait([serving_task])
        for connection in accepted:
            connection.close()

        assert [204] * 5 == [reply.status for reply in replies]
        assert (5, 5) == (requests, len(accepted))
