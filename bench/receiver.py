"""
The receiver of all webhook figures: a process of its own that costs as little as one in Python can.

It answers every POST with 200 and keeps when each webhook-id came first, on the clock that every process of
the machine shares (CLOCK_MONOTONIC).  Paths have three characters (`/00`): they are part of what is counted
once, since ten endpoints get one event ten times.

A request without a body is a question of the bench: `GET /arrivals` tells all, `GET /reset` forgets all.
After `GET /refuse` every POST is answered with 503 and counted as refused, until `GET /accept`.

With the file of a certificate and its key as argument it listens on a second port too, with TLS.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from typing import Final, cast

import orjson
import uvloop

REFUSAL: Final = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
ANSWER: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
LENGTH: Final = b"ength: "  # of Content-Length in either spelling, and of no other header
ID: Final = b"webhook-id: "
PATH: Final = slice(5, 8)  # behind "POST "


class Arrivals:
    """
    What came: the time of each first arrival by path and id, how many came again, and how many were refused.
    """

    def __init__(self) -> None:
        self.first: dict[bytes, float] = {}
        self.resent = self.refused = 0
        self.is_refusing = False

    def reset(self) -> None:
        """
        Forget all.
        """
        self.first.clear()
        self.resent = self.refused = 0
        self.is_refusing = False

    def to_json(self) -> bytes:
        """
        Return all, the ids with their paths before them.
        """
        first = {key.decode(): at for key, at in self.first.items()}
        return orjson.dumps({"first": first, "resent": self.resent, "refused": self.refused})


class Connection(asyncio.Protocol):
    """
    One connection: finds the end of each request and answers it at once.
    """

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Take the connection.
        """
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        """
        Answer every request that is whole.
        """
        if self._rest:
            data = self._rest + data
        while data:
            head_end = data.find(b"\r\n\r\n") + 4
            if head_end == 3:
                break
            length_at = data.find(LENGTH, 0, head_end)
            if length_at < 0:
                self._answer_question(data[:head_end])
                data = data[head_end:]
                continue
            length_at += len(LENGTH)
            end = head_end + int(data[length_at : data.find(b"\r", length_at)])
            if len(data) < end:
                break
            if self._arrivals.is_refusing:
                self._arrivals.refused += 1
                self._transport.write(REFUSAL)
            else:
                self._count(data)
                self._transport.write(ANSWER)
            data = data[end:]
        self._rest = data

    def _count(self, data: bytes) -> None:
        at = data.find(ID) + len(ID)
        key = data[PATH] + data[at : data.find(b"\r", at)]
        first = self._arrivals.first
        if key in first:
            self._arrivals.resent += 1
        else:
            first[key] = time.monotonic()

    def _answer_question(self, head: bytes) -> None:
        body = self._arrivals.to_json()
        if head.startswith(b"GET /reset "):
            self._arrivals.reset()
        elif not head.startswith(b"GET /arrivals "):
            self._arrivals.is_refusing = head.startswith(b"GET /refuse ")
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def main() -> None:
    """
    Listen on a free port, or on two, print them, and serve until ended.
    """
    arrivals, loop = Arrivals(), asyncio.get_running_loop()
    for certificate in (None, *sys.argv[1:]):
        tls = None
        if certificate is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(certificate)
        server = await loop.create_server(lambda: Connection(arrivals), "127.0.0.1", 0, backlog=1024, ssl=tls)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
