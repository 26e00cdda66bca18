"""
A road to a server on which the connection is reset at a chosen byte.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time at all


@dataclass
class CutRoad:
    """
    Carries bytes to the server behind it; resets the client once so many were carried one way or the other.

    `to_server` and `to_client` count the bytes of one connection; None: it is never cut by them.
    `cut` is how many connections have ended.
    """

    leads_to: int
    port: int = 0
    to_server: int | None = None
    to_client: int | None = None
    cut: int = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Carry one connection until it is cut or ends.
        """
        there, other = await asyncio.open_connection("127.0.0.1", self.leads_to)
        forth = asyncio.create_task(_carry(reader, other, self.to_server))
        back = asyncio.create_task(_carry(there, writer, self.to_client))
        await asyncio.wait((forth, back), return_when=asyncio.FIRST_COMPLETED)
        forth.cancel()
        back.cancel()
        await asyncio.wait((forth, back))
        other.transport.abort()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()
        self.cut += 1


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
    carried = 0
    while limit is None or carried < limit:
        size = 65_536 if limit is None else min(65_536, limit - carried)
        try:
            data = await reader.read(size)
            writer.write(data)
            await writer.drain()
        except ConnectionError:
            break
        if not data:
            break
        carried += len(data)


@asynccontextmanager
async def cutting(leads_to: int) -> AsyncIterator[CutRoad]:
    """
    Open the road on a free port of 127.0.0.1 while the block runs.
    """
    road = CutRoad(leads_to)
    server = await asyncio.start_server(road.take, "127.0.0.1", 0)
    road.port = server.sockets[0].getsockname()[1]
    async with server:
        yield road
