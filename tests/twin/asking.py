"""
A twin on a clock that a test moves, and somebody who asks it over HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from relay.testing.manual_clock import ManualClock
from relay.twin.voipcloud.answers import API
from relay.twin.voipcloud.server import RunningTwin, start_twin
from relay.twin.voipcloud.settings import Rules, Traffic, TwinSettings

SYDNEY = ZoneInfo("Australia/Sydney")
KEY = {"token": "key"}
# 23:30 in Sydney, which is 12:30 UTC: the tenant's day ends long before the day of UTC.
LATE = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
BUSY = TwinSettings("key", traffic=Traffic(calls_per_minute=10, speed=2), rules=Rules(requests=10_000))


class Asking:
    """
    Asks one twin over HTTP, at a time of the test's choosing.
    """

    def __init__(self, running: RunningTwin, clock: ManualClock, session: aiohttp.ClientSession) -> None:
        self.url = running.url
        self.faults = running.faults
        self.running = running
        self.clock = clock
        self.session = session

    async def get(
        self, path: str, headers: dict[str, str] | None = None, **parameters: Any
    ) -> tuple[int, Any]:
        async with self.session.get(
            f"{self.url}{API}/{path}", headers=KEY if headers is None else headers, params=parameters
        ) as response:
            return response.status, await response.json()

    async def rows(self, path: str = "get-user-calls", **parameters: Any) -> list[dict[str, Any]]:
        status, rows = await self.get(path, **parameters)
        assert 200 == status
        return list(rows)

    async def post(self, path: str, **keywords: Any) -> tuple[int, Any]:
        async with self.session.post(f"{self.url}{path}", **keywords) as response:
            return response.status, await response.json()

    async def control(self, **words: Any) -> None:
        status, _ = await self.post("/control", json=words)
        assert 200 == status

    async def truth(self) -> dict[str, Any]:
        async with self.session.get(f"{self.url}/truth") as response:
            return dict(await response.json())


@asynccontextmanager
async def twin(
    settings: TwinSettings = BUSY, start: datetime = LATE, run_s: float = 3_600
) -> AsyncIterator[Asking]:
    clock = ManualClock(start)
    running = await start_twin(settings, clock)
    clock.advance(run_s)
    try:
        async with aiohttp.ClientSession() as session:
            yield Asking(running, clock, session)
    finally:
        await running.close()


def starts(rows: list[dict[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(row["call_start_at"]) for row in rows]
