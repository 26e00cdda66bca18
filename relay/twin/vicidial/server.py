"""
Serve a simulated dialer over HTTP: the vendor's page, and beside it the truth and the controls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, suppress
from ipaddress import ip_address
from typing import Any, Final

import orjson
from aiohttp import web

from relay.model.clock import Clock
from relay.system_clock import SystemClock
from relay.twin.vicidial import spoiling
from relay.twin.vicidial.asking import Reply, filtered
from relay.twin.vicidial.control import Control, ControlError
from relay.twin.vicidial.faults import Fault, Faults
from relay.twin.vicidial.hook_calls import HookCalls
from relay.twin.vicidial.page import Page
from relay.twin.vicidial.settings import DialerTwinSettings
from relay.twin.vicidial.world import World

PAGES: Final = ("/adminpanel/api.php", "/")
SHUTDOWN_S: Final = 1.0
TICK_S: Final = 0.25  # how often a dialer that calls URLs is brought up to date where nobody asks it
_HEADERS: Final = {"Cache-Control": "no-cache, must-revalidate", "Pragma": "no-cache"}


class DialerTwin:
    """
    Answers requests; brings the world up to the clock before each.

    In process, `world` shows the truth and takes part in scripts, `page` is what the vendor would serve, and
    `faults` switches what goes wrong; `hooks` is None where no URL is to be called.
    """

    def __init__(self, settings: DialerTwinSettings, clock: Clock) -> None:
        self._clock = clock
        self._is_latin1 = settings.dialect.is_latin1
        has_hooks = settings.hooks.has_any
        self.hooks = HookCalls(settings.hooks, settings.seed, self._event_ms) if has_hooks else None
        self.world = World(settings, clock.now_ms(), *(() if self.hooks is None else (self.hooks.tell,)))
        self.faults = Faults(settings.seed)
        self.page = Page(settings, self.world)
        self._control = Control(self.world, self.page, self.faults, settings.access)
        if self.hooks is not None:
            self.hooks.open()

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
        application.router.add_post("/control", self._obey)
        return application

    async def tick(self) -> None:
        """
        Keep the world up to date until cancelled, so that it calls URLs without being asked.
        """
        while True:
            await self._clock.sleep(TICK_S)
            self.bring_up()

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        posted = await request.post() if request.method == "POST" else {}
        fields = [(name, value) for name, value in posted.items() if isinstance(value, str)]
        # GET wins over POST, and the last of a name over the others.
        given = [*fields, *request.query.items()]
        params = filtered(given)
        function = params.get("function", "")
        await spoiling.hold(self.faults, function, request)
        self.bring_up()
        user, password = params.get("user", ""), params.get("pass", "")
        reply = spoiling.refusal(self.faults, function, user, password, request.remote)
        if reply is None:
            reply = self.page.answer(given, request.remote, f"{request.scheme}://{request.host}")
        return self._written(spoiling.spoilt(self.faults, function, reply))

    def _written(self, reply: Reply) -> web.Response:
        body = reply.body.encode("latin-1", "replace") if self._is_latin1 else reply.body.encode()
        headers = {**_HEADERS, "Content-Type": "text/html; charset=utf-8"}
        return web.Response(body=body, status=reply.status, headers=headers)

    async def _truth(self, request: web.Request) -> web.Response:
        self.bring_up()
        hooks = None if self.hooks is None else self.hooks.as_json()
        truth = {**self.world.truth(), "hooks": hooks, "faults": self.faults.as_json()}
        return _json(truth)

    async def _obey(self, request: web.Request) -> web.Response:
        self.bring_up()
        try:
            return _json(self._control.obey(orjson.loads(await request.read())))
        except (ControlError, orjson.JSONDecodeError) as error:
            return _json({"message": str(error)}, status=400)

    def _event_ms(self) -> int:
        return self.world.now_ms


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


class RunningDialer:
    """
    A twin that listens.  Closed by whoever started it.
    """

    def __init__(self, twin: DialerTwin, url: str, rooms: AsyncExitStack) -> None:
        self._rooms = rooms
        self.twin = twin
        self.world = twin.world
        self.page = twin.page
        self.faults = twin.faults
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
        if twin.hooks is not None:
            for work in (twin.hooks.run(), twin.tick()):
                run_beside(work, rooms)
        return RunningDialer(twin, url, rooms.pop_all())


async def run(
    settings: DialerTwinSettings,
    listen: str,
    stop: asyncio.Event,
    announce: Callable[[str], None],
    faults: Iterable[Fault] = (),
) -> None:
    """
    Serve a twin in real time until `stop`, with some faults on; `announce` gets its URL once it listens.
    """
    twin = await start_dialer_twin(settings, SystemClock(), listen)
    try:
        for fault in faults:
            twin.faults.on(fault)
        announce(twin.url)
        await stop.wait()
    finally:
        await twin.close()


def run_beside(work: Coroutine[Any, Any, None], rooms: AsyncExitStack) -> None:
    """
    Run something in its own task until `rooms` close.
    """
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    rooms.push_async_callback(end)


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
