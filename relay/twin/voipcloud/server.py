"""
Serve a simulated PBX over HTTP: the vendor's API, and beside it the truth and the controls.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from dataclasses import asdict
from ipaddress import ip_address
from typing import Final
from zoneinfo import ZoneInfo

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.clock import Clock
from relay.model.times import rfc3339, to_ms
from relay.system_clock import SystemClock
from relay.twin.voipcloud.faults import ControlError, RawAnswer, read_control
from relay.twin.voipcloud.parameters import ParametersError, page_query
from relay.twin.voipcloud.pbx import Pbx
from relay.twin.voipcloud.settings import TwinSettings
from relay.twin.voipcloud.throttle import Throttle

API: Final = "/api/integration/v1"
_PAGES: Final = {
    "get-user-calls": (USER_CALLS, "users_names"),
    "get-queue-calls": (QUEUE_CALLS, "queues_names"),
    "get-ringgroup-calls": (RINGGROUP_CALLS, "ringgroups_names"),
}
_HEALTHY: Final = {"status": "operational", "message": "All systems operational"}


class VoipcloudTwin:
    """
    Answers requests; owns the PBX and the count of requests, and reads the time at every request.
    """

    def __init__(self, settings: TwinSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._zone = ZoneInfo(settings.shape.timezone)
        self._throttle = Throttle(settings.rules.requests, settings.rules.per_s)
        self._raw_answer: RawAnswer | None = None
        self._system_status: Mapping[str, object] = _HEALTHY
        self.pbx = Pbx(settings, self._second())

    def application(self) -> web.Application:
        """
        Build the web application.
        """
        application = web.Application(middlewares=[self._rules])
        for name in _PAGES:
            application.router.add_get(f"{API}/{name}", self._calls)
        application.router.add_get(f"{API}/get-system-status", self._status)
        application.router.add_post(f"{API}/call-to-number", self._call_to_number)
        application.router.add_get("/truth", self._truth)
        application.router.add_post("/control", self._control)
        return application

    @web.middleware
    async def _rules(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.pbx.advance(self._second())
        if not request.path.startswith(API):
            return await handler(request)
        refusal = self._unauthorised(request)
        if refusal is None:
            refusal = self._too_many(self._throttle.count(self._clock.monotonic()))
        response: web.StreamResponse | None = self._spoilt_answer()
        if response is None:
            response = refusal if refusal is not None else await handler(request)
        if response.status == web.HTTPTooManyRequests.status_code:
            self._throttle.note_429()
        return response

    def _unauthorised(self, request: web.Request) -> web.Response | None:
        whitelist = self._settings.rules.whitelist
        if whitelist and request.remote not in whitelist:
            return _problem(401, f"Not authorised: IP address {request.remote} is not in the whitelist")
        token = request.headers.get("token", "")
        if not hmac.compare_digest(token.encode(), self._settings.token.encode()):
            return _problem(401, "Not authorised: the API key is missing or wrong")
        return None

    def _too_many(self, wait_s: int | None) -> web.Response | None:
        if wait_s is None:
            return None
        headers = {"Retry-After": str(wait_s)} if self._settings.rules.has_retry_after else None
        return _problem(429, "Too Many Requests", headers)

    def _spoilt_answer(self) -> web.Response | None:
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
        stream, names_parameter = _PAGES[request.path.rsplit("/", 1)[1]]
        if stream in self._settings.rules.absent:
            return _problem(404, "Tenant or required data not found")
        try:
            query = page_query(request.query, names_parameter, self._zone)
        except ParametersError as error:
            return _problem(400, f"Parameters error: {error}")
        return self._success(self.pbx.page(stream, query))

    async def _status(self, request: web.Request) -> web.Response:
        return self._success(orjson.dumps(self._system_status))

    async def _call_to_number(self, request: web.Request) -> web.Response:
        parameters = await _posted(request)
        user_number, number_to_call = parameters.get("user_number"), parameters.get("number_to_call")
        if not user_number or not number_to_call:
            return _problem(400, "Parameters error: user_number and number_to_call are required")
        if not self.pbx.dial(user_number, number_to_call):
            return _problem(404, "Tenant or required data not found")
        return _json(orjson.dumps({"code": 200, "message": "Success"}))

    async def _truth(self, request: web.Request) -> web.Response:
        requests = orjson.dumps(asdict(self._throttle.counts()))
        now = orjson.dumps(rfc3339(self._clock.now()))
        done = orjson.dumps(self.pbx.is_done)
        return _json(
            b'{"calls":%b,"requests":%b,"now":%b,"done":%b}' % (self.pbx.truth_json(), requests, now, done)
        )

    async def _control(self, request: web.Request) -> web.Response:
        try:
            control = read_control(orjson.loads(await request.read()))
        except (ControlError, orjson.JSONDecodeError) as error:
            return _problem(400, str(error))
        if "making_calls" in control.words:
            self.pbx.make_calls(control.is_making_calls)
        if "garble" in control.words:
            for stream, rows in self.pbx.streams.items():
                is_meant = control.garbled is not None and control.garbled[0] == stream
                rows.garble(control.garbled[1] if control.garbled and is_meant else None)
        if "answer" in control.words:
            self._raw_answer = control.answer
        if "system_status" in control.words:
            self._system_status = control.system_status
        return _json(orjson.dumps({"making_calls": self.pbx.is_making_calls}))

    def _success(self, data: bytes) -> web.Response:
        return _json(b'{"code":200,"data":%b}' % data if self._settings.shape.is_wrapped else data)

    def _second(self) -> int:
        return to_ms(self._clock.now()) // 1000


class RunningTwin:
    """
    A twin that listens.  Closed by whoever started it.
    """

    def __init__(self, twin: VoipcloudTwin, runner: web.AppRunner, url: str) -> None:
        self._runner = runner
        self.pbx = twin.pbx
        self.url = url

    async def close(self) -> None:
        """
        Stop listening.  Safe twice.
        """
        await self._runner.cleanup()


async def start_twin(settings: TwinSettings, clock: Clock, listen: str = "127.0.0.1:0") -> RunningTwin:
    """
    Start a twin on a loopback address; port 0 takes a free one.

    Raises:
        ValueError: not a loopback address with a port.
        OSError: the port is taken.
    """
    host, port = _loopback(listen)
    twin = VoipcloudTwin(settings, clock)
    runner = web.AppRunner(twin.application(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    bound_host, bound_port = runner.addresses[0][:2]
    return RunningTwin(twin, runner, f"http://{_in_url(bound_host)}:{bound_port}")


async def run(
    settings: TwinSettings, listen: str, stop: asyncio.Event, announce: Callable[[str], None]
) -> None:
    """
    Serve a twin in real time until `stop`; `announce` gets its URL once it listens.
    """
    twin = await start_twin(settings, SystemClock(), listen)
    try:
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


async def _posted(request: web.Request) -> Mapping[str, str]:
    """
    Return the parameters of a POST, wherever they are: query, form or JSON.
    """
    parameters = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return {}
        if isinstance(body, dict):
            parameters.update({key: str(value) for key, value in body.items()})
    else:
        parameters.update(
            {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        )
    return parameters


def _problem(code: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return _json(orjson.dumps({"code": code, "message": message}), code, headers)


def _json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
