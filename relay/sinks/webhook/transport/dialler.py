"""
Open connections to vetted addresses.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence

from relay.model.errors import TransportError
from relay.sinks.webhook.transport.connection import Connection, Place


class Dialler:
    """
    Connects to exactly the address it is given: nothing is resolved again on the way.

    Args:
        tls: used for every https connection.
        on_lost: called with each connection that is gone.
    """

    def __init__(self, tls: ssl.SSLContext, on_lost: Callable[[Connection], None]) -> None:
        self._tls = tls
        self._on_lost = on_lost

    async def dial(self, places: Sequence[Place], server_name: str | None, deadline: float) -> Connection:
        """
        Return a connection to the first place that takes one.

        Each place gets its share of the time left, so that one that swallows packets leaves time for the
        next.  A cancelled call leaves nothing open.

        Raises:
            TransportError: no place took a connection in time; says why for the last one.
        """
        loop = asyncio.get_running_loop()
        last_error = TransportError("refused", "no address to dial")
        for left, place in zip(range(len(places), 0, -1), places, strict=True):
            now = loop.time()
            try:
                async with asyncio.timeout_at(now + (deadline - now) / left):
                    sock = await self._connect(place)
                    return await self._wrap(sock, place, server_name)
            except TimeoutError:
                last_error = TransportError("timeout", f"{_name(place)} took no connection in time")
            except TransportError as error:
                last_error = error
        raise last_error

    async def _connect(self, place: Place) -> socket.socket:
        family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (place.address, place.port))
        except TimeoutError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            raise TransportError("refused", f"{_name(place)}: {error.strerror or error}") from error
        except asyncio.CancelledError:
            sock.close()
            raise
        return sock

    async def _wrap(self, sock: socket.socket, place: Place, server_name: str | None) -> Connection:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(place, sock, self._on_lost),
                sock=sock,
                ssl=None if server_name is None else self._tls,
                server_hostname=server_name,
            )
        except (asyncio.CancelledError, TimeoutError):
            sock.close()
            raise
        except OSError as error:  # ssl.SSLError is one
            sock.close()
            reason = "disconnected" if server_name is None else "tls"
            raise TransportError(reason, f"{_name(place)}: {error}") from error
        return connection


def _name(place: Place) -> str:
    return f"{place.host} ({place.address}:{place.port})"
