"""
One connection: one request at a time, and a truthful answer to "may it be used again?".
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Final, NamedTuple, cast

from relay.model.errors import TransportError
from relay.sinks.webhook.transport.reply import Reply, ReplyReader

_TCP_INFO: Final = socket.TCP_INFO if sys.platform == "linux" else None
_TCP_ESTABLISHED: Final = 1


class Place(NamedTuple):
    """
    What a connection leads to, and who relay is there; only requests for the same place may share one.

    `certificate` is the name of the client certificate that relay shows, "" for none.
    """

    address: str
    port: int
    scheme: str
    host: str
    certificate: str = ""

    @property
    def name(self) -> str:
        """
        Return what a person may know it by.
        """
        return f"{self.host} ({self.address}:{self.port})"


class Connection(asyncio.Protocol):
    """
    Sends a request in one write and waits for the whole answer.

    A request is written once and never again: where the connection ends after that, the request may have
    arrived.  `is_open` turns False at the first sign that no further request can be answered; `on_lost` is
    called once, when the connection is gone.
    """

    __slots__ = (
        "_deadline", "_loop", "_on_lost", "_reader", "_socket", "_transport", "_waiter", "is_open", "place",
    )  # fmt: skip

    def __init__(self, place: Place, dialled: socket.socket, on_lost: Callable[[Connection], None]) -> None:
        self.place = place
        self.is_open = False
        self._socket = dialled
        self._on_lost = on_lost
        self._deadline = math.inf
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._waiter: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    def ask(self, request: bytes, deadline: float) -> asyncio.Future[Reply]:
        """
        Write `request` and return its answer to come; `deadline` is a time of the loop's clock.

        Whoever made the connection calls `end_late` now and then: a timer for each request would cost as
        much as sending it.  Who no longer wants the answer aborts the connection, since it may still come.

        Raises:
            TransportError: the connection is closed; in place of the answer: there is no whole, well-formed
                one in time.
        """
        if not self.is_open or self._transport is None:
            raise TransportError(
                "disconnected", f"{self.place.name} closed the connection before the request"
            )
        self._reader.start()
        waiter: asyncio.Future[Reply] = self._loop.create_future()
        self._waiter = waiter
        self._deadline = deadline
        self._transport.write(request)
        return waiter

    def end_late(self, now: float) -> None:
        """
        End an exchange whose deadline has passed.
        """
        if self._deadline <= now:
            begun = "only part of an answer" if self._reader.has_seen_bytes else "no answer"
            self.fail(TransportError("timeout", f"{begun} from {self.place.name} in time"))

    def is_fit(self) -> bool:
        """
        Tell whether an idle connection may be asked again: open, and the other side has not ended it.

        Looks at the socket itself: an end that has arrived but that the loop has not come to yet counts.
        """
        return self.is_open and is_established(self._socket)

    def abort(self) -> None:
        """
        Close at once, without flushing.  Safe twice.
        """
        self.is_open = False
        self._waiter = None
        self._deadline = math.inf
        if self._transport is not None:
            self._transport.abort()

    def fail(self, error: TransportError) -> None:
        """
        End a running exchange with `error` and close.
        """
        waiter = self._waiter
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Become usable.
        """
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """
        Take bytes of the answer; bytes nobody asked for end the connection.
        """
        if self._waiter is None:
            self.abort()
            return
        reader = self._reader
        reader.feed(data)
        if reader.reply is not None:
            self._finish(reader.reply)
        elif reader.problem is not None:
            self.fail(TransportError("protocol", f"{self.place.name}: {reader.problem}"))

    def eof_received(self) -> None:
        """
        The other side sends no more: nothing may be asked again, and an answer without a length is whole.
        """
        self.is_open = False
        if self._waiter is not None:
            self._reader.feed_end()
            if self._reader.reply is not None:
                self._finish(self._reader.reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """
        The connection is gone: a running exchange has no answer.
        """
        self.is_open = False
        if self._waiter is not None:
            self.fail(self._lost(exc))
        self._transport = None
        self._on_lost(self)

    def _finish(self, reply: Reply) -> None:
        waiter, self._waiter = self._waiter, None
        self._deadline = math.inf
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)
        # An answer that came before the request was written out leaves the rest of it in the way.
        if self._transport is not None and (
            not self._reader.may_reuse or self._transport.get_write_buffer_size() > 0
        ):
            self.abort()

    def _lost(self, exc: Exception | None) -> TransportError:
        if isinstance(exc, ssl.SSLError):
            return TransportError("tls", f"{self.place.name}: {exc}")
        what = "in the middle of its answer" if self._reader.has_seen_bytes else "without an answer"
        return TransportError("disconnected", f"{self.place.name} closed the connection {what}")


def is_established(sock: socket.socket) -> bool:
    """
    Tell whether neither side has ended a TCP connection.

    Asks for the connection's state where the system tells it (the first byte of Linux's `tcp_info`): unlike
    poll and recv that does not give the interpreter away, which under load costs more than the request.
    """
    try:
        if _TCP_INFO is not None:
            return sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] == _TCP_ESTABLISHED
        return _has_nothing_to_read(sock)
    except OSError:
        return False


def _has_nothing_to_read(sock: socket.socket) -> bool:
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    return False
