"""
A simulated dialer that listens, a clock in the test's hand, and someone who asks it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp

from relay.testing.manual_clock import ManualClock
from relay.twin.vicidial.script import Script
from relay.twin.vicidial.server import RunningDialer, start_dialer_twin
from relay.twin.vicidial.settings import Access, Dialect, DialerTwinSettings, Floor

# 03:05:43 in New York: the second at which the recorded server was asked.
START = datetime(2026, 11, 21, 8, 5, 43, tzinfo=UTC)
API = Access("apiuser", "apipass9")
LOGIN = {"source": "test", "user": "apiuser", "pass": "apipass9"}
QUIET = DialerTwinSettings(floor=Floor(is_scripted=True), access=API)
BUSY = DialerTwinSettings(access=API)


class Asking:
    """
    Asks the page of one twin as the API user.
    """

    def __init__(self, running: RunningDialer, clock: ManualClock, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.clock = clock
        self.session = session
        self.script = Script(running.world)

    async def whole(self, function: str = "", **params: Any) -> tuple[int, str]:
        """
        Return status and body; a parameter that is None is not sent.
        """
        asked = {**LOGIN, "function": function, **params}
        sent = {name: str(value) for name, value in asked.items() if value is not None}
        async with self.session.get(self.running.api_url, params=sent) as response:
            return response.status, await response.text()

    async def ask(self, function: str = "", **params: Any) -> str:
        status, body = await self.whole(function, **params)
        assert 200 == status, body
        return body

    async def rows(self, function: str, **params: Any) -> list[list[str]]:
        return [line.split("|") for line in (await self.ask(function, **params)).splitlines()]

    async def control(self, **words: Any) -> tuple[int, Any]:
        async with self.session.post(f"{self.running.url}/control", json=words) as response:
            return response.status, await response.json()

    async def truth(self) -> dict[str, Any]:
        async with self.session.get(f"{self.running.url}/truth") as response:
            return dict(await response.json())


@asynccontextmanager
async def dialer(settings: DialerTwinSettings = QUIET, run_s: float = 0) -> AsyncIterator[Asking]:
    clock = ManualClock(START)
    running = await start_dialer_twin(settings, clock)
    clock.advance(run_s)
    try:
        async with aiohttp.ClientSession() as session:
            yield Asking(running, clock, session)
    finally:
        await running.close()


def of_version(version: str, **dialect: Any) -> DialerTwinSettings:
    return DialerTwinSettings(
        floor=Floor(is_scripted=True), access=API, dialect=Dialect(version=version, **dialect)
    )
