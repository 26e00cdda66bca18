"""
A server that answers as it is told to, and keeps what it was asked; and the command beside it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

import orjson
from aiohttp import web

from tests.cli.conftest import APP, DEADLINE_S, ROOT, Finished

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """
    One request.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any


async def ran(url: str, *arguments: str, said: str = "", **environ: str) -> Finished:
    """
    Run `relay` with `RELAY_URL` to its end; `said` is its standard input.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", APP, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd=ROOT, env={"PATH": os.environ.get("PATH", ""), "COLUMNS": "200", "RELAY_URL": url, **environ},
    )  # fmt: skip
    try:
        async with asyncio.timeout(DEADLINE_S):
            out, err = await process.communicate(said.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Finished(process.returncode or 0, out.decode(), err.decode())


class SpeakingServer:
    """
    Listens on loopback; what it was not told to answer is a 404 problem.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._handlers: dict[tuple[str, str], Handler] = {}

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def on(self, asked: str, handler: Handler) -> None:
        """
        Answer `METHOD /path` by a function.
        """
        method, _, path = asked.partition(" ")
        self._handlers[method, path] = handler

    def say(self, asked: str, document: object, status: int = 200, **headers: str) -> None:
        """
        Answer `METHOD /path` with JSON; a problem from 400 on.
        """
        kind = "application/problem+json" if status >= 400 else "application/json"
        self.say_raw(asked, b"" if status == 204 else orjson.dumps(document), status, kind, **headers)

    def say_raw(
        self, asked: str, body: bytes, status: int = 200, content_type: str = "text/html", **headers: str
    ) -> None:
        """
        Answer `METHOD /path` with anything.
        """

        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=body, status=status, content_type=content_type, headers=headers)

        self.on(asked, answer)

    def say_list(self, path: str, count: int, **fields: object) -> None:
        """
        Answer a list of so many items, in pages as asked for; the place after one is its number.
        """

        async def answer(request: web.Request) -> web.Response:
            start, limit = int(request.query.get("after", 0)), int(request.query["limit"])
            end = min(start + limit, count)
            items = [{"id": f"number-{number}", **fields} for number in range(start, end)]
            return web.json_response({"items": items, "next": str(end) if end < count else None})

        self.on(f"GET {path}", answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        query = list(request.query.items())
        headers = {name.lower(): value for name, value in request.headers.items()}
        document = orjson.loads(body) if body else None
        self.asked.append(Asked(request.method, request.rel_url.raw_path, query, headers, document))
        handler = self._handlers.get((request.method, request.path))
        if handler is not None:
            return await handler(request)
        problem = {"type": "about:blank", "title": "Not found", "status": 404, "detail": request.path}
        return web.json_response(problem, status=404, content_type="application/problem+json")
