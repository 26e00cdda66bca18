"""
Readers of the API beside the deliveries: they ask from a process of their own.

Half of the requests are for one event, half for a page of deliveries.  They come on a timetable as long as
that of the events; where the API answers more slowly, it is always asked by IN_FLIGHT at a time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any, Final

import orjson
from aiohttp import ClientSession

from bench.child import ROOT, BenchFailed
from bench.house import House, serving

IN_FLIGHT: Final = 8
IDS: Final = 100
PAGE: Final = 50


@asynccontextmanager
async def reading(house: House, requests: int, seconds: float) -> AsyncIterator[dict[str, float]]:
    """
    Serve the API, and have it asked so many times inside the block; tell how often a second it was.
    """
    figures: dict[str, float] = {}
    async with serving(house) as url:
        if requests == 0:
            yield figures
            return
        reader = await _started({"url": url, "requests": requests, "seconds": seconds})
        try:
            if reader.stdout is None:
                raise AssertionError("standard output is a pipe")
            await reader.stdout.readline()
            yield figures
            said = await reader.stdout.readline()
            if await reader.wait() != 0:
                raise BenchFailed(f"the readers of the API ended with {reader.returncode}")
            figures.update(orjson.loads(said))
        finally:
            if reader.returncode is None:
                reader.kill()


async def reads(params: dict[str, Any]) -> dict[str, float]:
    """
    Ask the API at `url` for `requests` things in `seconds`, or as fast as it answers.
    """
    requests = params["requests"]
    turns = iter(range(requests))
    pause_s = params["seconds"] / requests
    async with ClientSession(params["url"]) as session:
        async with session.get("/v1/events", params={"limit": IDS}) as answer:
            ids = [item["event"]["id"] for item in orjson.loads(await answer.read())["items"]]
        paths = _paths(ids)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        started = time.monotonic()

        async def ask() -> None:
            for turn in turns:
                await asyncio.sleep(started + turn * pause_s - time.monotonic())
                async with session.get(next(paths)) as answer:
                    await answer.read()
                    answer.raise_for_status()

        await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))
        return {"reads_per_s": requests / (time.monotonic() - started)}


def _paths(ids: list[str]) -> Iterator[str]:
    for event_id in cycle(ids):
        yield f"/v1/events/{event_id}"
        yield f"/v1/deliveries?endpoint=endpoint0&limit={PAGE}"


async def _started(params: dict[str, Any]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.side", "reads", orjson.dumps(params).decode(),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
