"""
The fastest sender in Python: proves what the receiver can take.

64 connections, each sends its next request when it has read the answer to the last one (no pipelining);
every request has an id of its own, so that the receiver does all its work.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

CONNECTIONS: Final = 64
BODY: Final = b"x" * 680
END: Final = b"\r\n\r\n"


@dataclass(slots=True)
class Job:
    """
    What all connections share: requests still to be sent, answers still to come.
    """

    to_send: int
    to_come: int
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Sender(asyncio.Protocol):
    """
    One connection.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Send the first request.
        """
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is not a subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        """
        Count the answer, which is one small packet, and send the next request.
        """
        if not data.endswith(END):
            raise AssertionError(f"an answer in pieces: {data!r}")
        self._job.to_come -= 1
        if self._job.to_come == 0:
            self._job.done.set()
        self._send()

    def _send(self) -> None:
        if self._job.to_send:
            self._job.to_send -= 1
            self._transport.write(
                b"POST /00 HTTP/1.1\r\nhost: 127.0.0.1\r\nwebhook-id: evt_%032d\r\n"
                b"content-type: application/json\r\ncontent-length: 680\r\n\r\n%b" % (self._job.to_send, BODY)
            )


async def load(params: dict[str, Any]) -> dict[str, float]:
    """
    Send `requests` requests to `url`; return how many a second were answered.
    """
    address, requests = urlsplit(params["url"]), params["requests"]
    job = Job(requests, requests)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    for _ in range(min(CONNECTIONS, requests)):
        await loop.create_connection(lambda: Sender(job), address.hostname, address.port)
    await job.done.wait()
    return {"per_s": requests / (time.perf_counter() - started)}
