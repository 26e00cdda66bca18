"""
Many endpoints, one of which may hang: what that costs the others.

The one that hangs takes every connection and never answers, so that relay keeps as many attempts to it under
way as an endpoint may have; the others are on the receiver.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from bench.child import ask
from bench.figures import p50_p99
from bench.house import delivering, endpoint, open_house
from bench.paced import WARM_UP_S, Timetable

TIMEOUT_S: Final = 2.0  # of the one that hangs: often enough in a run for its failures to be dealt with
LOOK_EVERY_S: Final = 0.02
PATIENCE_S: Final = 30.0


async def hanging(params: dict[str, Any]) -> dict[str, float]:
    """
    Append `per_s` events a second for `seconds` to `endpoints` endpoints; return the latencies of all but
    the last, which hangs where `hangs` says so.
    """
    url, others = params["url"], params["endpoints"] - 1
    async with _never_answering() as dead_url:
        last = endpoint(others, dead_url if params["hangs"] else f"{url}/{others:02d}")
        specs = [endpoint(place, f"{url}/{place:02d}") for place in range(others)]
        async with open_house([*specs, replace(last, timeout_s=TIMEOUT_S)]) as house, delivering(house):
            timetable = Timetable(house, params["per_s"], 1)
            timetable.prepare(WARM_UP_S)
            await timetable.run()
            timetable.prepare(params["seconds"])
            await timetable.run()
            arrived = await all_arrived(url, [f"/{place:02d}" for place in range(others)], timetable.called)
    return p50_p99([arrived[path + event_id] - at for path, event_id, at in _wanted(others, timetable)])


def _wanted(others: int, timetable: Timetable) -> list[tuple[str, str, float]]:
    return [
        (f"/{place:02d}", event_id, at)
        for place in range(others)
        for event_id, at in timetable.called.items()
    ]


async def all_arrived(url: str, paths: list[str], called: dict[str, float]) -> dict[str, float]:
    """
    Return when everything arrived, once each event that was called has at each path.
    """
    wanted = {path + event_id for path in paths for event_id in called}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            arrived: dict[str, float] = (await asyncio.to_thread(ask, f"{url}/arrivals"))["first"]
            if wanted <= arrived.keys():
                return arrived
            await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def _never_answering() -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0, backlog=1024)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
