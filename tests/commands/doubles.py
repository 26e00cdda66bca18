"""
A phone system that answers as a test wants, and keeps what it was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from relay.sources.vicidial.source import VicidialSource
from relay.system_clock import SystemClock
from tests.commands.house import DEADLINE_S, dialer_settings

ADDED: Final = "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551212|101|{lead}|-5|api\n"
Speak = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Dialer:
    """
    Answers each request by `speak`; `asked` are the forms of all that came.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.speak: Speak = self.add
        self.came = asyncio.Event()
        self.let_go = asyncio.Event()
        self.url = ""

    async def add(self, _request: web.Request) -> web.StreamResponse:
        """
        Add a lead.
        """
        return web.Response(text=ADDED.format(lead=1000 + len(self.asked)))

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """
        Answer only once it is let go.
        """
        await self.let_go.wait()
        return await self.add(request)

    async def cut(self, request: web.Request) -> web.StreamResponse:
        """
        Close the connection instead of answering.
        """
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def asked_for(self, count: int) -> None:
        """
        Return once so many requests came.
        """
        async with asyncio.timeout(DEADLINE_S):
            while len(self.asked) < count:
                self.came.clear()
                await self.came.wait()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """
        Keep a request and answer it.
        """
        form = await request.post()
        self.asked.append({name: str(value) for name, value in form.items()})
        self.came.set()
        return await self.speak(request)


@asynccontextmanager
async def dialer() -> AsyncIterator[Dialer]:
    """
    Run such a phone system on loopback.
    """
    made = Dialer()
    application = web.Application()
    application.router.add_route("*", "/", made.answer)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield made
    finally:
        await runner.cleanup()


def source_of(made: Dialer, timeout_s: float = 20.0) -> VicidialSource:
    """
    Return a source that asks it.
    """
    return VicidialSource(dialer_settings(made.url, timeout_s=timeout_s), SystemClock())
