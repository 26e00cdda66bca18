"""
A webhook receiver that checks everything a careful receiver would.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import orjson
from aiohttp import web

from relay.testing.signature_check import SignatureCheck

PATH: Final = "/hooks"


class VerifyingReceiver:
    """
    Listens on loopback, verifies Standard Webhooks `v1` signatures and keeps each distinct event.

    `events` holds the event of each webhook-id, in order of arrival; `resent` counts ids that came again,
    `bad_signatures` and `bad_bodies` what was refused, `order_faults` the new ids whose revision was not
    above the last one of their subject.  While failing, verified events are refused and not kept.

    Args:
        secrets: `whsec_…`, one or several (rotation).
        now: Unix seconds, for the tolerance of five minutes.
    """

    def __init__(self, secrets: str | Sequence[str], now: Callable[[], float] = time.time) -> None:
        texts = [secrets] if isinstance(secrets, str) else list(secrets)
        self._check = SignatureCheck(texts, now)
        self._runner: web.AppRunner | None = None
        self._arrived = asyncio.Condition()
        self._failure: tuple[int, dict[str, str]] | None = None
        self._failures_left: int | None = None
        self._revisions: dict[str, int] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.resent = self.refused = self.bad_signatures = self.bad_bodies = self.order_faults = 0
        self.url = ""

    @property
    def received(self) -> int:
        """
        Return how many distinct events came.
        """
        return len(self.events)

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post(PATH, self._receive)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{PATH}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """
        Stop listening.  Safe twice, and without a start.
        """
        if self._runner is not None:
            await self._runner.cleanup()

    def fail_with(
        self, status: int, headers: Mapping[str, str] | None = None, times: int | None = None
    ) -> None:
        """
        Answer verified events with `status`, for so many `times` or until `recover`.
        """
        self._failure = (status, dict(headers or {}))
        self._failures_left = times

    def recover(self) -> None:
        """
        Take events again.
        """
        self._failure = None
        self._failures_left = None

    async def wait_for(self, count: int, timeout_s: float = 10.0) -> None:
        """
        Return once `count` distinct events came.

        Raises:
            TimeoutError: they did not come in time.
        """
        async with asyncio.timeout(timeout_s), self._arrived:
            await self._arrived.wait_for(lambda: self.received >= count)

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self._check.fault(request.headers, body) is not None:
            self.bad_signatures += 1
            return web.Response(status=401)
        if self._failure is not None:
            return self._refuse(*self._failure)
        try:
            event = orjson.loads(body)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            self.bad_bodies += 1
            return web.Response(status=400)
        await self._keep(request.headers["webhook-id"], event)
        return web.Response(status=204)

    def _refuse(self, status: int, headers: dict[str, str]) -> web.Response:
        self.refused += 1
        if self._failures_left is not None:
            self._failures_left -= 1
            if self._failures_left <= 0:
                self.recover()
        return web.Response(status=status, headers=headers)

    async def _keep(self, webhook_id: str, event: dict[str, Any]) -> None:
        if webhook_id in self.events:
            self.resent += 1
            return
        self.events[webhook_id] = event
        subject, data = event.get("subject"), event.get("data")
        if isinstance(subject, str) and isinstance(data, dict) and isinstance(data.get("revision"), int):
            self.order_faults += data["revision"] <= self._revisions.get(subject, 0)
            self._revisions[subject] = max(data["revision"], self._revisions.get(subject, 0))
        async with self._arrived:
            self._arrived.notify_all()
