"""
A phone system's web server that answers as a test says, on loopback.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from relay.journal.store import SqlJournal
from relay.sources.budget import BudgetSettings
from relay.sources.voipcloud.source import MAX_ROWS, MAX_WALK_ROWS, VoipcloudSettings, VoipcloudSource
from relay.testing.manual_clock import ManualClock

TOKEN: Final = "token-of-the-office"
SOURCE_ID: Final = "pbx-sydney"
NOON: Final = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)  # 12:00 in Sydney
BUDGET: Final = BudgetSettings(requests=10, per_s=900, reserve=2, deadline_s=5)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Vendor:
    """
    Answers every request alike, and keeps what it was asked.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[web.Request] = []
        self._handler: Handler = self._empty

    def answers(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """
        Answer so from now on.
        """

        async def handler(_: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=headers)

        self.handles(handler)

    def handles(self, handler: Handler) -> None:
        """
        Let a handler answer from now on.
        """
        self._handler = handler

    async def take(self, request: web.Request) -> web.StreamResponse:
        """
        Note a request and answer it.
        """
        self.requests.append(request)
        response = await self._handler(request)
        if not response.prepared:
            response.headers.setdefault("Date", "")  # the server would tell the real time, which is not ours
        return response

    @staticmethod
    async def _empty(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"[]")


@asynccontextmanager
async def listening(vendor: Vendor) -> AsyncIterator[Vendor]:
    """
    Let a vendor listen on a free port.
    """
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", vendor.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        vendor.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield vendor
    finally:
        await runner.cleanup()


def account(
    url: str,
    journal: SqlJournal,
    clock: ManualClock,
    *,
    budget: BudgetSettings = BUDGET,
    zone: str = "Australia/Sydney",
    largest_page: int = MAX_ROWS,
    most_rows: int = MAX_WALK_ROWS,
) -> VoipcloudSource:
    """
    Return the source of an account at a URL.
    """
    settings = VoipcloudSettings(
        SOURCE_ID, url, TOKEN, ZoneInfo(zone), budget, largest_page=largest_page, most_rows=most_rows
    )
    return VoipcloudSource(settings, journal, clock)
