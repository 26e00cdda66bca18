"""
Open connections to vetted addresses.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence

from relay.model.errors import TransportError
from relay.sinks.webhook.transport.connect import first_of
from relay.sinks.webhook.transport.connection import Connection, Place

NO_CERTIFICATE = ""
OpenSocket = Callable[[Place, float], Awaitable[socket.socket]]
"""Connects to a place until a deadline, straight or through a proxy; raises TransportError."""


class Dialler:
    """
    Connects to exactly the address it is given: nothing is resolved again on the way.

    Args:
        tls: used for https, by the name of the client certificate that is shown; NO_CERTIFICATE: none is.
        open_socket: reaches an address.
        on_lost: called with each connection that is gone.
    """

    def __init__(
        self,
        tls: Mapping[str, ssl.SSLContext],
        open_socket: OpenSocket,
        on_lost: Callable[[Connection], None],
    ) -> None:
        self._tls = tls
        self._open_socket = open_socket
        self._on_lost = on_lost

    async def dial(self, places: Sequence[Place], server_name: str | None, deadline: float) -> Connection:
        """
        Return a connection to the first place that takes one; a cancelled call leaves nothing open.

        Raises:
            TransportError: no place took a connection in time; says why for the last one.
        """

        async def reach(place: Place, until: float) -> Connection:
            context = None if server_name is None else self._context(place)
            sock = await self._open_socket(place, until)
            return await self._wrap(sock, place, context, server_name, until)

        return await first_of(places, deadline, reach)

    def _context(self, place: Place) -> ssl.SSLContext:
        context = self._tls.get(place.certificate)
        if context is None:
            raise TransportError("tls", f"webhooks.client_certificates has no `{place.certificate}`")
        return context

    async def _wrap(
        self,
        sock: socket.socket,
        place: Place,
        context: ssl.SSLContext | None,
        server_name: str | None,
        deadline: float,
    ) -> Connection:
        try:
            async with asyncio.timeout_at(deadline):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(place, sock, self._on_lost),
                    sock=sock,
                    ssl=context,
                    server_hostname=server_name,
                )
        except asyncio.CancelledError:
            sock.close()
            raise
        except TimeoutError as error:
            sock.close()
            raise TransportError("timeout", f"{place.name} ended no TLS handshake in time") from error
        except OSError as error:  # ssl.SSLError is one
            sock.close()
            reason = "disconnected" if context is None else "tls"
            raise TransportError(reason, f"{place.name}: {error}") from error
        return connection
