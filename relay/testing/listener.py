"""
A receiver for people: takes webhooks of every form, tells each arrival, and goes wrong on command.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from random import Random
from typing import Any, Final

import orjson
from aiohttp import web

from relay.model.times import rfc3339
from relay.testing.arrivals import Arrivals, ArrivedEvent, events_of
from relay.testing.misbehaviour import Misbehaviour, Mood, read_misbehaviour
from relay.testing.signature_check import SignatureCheck

CONTROL: Final = "/_control"
LARGEST_BODY: Final = 16 * 1024 * 1024
SHUTDOWN_S: Final = 1.0

TAKEN: Final = "ok"
UNVERIFIED: Final = "unverified"  # taken, but nobody gave a key to check it with
NO_EVENT: Final = "no event"
TOO_LARGE: Final = "too large"
CONSENTED: Final = "consented"


@dataclass(frozen=True, slots=True)
class Told:
    """
    One line about an arrival: an event of a request, or a request that was refused unread.
    """

    at: datetime
    verdict: str
    webhook_id: str
    event: ArrivedEvent | None = None
    is_seen: bool = False

    def to_json(self) -> dict[str, Any]:
        """
        Return it as a flat object.
        """
        event = self.event
        return {
            "at": rfc3339(self.at),
            "type": event.type if event else None,
            "subject": event.subject if event else None,
            "revision": event.revision if event else None,
            "id": event.id if event else None,
            "webhook_id": self.webhook_id or None,
            "seen_before": self.is_seen,
            "verdict": self.verdict,
        }


class Listener:
    """
    Answers POST on every path, OPTIONS with consent, and `POST /_control` from loopback.

    Args:
        check: finds what is not genuine; None: everything is taken, unverified.
        misbehaviour: what goes wrong from the start.
        tell: gets each arrival.
        largest_body: a longer one is refused.
    """

    def __init__(
        self,
        check: SignatureCheck | None,
        misbehaviour: Misbehaviour,
        tell: Callable[[Told], None],
        largest_body: int = LARGEST_BODY,
    ) -> None:
        self._largest_body = largest_body
        self._check = check
        self._mood = Mood(misbehaviour, Random())  # noqa: S311 - decides who is failed, guards nothing
        self._tell = tell
        self._arrivals = Arrivals()
        self._requests = self._bad_signatures = self._refused = self._failed = 0

    def application(self) -> web.Application:
        """
        Build the web application.
        """
        application = web.Application(client_max_size=self._largest_body)
        application.router.add_post(CONTROL, self._control)
        application.router.add_post("/{path:.*}", self._receive)
        application.router.add_options("/{path:.*}", self._consent)
        return application

    def summary(self) -> dict[str, int]:
        """
        Return what came so far; `refused` had a good signature but no event in it, or was too large.
        """
        return {
            "arrivals": self._requests,
            "distinct_ids": self._arrivals.distinct,
            "resent": self._arrivals.resent,
            "out_of_order": self._arrivals.out_of_order,
            "bad_signatures": self._bad_signatures,
            "refused": self._refused,
            "failed_on_command": self._failed,
        }

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        self._requests += 1
        # The delay is before the answer and behind the line: whoever watches sees what is waited for.
        answer = await self._answered(request)
        await asyncio.sleep(self._mood.misbehaviour.delay_s)
        if answer.status < 300 and self._mood.drops():
            _cut(request)
        return answer

    async def _answered(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(request, TOO_LARGE, 413)
        fault = self._check.fault(request.headers, body) if self._check else None
        if fault is not None:
            self._bad_signatures += 1
            self._say(request, fault)
            return web.Response(status=401, text=fault)
        try:
            events = events_of(request.headers, body)
        except ValueError:  # broken JSON is one too
            return self._refuse(request, NO_EVENT, 400)
        status = self._mood.failing_status()
        if status is not None:
            return self._fail(request, events, status)
        for event in events:
            is_seen = self._arrivals.has_seen(event)
            self._arrivals.take(event)
            self._say(request, TAKEN if self._check else UNVERIFIED, event, is_seen)
        return web.Response(status=204)

    def _fail(self, request: web.Request, events: list[ArrivedEvent], status: int) -> web.Response:
        self._failed += 1
        for event in events:
            self._say(request, f"failed {status}", event, self._arrivals.has_seen(event))
        retry_after_s = self._mood.misbehaviour.retry_after_s
        headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
        return web.Response(status=status, headers=headers)

    def _refuse(self, request: web.Request, verdict: str, status: int) -> web.Response:
        self._refused += 1
        self._say(request, verdict)
        return web.Response(status=status, text=verdict)

    def _say(
        self, request: web.Request, verdict: str, event: ArrivedEvent | None = None, is_seen: bool = False
    ) -> None:
        self._tell(Told(datetime.now(UTC), verdict, request.headers.get("webhook-id", ""), event, is_seen))

    async def _consent(self, request: web.Request) -> web.Response:
        """
        Agree to be sent events (CloudEvents HTTP webhook 1.0, section 4), at whatever rate is asked for.
        """
        origin = request.headers.get("webhook-request-origin")
        headers = {"allow": "POST, OPTIONS"}
        if origin is not None:
            headers["webhook-allowed-origin"] = origin
            headers["webhook-allowed-rate"] = request.headers.get("webhook-request-rate", "*")
            self._say(request, CONSENTED)
        return web.Response(status=200, headers=headers)

    async def _control(self, request: web.Request) -> web.Response:
        if not ip_address((request.remote or "0.0.0.0").partition("%")[0]).is_loopback:  # noqa: S104 - no bind
            return web.Response(status=403, text="only from this machine")
        if request.content_type != "application/json":  # what no page of a browser sends elsewhere unasked
            return web.Response(status=415, text="application/json")
        try:
            said = orjson.loads(await request.read())
            before = self._mood.misbehaviour
            if said != {}:
                self._mood.misbehave(read_misbehaviour(said, before))
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        shown = {"misbehaviour": self._mood.misbehaviour.to_json(), "summary": self.summary()}
        return web.Response(body=orjson.dumps(shown), content_type="application/json")


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def serving(listener: Listener, host: str, port: int) -> AsyncIterator[str]:
    """
    Serve inside the block; give the URL.

    Raises:
        OSError: it cannot listen there.
    """
    runner = web.AppRunner(listener.application(), access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        yield (
            f"http://[{bound_host}]:{bound_port}/"
            if ":" in bound_host
            else f"http://{bound_host}:{bound_port}/"
        )
    finally:
        await runner.cleanup()
