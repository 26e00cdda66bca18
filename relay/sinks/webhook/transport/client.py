"""
The public face of the transport: post once, within a deadline.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.connect import connect
from relay.sinks.webhook.transport.connection import Connection, Place
from relay.sinks.webhook.transport.dialler import NO_CERTIFICATE, Dialler
from relay.sinks.webhook.transport.directory import Directory, Resolver, resolve
from relay.sinks.webhook.transport.headers import build_headers
from relay.sinks.webhook.transport.idle import IdlePool
from relay.sinks.webhook.transport.proxy import Proxy, ProxyTunnels
from relay.sinks.webhook.transport.reply import Reply
from relay.sinks.webhook.transport.target import Target

SWEEP_S: Final = 0.1


class Limits(NamedTuple):
    """
    How long and how much is kept.

    Args:
        idle_s: how long a connection may wait for its next request.
        max_idle: connections that may wait, over all endpoints.
        dns_ttl_s: how long a name's addresses are used.
    """

    idle_s: float = 15.0
    max_idle: int = 1_000
    dns_ttl_s: float = 10.0


DEFAULT_LIMITS: Final = Limits()


class Transport:
    """
    Sends requests over kept-alive connections.

    Never sends a request twice, never follows a redirect, dials only what the guard allows, and verifies
    certificates.  One for the whole process; used within one event loop.

    Args:
        guard: vets every address that is dialled.
        tls: what certificates are trusted; the system's by default.
        client_tls: the same with a client certificate to show, by its name.
        proxy: through which everything is reached; None: nothing stands in between.
        resolver: finds addresses; the system's by default.
        limits: of what is kept.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        tls: ssl.SSLContext | None = None,
        client_tls: Mapping[str, ssl.SSLContext] | None = None,
        proxy: Proxy | None = None,
        resolver: Resolver = resolve,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._directory = Directory(guard.refusal, resolver, limits.dns_ttl_s)
        self._tunnels = None if proxy is None else ProxyTunnels(proxy, resolver, limits.dns_ttl_s)
        contexts = {**(client_tls or {}), NO_CERTIFICATE: tls or ssl.create_default_context()}
        open_socket = connect if self._tunnels is None else self._tunnels.open
        self._dialler = Dialler(contexts, open_socket, self._lost)
        self._idle = IdlePool(limits.idle_s, limits.max_idle)
        self._live: set[Connection] = set()
        self._is_closed = False
        self._all_lost = asyncio.Event()
        self._sweep_timer: asyncio.TimerHandle | None = None

    @property
    def open_connections(self) -> int:
        """
        Return how many connections are open, in use or idle.
        """
        return len(self._live)

    async def post(
        self, target: Target, headers: Sequence[tuple[bytes, bytes]] | bytes, body: bytes, *, timeout_s: float
    ) -> Reply:
        """
        Send one request and return its answer; `target` says by which method, POST if nothing else.

        `headers` are pairs, or lines that `build_headers` made; host and content-length are added.
        `timeout_s` covers everything from the look-up of the name to the last byte of the body; it may be
        exceeded by SWEEP_S.  Cancelled, the call closes its connection.

        Raises:
            TransportError: no answer.  Unless the reason is dns, refused, blocked or proxy, the request may
                have arrived all the same.
            ValueError: headers that must not be sent; nothing was.
        """
        now = asyncio.get_running_loop().time()
        deadline = now + timeout_s
        lines = headers if isinstance(headers, bytes) else build_headers(headers)
        request = b"%b%bcontent-length: %d\r\n\r\n%b" % (target.request_start, lines, len(body), body)
        connection = self._take_idle(self._directory.known(target.origin, now), now)
        if connection is None:
            connection = await self._open(target, deadline)
        try:
            reply = await connection.ask(request, deadline)
        except asyncio.CancelledError:
            connection.abort()
            raise
        if connection.is_open:
            self._idle.put(connection, reply.keep_alive)
        return reply

    async def close(self) -> None:
        """
        Close every connection; running posts end as `disconnected`.  Safe twice.
        """
        self._is_closed = True
        self._idle.close()
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        for connection in list(self._live):
            connection.fail(_closed())
        await self._directory.close()
        if self._tunnels is not None:
            await self._tunnels.close()
        while self._live:
            self._all_lost.clear()
            await self._all_lost.wait()

    def _take_idle(self, places: Sequence[Place], now: float) -> Connection | None:
        for place in places:
            connection = self._idle.take(place, now)
            if connection is not None:
                return connection
        return None

    async def _open(self, target: Target, deadline: float) -> Connection:
        self._refuse_if_closed()
        loop = asyncio.get_running_loop()
        places = self._directory.known(target.origin, loop.time())
        if not places:
            try:
                async with asyncio.timeout_at(deadline):
                    places = await self._directory.find(target)
            except TimeoutError as error:
                raise TransportError("timeout", f"no address of {target.origin[1]} in time") from error
            connection = self._take_idle(places, loop.time())
            if connection is not None:
                return connection
        connection = await self._dialler.dial(places, target.server_name, deadline)
        if connection.is_open:  # it may have been lost already, and would never be lost again
            self._live.add(connection)
            if self._sweep_timer is None:
                self._sweep_timer = loop.call_later(SWEEP_S, self._end_late)
        if self._is_closed:
            connection.abort()
        self._refuse_if_closed()
        return connection

    def _end_late(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._live):
            connection.end_late(now)
        self._sweep_timer = loop.call_later(SWEEP_S, self._end_late) if self._live else None

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise _closed()

    def _lost(self, connection: Connection) -> None:
        self._idle.forget(connection)
        self._live.discard(connection)
        if not self._live:
            self._all_lost.set()


def _closed() -> TransportError:
    return TransportError("disconnected", "the transport is closed")
