"""
A server that answers with whatever bytes a test wants, and counts what really arrived.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from relay.sinks.webhook.transport.target import Target

DEADLINE_S: Final = 10.0
NO_CONTENT: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """
    One request as it came over the wire; `connection` counts from 1.
    """

    connection: int
    line: str
    headers: list[tuple[str, str]]
    body: bytes


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def says(*answers: bytes) -> Answer:
    """
    Answer the n-th request with the n-th bytes (the last ones from then on) and keep the connection.
    """
    left = list(answers)

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return answer


def says_and_closes(answer_bytes: bytes) -> Answer:
    """
    Answer with some bytes, then close.
    """

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_bytes)
        writer.close()

    return answer


@dataclass
class RawServer:
    """
    What a test may ask the server afterwards.  `ended` gets the number of each connection that ended.
    """

    answer: Answer
    port: int = 0
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    arrived: asyncio.Queue[Request] = field(default_factory=asyncio.Queue)
    ended: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    open_writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        """
        Return a URL of this server.
        """
        return f"{scheme}://{host}:{self.port}/hook"

    def target(self, host: str = "127.0.0.1", scheme: str = "http") -> Target:
        """
        Return a target of this server.
        """
        return Target.of_url(self.url(host, scheme))

    async def take_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Answer requests until either side ends the connection.
        """
        self.connections += 1
        number = self.connections
        self.open_writers.append(writer)
        try:
            while not writer.is_closing():
                request = await _read_request(number, reader)
                self.requests.append(request)
                self.arrived.put_nowait(request)
                await self.answer(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client closed: that is how most tests end
        finally:
            writer.close()
            self.open_writers.remove(writer)
            self.ended.put_nowait(number)


async def _read_request(number: int, reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = [(name, value) for name, _, value in (each.partition(": ") for each in rest)]
    body = await reader.readexactly(int(dict(headers)["content-length"]))
    return Request(number, line, headers, body)


@asynccontextmanager
async def serving(
    answer: Answer, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[RawServer]:
    """
    Serve on `port` (0: a free one) of a loopback address while the block runs.
    """
    raw = RawServer(answer)
    server = await asyncio.start_server(raw.take_connection, host, port, ssl=tls)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        for writer in raw.open_writers:
            writer.transport.abort()
        await until(lambda: not raw.open_writers)
        await server.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    """
    Return once `condition` holds.

    Raises:
        TimeoutError: it did not within 10 s.
    """
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - the code under test has no event for it, and needs none
            await asyncio.sleep(0.001)
