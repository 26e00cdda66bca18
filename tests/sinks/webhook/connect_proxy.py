"""
An egress proxy of the tests: notes what it is asked for, and leads every tunnel to one server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from relay.sinks.webhook.transport.proxy import Proxy

OPENED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass
class ConnectProxy:
    """
    What a test may ask the proxy afterwards.

    `answer` is what it says to CONNECT; a tunnel is opened where that is OPENED or ends with it.  Without
    `leads_to`, the port of a server on 127.0.0.1, nothing is at the other end.
    """

    answer: bytes = OPENED
    leads_to: int = 0
    port: int = 0
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def proxy(self, user: str = "", password: str = "", host: str = "127.0.0.1") -> Proxy:
        """
        Return its address for a transport.
        """
        return Proxy(host, self.port, user, password)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Answer one CONNECT, then carry bytes both ways.
        """
        self._open.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            self.asked.append(head.split(b" ")[1].decode())
            writer.write(self.answer)
            await writer.drain()
            if self.answer.endswith(OPENED) and self.leads_to:
                there, other = await asyncio.open_connection("127.0.0.1", self.leads_to)
                self._open.add(other)
                await asyncio.gather(_carry(reader, other), _carry(there, writer))
            elif not self.answer:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # either side went: that is how tests end
        finally:
            writer.close()

    def abort(self) -> None:
        """
        End all connections.
        """
        for writer in self._open:
            writer.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def proxying(answer: bytes = OPENED, leads_to: int = 0) -> AsyncIterator[ConnectProxy]:
    """
    Run a proxy on a free port of 127.0.0.1 while the block runs.
    """
    proxy = ConnectProxy(answer, leads_to)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.abort()
        await server.wait_closed()
