"""
A TCP proxy in front of a real broker that can stop forwarding: to its clients the broker is frozen.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter, Task
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.services.kafka import Broker


class Detour:
    """
    Serves the broker's gate while entered.  Connections stay open while frozen; no byte passes either way.
    """

    def __init__(self, broker: Broker) -> None:
        host, port = broker.detour.split(":")
        self._target = host, int(port)
        self._gate = broker.detour_gate
        self.address = f"127.0.0.1:{self._gate.getsockname()[1]}"
        self._moving = asyncio.Event()
        self._moving.set()
        self._tasks: set[Task[None]] = set()

    def freeze(self) -> None:
        """
        Let nothing through from now on.
        """
        self._moving.clear()

    def thaw(self) -> None:
        """
        Let everything through again, what was held up first.
        """
        self._moving.set()

    async def __aenter__(self) -> Self:
        own = socket.socket(fileno=socket.dup(self._gate.fileno()))
        # Small buffers: what a frozen broker does not read soon stays with the client.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._server = await asyncio.start_server(self._accept, sock=own)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(*self._target)
        for task in (
            asyncio.create_task(self._pump(reader, broker_writer)),
            asyncio.create_task(self._pump(broker_reader, writer)),
        ):
            self._tasks.add(task)

    async def _pump(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await reader.read(65_536):
                    await self._moving.wait()
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.transport.abort()
