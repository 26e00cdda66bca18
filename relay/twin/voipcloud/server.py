"""
Serve a simulated PBX over HTTP: the vendor's API, and beside it the truth and the controls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final
from zoneinfo import ZoneInfo

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from relay.model.clock import Clock
from relay.model.times import from_ms, rfc3339, to_ms
from relay.system_clock import SystemClock
from relay.twin.voipcloud.admission import Admission
from relay.twin.voipcloud.answer_faults import AnswerFaults
from relay.twin.voipcloud.answers import (
    API,
    NOT_FOUND,
    PAGES,
    http_date,
    json_answer,
    posted,
    problem,
)
from relay.twin.voipcloud.control import Control, ControlError, RawAnswer, read_control
from relay.twin.voipcloud.fault_kinds import Fault, Skew, StalePage
from relay.twin.voipcloud.faults import Faults
from relay.twin.voipcloud.parameters import ParametersError, page_query
from relay.twin.voipcloud.pbx import Pbx
from relay.twin.voipcloud.pushes import Pushes
from relay.twin.voipcloud.settings import TwinSettings

TICK_S: Final = 0.25  # how often a phone system that pushes is brought up to date where nobody asks it
SHUTDOWN_S: Final = 1.0
_HEALTHY: Final = {"status": "operational", "message": "All systems operational"}


class VoipcloudTwin:
    """
    Answers requests; owns the PBX and the count of requests, and reads the time at every request.

    In process, `faults` switches what goes wrong, and `pbx` shows rows and truth; `pushes` is None where
    it pushes nothing.
    """

    def __init__(self, settings: TwinSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._zone = ZoneInfo(settings.shape.timezone)
        self._raw_answer: RawAnswer | None = None
        self._system_status: Mapping[str, object] = _HEALTHY
        self.pushes = None if settings.push is None else Pushes(settings.push, settings.seed)
        self.faults = Faults(self.bring_up)
        self._admission = Admission(settings, self.faults, clock)
        self._answer_faults = AnswerFaults(self.faults)
        trigger = None if self.pushes is None else self.pushes.trigger
        self.pbx = Pbx(settings, self._second(), self.faults, trigger)

    @property
    def skew_s(self) -> int:
        """
        Return the clock of the phone system minus that of its clients.
        """
        skew = self.faults.get(Skew)
        return 0 if skew is None else skew.by_s

    @skew_s.setter
    def skew_s(self, by_s: int) -> None:
        self.faults.on(Skew(by_s=by_s))

    def bring_up(self) -> int:
        """
        Let the phone system do all it does by now; return its second.
        """
        return self.pbx.advance(self._second())

    def application(self) -> web.Application:
        """
        Build the web application.
        """
        application = web.Application(middlewares=[self._rules])
        for path in PAGES:
            application.router.add_get(path, self._calls)
        application.router.add_get(f"{API}/get-system-status", self._status)
        application.router.add_post(f"{API}/call-to-number", self._call_to_number)
        application.router.add_get("/truth", self._truth)
        application.router.add_post("/control", self._control)
        return application

    async def tick(self) -> None:
        """
        Keep the phone system up to date until cancelled, so that it pushes without being asked.
        """
        while True:
            await self._clock.sleep(TICK_S)
            self.bring_up()

    @web.middleware
    async def _rules(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.bring_up()
        if not request.path.startswith(API):
            return await handler(request)
        stream = PAGES[request.path][0] if request.path in PAGES else None
        refusal = self._admission.refusal(request)
        await self._answer_faults.delay(stream)
        self.bring_up()
        response: web.StreamResponse | None = self._raw()
        if response is None:
            response = self._answer_faults.instead(request, stream)
        if response is None:
            response = refusal if refusal is not None else await handler(request)
        self._admission.note(response.status)
        response.headers.setdefault("Date", http_date(self._now()))
        return await self._answer_faults.spoilt(request, stream, response)

    def _raw(self) -> web.Response | None:
        answer = self._raw_answer
        if answer is None:
            return None
        if answer.times is not None:
            answer.times -= 1
            if answer.times == 0:
                self._raw_answer = None
        headers = {"Content-Type": "application/json", **answer.headers}
        return web.Response(status=answer.status, body=answer.body.encode(), headers=headers)

    async def _calls(self, request: web.Request) -> web.Response:
        stream, names_parameter = PAGES[request.path]
        if stream in self._settings.rules.absent:
            return problem(404, NOT_FOUND)
        try:
            query = page_query(request.query, names_parameter, self._zone, self._admission.bounds())
        except ParametersError as error:
            return problem(400, f"Parameters error: {error}")
        return self._success(self.pbx.page(stream, query), self._age_of(stream))

    def _age_of(self, stream: str) -> dict[str, str]:
        """
        Return the headers by which a cache tells how old its answer is (RFC 9111, 5.1).
        """
        stale = self.faults.of_stream(StalePage, stream)
        if stale is None or not stale.shows_age:
            return {}
        since = self.faults.since(StalePage)
        return {"Date": http_date(from_ms(since * 1000)), "Age": str(max(0, self._second() - since))}

    async def _status(self, request: web.Request) -> web.Response:
        return self._success(orjson.dumps(self._system_status))

    async def _call_to_number(self, request: web.Request) -> web.Response:
        parameters = await posted(request)
        user_number, number_to_call = parameters.get("user_number"), parameters.get("number_to_call")
        if not user_number or not number_to_call:
            return problem(400, "Parameters error: user_number and number_to_call are required")
        if not self.pbx.dial(user_number, number_to_call):
            return problem(404, NOT_FOUND)
        return json_answer(orjson.dumps({"code": 200, "message": "Success"}))

    async def _truth(self, request: web.Request) -> web.Response:
        besides = {
            "requests": asdict(self._admission.counts()),
            "now": rfc3339(self._clock.now()),
            "done": self.pbx.is_done,
            "faults": self.faults.as_json(),
            "pushes": None if self.pushes is None else self.pushes.as_json(),
        }
        return json_answer(b'{"calls":%b,%b' % (self.pbx.truth_json(), orjson.dumps(besides)[1:]))

    async def _control(self, request: web.Request) -> web.Response:
        try:
            control = read_control(orjson.loads(await request.read()))
        except (ControlError, orjson.JSONDecodeError) as error:
            return problem(400, str(error))
        self._obey(control)
        done = {"making_calls": self.pbx.is_making_calls, "faults": self.faults.as_json()}
        return json_answer(orjson.dumps(done))

    def _obey(self, control: Control) -> None:
        if control.faults is None:
            self.faults.off()
        else:
            self.faults.switch(control.faults)
        if "making_calls" in control.words:
            self.pbx.make_calls(control.is_making_calls)
        if "answer" in control.words:
            self._raw_answer = control.answer
        if "system_status" in control.words:
            self._system_status = control.system_status

    def _success(self, data: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
        body = b'{"code":200,"data":%b}' % data if self._settings.shape.is_wrapped else data
        return json_answer(body, headers=headers)

    def _now(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self.skew_s)

    def _second(self) -> int:
        return to_ms(self._now()) // 1000


class RunningTwin:
    """
    A twin that listens.  Closed by whoever started it.
    """

    def __init__(self, twin: VoipcloudTwin, url: str, rooms: AsyncExitStack) -> None:
        self._rooms = rooms
        self.twin = twin
        self.pbx = twin.pbx
        self.faults = twin.faults
        self.url = url

    async def close(self) -> None:
        """
        Stop listening and pushing.  Safe twice.
        """
        await self._rooms.aclose()


async def start_twin(settings: TwinSettings, clock: Clock, listen: str = "127.0.0.1:0") -> RunningTwin:
    """
    Start a twin on a loopback address; port 0 takes a free one.

    Raises:
        ValueError: not a loopback address with a port.
        OSError: the port is taken.
    """
    host, port = _loopback(listen)
    twin = VoipcloudTwin(settings, clock)
    runner = web.AppRunner(
        twin.application(), access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S
    )
    async with AsyncExitStack() as rooms:
        rooms.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        if twin.pushes is not None:
            for work in (twin.pushes.run(), twin.tick()):
                rooms.push_async_callback(_end, asyncio.create_task(work))
        bound_host, bound_port = runner.addresses[0][:2]
        return RunningTwin(twin, f"http://{_in_url(bound_host)}:{bound_port}", rooms.pop_all())


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def run(
    settings: TwinSettings,
    listen: str,
    stop: asyncio.Event,
    announce: Callable[[str], None],
    faults: Iterable[Fault] = (),
) -> None:
    """
    Serve a twin in real time until `stop`, with some faults on; `announce` gets its URL once it listens.
    """
    twin = await start_twin(settings, SystemClock(), listen)
    try:
        for fault in faults:
            twin.faults.on(fault)
        announce(twin.url)
        await stop.wait()
    finally:
        await twin.close()


def _loopback(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or not ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
        raise ValueError(f"a twin listens on loopback only, as in 127.0.0.1:8090, not on {listen}")
    return host, int(port)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
