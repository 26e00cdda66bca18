"""
Serve a simulated Elision dialer over HTTP: the vendor's page, and beside it the truth and the controls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any, Final

import orjson
from aiohttp import web

from relay.twin.elision.page import Page
from relay.twin.elision.settings import ElisionTwinSettings
from relay.twin.elision.store import LeadList, Store
from relay.twin.vicidial import spoiling
from relay.twin.vicidial.asking import Reply
from relay.twin.vicidial.faults import Fault, Faults, read_fault
from relay.twin.vicidial.server import serve_on_loopback

PATH: Final = "/dialer/elision_api.php"
_LIST: Final = {"list_id", "name", "campaign", "active"}


class ElisionTwin:
    """
    Answers requests out of `store`; `faults` are those of the other dialer.

    POST /control says `{"lists": [{"list_id": …, "name": …, "campaign": …, "active": true}]}` to have these
    lists and no others, or `{"faults": {NAME: {…}}}`, null to switch off.
    """

    def __init__(self, settings: ElisionTwinSettings, seed: int = 1) -> None:
        self.store = Store(settings)
        self.faults = Faults(seed)
        self._page = Page(self.store)

    def application(self) -> web.Application:
        """
        Build the web application.
        """
        application = web.Application()
        for path in (PATH, "/"):
            application.router.add_get(path, self._ask)
            application.router.add_post(path, self._ask)
        application.router.add_get("/truth", self._truth)
        application.router.add_post("/control", self._obey)
        return application

    async def _ask(self, request: web.Request) -> web.Response:
        posted = await request.post() if request.method == "POST" else {}
        fields = {name: value for name, value in posted.items() if isinstance(value, str)}
        params = {**fields, **dict(request.query.items())}
        function = params.get("function", "")
        await spoiling.hold(self.faults, function, request)
        login = (params.get("user", ""), params.get("pass", ""), request.remote)
        reply = spoiling.refusal(self.faults, function, *login) or Reply(self._page.answer(params))
        reply = spoiling.spoilt(self.faults, function, reply)
        return web.Response(text=reply.body, status=reply.status, content_type="text/html")

    async def _truth(self, request: web.Request) -> web.Response:
        return _json(self.store.as_json())

    async def _obey(self, request: web.Request) -> web.Response:
        try:
            self._switch(orjson.loads(await request.read()))
        except ValueError as error:
            return _json({"message": str(error)}, status=400)
        return _json({"faults": self.faults.as_json(), "lists": self.store.active_lists()})

    def _switch(self, said: Any) -> None:
        if not isinstance(said, dict) or not said or not {"lists", "faults"}.issuperset(said):
            raise ValueError("say lists or faults")
        lists = _lists(said["lists"]) if "lists" in said else None
        faults = said.get("faults", {})
        if faults is not None and not isinstance(faults, dict):
            raise ValueError("faults must be null, or an object with details, or null, by a fault's name")
        read = {
            name: None if details is None else read_fault(name, details)
            for name, details in (faults or {}).items()
        }
        if faults is None:
            self.faults.off()
        for name, fault in read.items():
            if fault is None:
                self.faults.off(name)
            else:
                self.faults.on(fault)
        if lists is not None:
            self.store.replace_lists(lists)


class RunningElision:
    """
    A twin that listens.  Closed by whoever started it.
    """

    def __init__(self, twin: ElisionTwin, url: str, rooms: AsyncExitStack) -> None:
        self._rooms = rooms
        self.twin = twin
        self.store = twin.store
        self.faults = twin.faults
        self.url = url

    @property
    def api_url(self) -> str:
        """
        Return the address of the vendor's page.
        """
        return f"{self.url}{PATH}"

    async def close(self) -> None:
        """
        Stop listening.  Safe twice.
        """
        await self._rooms.aclose()


async def start_elision_twin(
    settings: ElisionTwinSettings, listen: str = "127.0.0.1:0", seed: int = 1
) -> RunningElision:
    """
    Start a twin on a loopback address; port 0 takes a free one.

    Raises:
        ValueError: not a loopback address with a port.
        OSError: the port is taken.
    """
    twin = ElisionTwin(settings, seed)
    async with AsyncExitStack() as rooms:
        url = await serve_on_loopback(twin.application(), listen, rooms)
        return RunningElision(twin, url, rooms.pop_all())


async def run(
    settings: ElisionTwinSettings,
    listen: str,
    stop: asyncio.Event,
    announce: Callable[[str], None],
    faults: Iterable[Fault] = (),
) -> None:
    """
    Serve a twin until `stop`, with some faults on; `announce` gets its URL once it listens.
    """
    twin = await start_elision_twin(settings, listen)
    try:
        for fault in faults:
            twin.faults.on(fault)
        announce(twin.url)
        await stop.wait()
    finally:
        await twin.close()


def _lists(said: Any) -> list[LeadList]:
    if not isinstance(said, list) or not all(isinstance(one, dict) and set(one) <= _LIST for one in said):
        raise ValueError(f"lists must be a list of objects with {', '.join(sorted(_LIST))}")
    return [
        LeadList(
            str(one.get("list_id", "")),
            str(one.get("name", "")),
            str(one.get("campaign", "")),
            bool(one.get("active", True)),
        )
        for one in said
    ]


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
