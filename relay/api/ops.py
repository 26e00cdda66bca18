"""
The listener for operators: `/metrics`, `/livez`, `/readyz`.

It asks nobody and waits for nothing but its own event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Final

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from relay.model.errors import ConfigError, Fault
from relay.telemetry.health import Health
from relay.telemetry.metrics import Metrics

SHUTDOWN_S: Final = 1.0
MAX_REQUEST_BYTES: Final = 1024


class OpsPages:
    """
    What the listener answers.
    """

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self._metrics = metrics
        self._health = health
        self._rendering = asyncio.Lock()

    async def metrics(self, request: web.Request) -> web.Response:
        """
        Answer with all families, in the format the scraper asks for.

        Rendered in a thread, one scrape at a time, so that deliveries go on meanwhile.
        """
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        async with self._rendering:
            began = time.perf_counter()
            body = await asyncio.to_thread(encode, self._metrics.registry)
            self._metrics.metrics_render_duration_seconds.set(time.perf_counter() - began)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def livez(self, _request: web.Request) -> web.Response:
        """
        Answer 200: the event loop turns.
        """
        return web.Response(text="ok\n")

    async def readyz(self, request: web.Request) -> web.Response:
        """
        Answer 200 or 503 with the conditions that are not met; `?verbose` lists all.
        """
        shows_all = "verbose" in request.query
        conditions = [asdict(shown) for shown in self._health.report() if shows_all or not shown.ok]
        is_ready = self._health.is_ready
        return web.json_response(
            {"ready": is_ready, "conditions": conditions}, status=200 if is_ready else 503
        )


@asynccontextmanager
async def ops_listener(
    listen: tuple[str, int], metrics: Metrics, health: Health
) -> AsyncIterator[tuple[str, int]]:
    """
    Listen while entered; gives the address really bound, for port 0.

    Raises:
        ConfigError: the address cannot be bound.
    """
    pages = OpsPages(metrics, health)
    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app.router.add_get("/metrics", pages.metrics)
    app.router.add_get("/livez", pages.livez)
    app.router.add_get("/readyz", pages.readyz)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, *listen).start()
        except OSError as error:
            problem = f"cannot listen on {listen[0]} port {listen[1]}: {error.strerror}"
            raise ConfigError([Fault("server.ops_listen", problem)]) from error
        host, port = runner.addresses[0][:2]
        yield host, port
    finally:
        await runner.cleanup()
