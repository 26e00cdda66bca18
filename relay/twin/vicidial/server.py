"""
Serve a simulated dialer over HTTP: the vendor's page, and beside it the truth and the controls.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from ipaddress import ip_address
from typing import Final

import orjson
from aiohttp import web

from relay.model.clock import Clock
from relay.twin.vicidial.asking import Reply
from relay.twin.vicidial.page import Page
from relay.twin.vicidial.settings import DialerTwinSettings
from relay.twin.vicidial.world import World

PAGES: Final = ("/adminpanel/api.php", "/")
SHUTDOWN_S: Final = 1.0
_HEADERS: Final = {"Cache-Control": "no-cache, must-revalidate", "Pragma": "no-cache"}


class DialerTwin:
    """
    Answers requests; brings the world up to the clock before each.

    In process, `world` shows the truth and takes part in scripts, and `page` is what the vendor would serve.
    """

    def __init__(self, settings: DialerTwinSettings, clock: Clock) -> None:
        self._clock = clock
        self._is_latin1 = settings.dialect.is_latin1
        self.world = World(settings, clock.now_ms())
        self.page = Page(settings, self.world)

    def bring_up(self) -> None:
        """
        Let the world do all it does by now.
        """
        self.world.advance(self._clock.now_ms())

    def application(self) -> web.Application:
        """
        Build the web application.
        """
        application = web.Application()
        for path in PAGES:
            application.router.add_get(path, self._ask)
            application.router.add_post(path, self._ask)
        application.router.add_get("/truth", self._truth)
        return application

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        posted = await request.post() if request.method == "POST" else {}
        fields = [(name, value) for name, value in posted.items() if isinstance(value, str)]
        self.bring_up()
        url = f"{request.scheme}://{request.host}"
        # GET wins over POST, and the last of a name over the others.
        reply = self.page.answer([*fields, *request.query.items()], request.remote, url)
        return self._written(reply)

    def _written(self, reply: Reply) -> web.Response:
        body = reply.body.encode("latin-1", "replace") if self._is_latin1 else reply.body.encode()
        headers = {**_HEADERS, "Content-Type": "text/html; charset=utf-8"}
        return web.Response(body=body, status=reply.status, headers=headers)

    async def _truth(self, request: web.Request) -> web.Response:
        self.bring_up()
        return web.Response(body=orjson.dumps(self.world.truth()), content_type="application/json")


class RunningDialer:
    """
    A twin that listens.  Closed by whoever started it.
    """

    def __init__(self, twin: DialerTwin, url: str, rooms: AsyncExitStack) -> None:
        self._rooms = rooms
        self.twin = twin
        self.world = twin.world
        self.page = twin.page
        self.url = url

    @property
    def api_url(self) -> str:
        """
        Return the address of the vendor's page.
        """
        return f"{self.url}{PAGES[0]}"

    async def close(self) -> None:
        """
        Stop listening and calling URLs.  Safe twice.
        """
        await self._rooms.aclose()


async def start_dialer_twin(
    settings: DialerTwinSettings, clock: Clock, listen: str = "127.0.0.1:0"
) -> RunningDialer:
    """
    Start a twin on a loopback address; port 0 takes a free one.

    Raises:
        ValueError: not a loopback address with a port.
        OSError: the port is taken.
    """
    twin = DialerTwin(settings, clock)
    async with AsyncExitStack() as rooms:
        url = await serve_on_loopback(twin.application(), listen, rooms)
        return RunningDialer(twin, url, rooms.pop_all())


async def serve_on_loopback(application: web.Application, listen: str, rooms: AsyncExitStack) -> str:
    """
    Serve an application until `rooms` close; return its URL.

    Raises:
        ValueError: not a loopback address with a port.
        OSError: the port is taken.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or not ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
        raise ValueError(f"a twin listens on loopback only, as in 127.0.0.1:8090, not on {listen}")
    runner = web.AppRunner(
        application, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S
    )
    rooms.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.TCPSite(runner, host, int(port)).start()
    bound_host, bound_port = runner.addresses[0][:2]
    return f"http://[{bound_host}]:{bound_port}" if ":" in bound_host else f"http://{bound_host}:{bound_port}"
