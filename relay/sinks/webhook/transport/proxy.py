"""
Tunnels through the operator's egress proxy (HTTP CONNECT, RFC 9110 section 9.3.6).
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from relay.model.errors import TransportError
from relay.sinks.webhook.transport.connect import connect, first_of
from relay.sinks.webhook.transport.connection import Place
from relay.sinks.webhook.transport.directory import Directory, Resolver
from relay.sinks.webhook.transport.target import Target

MAX_HEAD_BYTES: Final = 16 * 1024
_HEAD_END: Final = b"\r\n\r\n"
_STATUS_LINE: Final = re.compile(
    rb"HTTP/1\.[01] (?P<status>[1-5][0-9]{2})(?: (?P<words>[\x20-\x7e]{0,100}))?"
)
_INTERIM: Final = re.compile(rb"HTTP/1\.[01] 1[0-9]{2}[ \r]")


@dataclass(frozen=True, slots=True)
class Proxy:
    """
    Where the proxy is, and who relay is to it; no `user`: no credentials are sent.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def authorization(self) -> bytes:
        """
        Return the header line of the credentials (RFC 7617), empty where there are none.
        """
        if not self.user:
            return b""
        return b"proxy-authorization: Basic %b\r\n" % base64.b64encode(
            f"{self.user}:{self.password}".encode()
        )


class ProxyTunnels:
    """
    Opens one tunnel for each connection, to an address that was vetted before.

    The proxy is told the address and never the name, so what it dials is what the guard saw.  The proxy
    itself is the operator's own and is not vetted.

    Args:
        proxy: the proxy.
        resolver: finds the proxy's addresses.
        ttl_s: how long they are used.
    """

    def __init__(self, proxy: Proxy, resolver: Resolver, ttl_s: float) -> None:
        self._proxy = proxy
        self._name = f"the proxy {proxy.host}:{proxy.port}"
        self._target = Target(("http", proxy.host, proxy.port, ""), b"", None, is_literal=False)
        self._directory = Directory(_refuse_nothing, resolver, ttl_s)
        self._is_closed = False

    async def open(self, place: Place, deadline: float) -> socket.socket:
        """
        Return a connection that leads to `place`; a cancelled call leaves nothing open.

        Raises:
            TransportError: `proxy`: there is no tunnel in time.
        """
        try:
            async with asyncio.timeout_at(deadline):
                return await self._open(place, deadline)
        except TimeoutError as error:
            raise _refused(f"{self._name} opened no tunnel to {_authority(place)} in time") from error

    async def close(self) -> None:
        """
        Give up running look-ups, and open nothing from now on.  Safe twice.
        """
        self._is_closed = True
        await self._directory.close()

    async def _open(self, place: Place, deadline: float) -> socket.socket:
        if self._is_closed:  # the next address of an endpoint is tried after the last one was given up
            raise _refused(f"{self._name} is no longer used: the transport is closed")
        known = self._directory.known(self._target.origin, asyncio.get_running_loop().time())
        try:
            sock = await first_of(known or await self._directory.find(self._target), deadline, connect)
        except TransportError as error:
            raise _refused(f"{self._name}: {error}") from error
        with ExitStack() as opened:
            opened.callback(sock.close)
            try:
                head, rest = await self._ask(sock, _authority(place))
            except OSError as error:
                raise _refused(f"{self._name}: {error.strerror or error}") from error
            self._check(head, rest, _authority(place))
            opened.pop_all()
        return sock

    async def _ask(self, sock: socket.socket, authority: str) -> tuple[bytes, bytes]:
        """
        Return the head of the proxy's answer, and what came behind it.
        """
        loop, host = asyncio.get_running_loop(), authority.encode()
        start = b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n" % (host, host)
        await loop.sock_sendall(sock, start + self._proxy.authorization + b"\r\n")
        said, size = b"", 0
        while size <= MAX_HEAD_BYTES:
            part = await loop.sock_recv(sock, 4_096)
            if not part:
                raise _refused(f"{self._name} closed the connection without an answer")
            said, size = said + part, size + len(part)
            head, end, rest = said.partition(_HEAD_END)
            while end and _INTERIM.match(head):
                said = rest
                head, end, rest = said.partition(_HEAD_END)
            if end:
                return head, rest
        raise _refused(f"{self._name} answered with more than {MAX_HEAD_BYTES} bytes")

    def _check(self, head: bytes, rest: bytes, authority: str) -> None:
        line = _STATUS_LINE.fullmatch(head.split(b"\r\n", 1)[0])
        if line is None:
            raise _refused(f"{self._name} does not speak HTTP/1.1")
        if not line["status"].startswith(b"2"):
            words = b" ".join(filter(None, (line["status"], line["words"]))).decode("ascii")
            raise _refused(f"{self._name} opened no tunnel to {authority}: {words}")
        if rest:  # nobody speaks there before relay does, so this is not what a receiver said
            raise _refused(f"{self._name} sent bytes ahead of the tunnel to {authority}")


def _authority(place: Place) -> str:
    return f"[{place.address}]:{place.port}" if ":" in place.address else f"{place.address}:{place.port}"


def _refuse_nothing(_address: str, _port: int) -> None:
    return None


def _refused(message: str) -> TransportError:
    return TransportError("proxy", message)
