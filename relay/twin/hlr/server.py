"""
Serve number look-ups over HTTP: what a number is follows from its last two digits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

import orjson
from aiohttp import web

from relay.model.number_status import INVALID, UNKNOWN, UNREACHABLE, VALID
from relay.twin.vicidial.server import serve_on_loopback

PATH: Final = "/lookup"
MAX_TOLD: Final = 10_000
# Numbers that end so are what stands beside; all others are valid.
STATUSES: Final = {"90": INVALID, "91": UNREACHABLE, "92": UNKNOWN}
SLOW: Final = "93"  # valid, but answered late
FAILING: Final = "94"  # 500, an HTML page
GARBLED: Final = "95"  # 200, broken off JSON
OTHER: Final = "96"  # about another number
BUSY: Final = "97"  # 429
ENDINGS: Final = (*STATUSES, SLOW, FAILING, GARBLED, OTHER, BUSY)


@dataclass(frozen=True, slots=True)
class HlrTwinSettings:
    """
    The token it asks for, and how late it is where it is slow.
    """

    token: str = "twin"  # noqa: S105 (guards nothing)
    slow_s: float = 10.0


class HlrTwin:
    """
    Answers look-ups; `asked` are the newest numbers that it was asked about, oldest first.
    """

    def __init__(self, settings: HlrTwinSettings) -> None:
        self._settings = settings
        self.asked: deque[str] = deque(maxlen=MAX_TOLD)
        self.requests = 0
        self.refused = 0

    def application(self) -> web.Application:
        """
        Build the web application.
        """
        application = web.Application()
        application.router.add_get(PATH, self._look_up)
        application.router.add_post(PATH, self._look_up)
        application.router.add_get("/truth", self._truth)
        return application

    async def _look_up(self, request: web.Request) -> web.Response:
        self.requests += 1
        given = request.headers.get("Authorization", "")
        if not compare_digest(given.encode(), f"Bearer {self._settings.token}".encode()):
            self.refused += 1
            return _json({"error": "wrong token"}, 401)
        posted = await request.post() if request.method == "POST" else request.query
        number = posted.get("number")
        if not isinstance(number, str) or not number.removeprefix("+").isdecimal():
            return _json({"error": "number is missing"}, 400)
        self.asked.append(number)
        return await self._answer(number)

    async def _answer(self, number: str) -> web.Response:
        ending = number[-2:]
        if ending == SLOW:
            await asyncio.sleep(self._settings.slow_s)
        if ending == FAILING:
            return web.Response(
                status=500, text="<html>Internal Server Error</html>", content_type="text/html"
            )
        if ending == GARBLED:
            return web.Response(body=b'{"number": "' + number.encode(), content_type="application/json")
        if ending == BUSY:
            return _json({"error": "too many requests"}, 429)
        told = f"{number[:-2]}00" if ending == OTHER else number
        return _json({"number": told, "status": STATUSES.get(ending, VALID), "network": "Twin Mobile"})

    async def _truth(self, _request: web.Request) -> web.Response:
        return _json({"asked": list(self.asked), "requests": self.requests, "refused": self.refused})


class RunningHlr:
    """
    A twin that listens.  Closed by whoever started it.
    """

    def __init__(self, twin: HlrTwin, url: str, rooms: AsyncExitStack) -> None:
        self._rooms = rooms
        self.twin = twin
        self.url = url
        self.lookup_url = url + PATH

    async def close(self) -> None:
        """
        Stop listening.  Safe twice.
        """
        await self._rooms.aclose()


async def start_hlr_twin(settings: HlrTwinSettings, listen: str = "127.0.0.1:0") -> RunningHlr:
    """
    Start a twin on a loopback address; port 0 takes a free one.

    Raises:
        ValueError: not a loopback address with a port.
        OSError: the port is taken.
    """
    twin = HlrTwin(settings)
    async with AsyncExitStack() as rooms:
        url = await serve_on_loopback(twin.application(), listen, rooms)
        return RunningHlr(twin, url, rooms.pop_all())


async def run(
    settings: HlrTwinSettings, listen: str, stop: asyncio.Event, announce: Callable[[str], None]
) -> None:
    """
    Serve a twin until `stop`; `announce` gets the URL of its look-up once it listens.
    """
    running = await start_hlr_twin(settings, listen)
    try:
        announce(running.lookup_url)
        await stop.wait()
    finally:
        await running.close()


def _json(document: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")
