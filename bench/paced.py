"""
Latency at a steady rate: from just before an append to the request at the receiver, on one clock.

Events come on a timetable that waits for nobody: a slow append delays no other.  Of each call the three
events come one by one, those of other calls in between, unless whole calls are asked for.
"""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import islice
from typing import Any, Final

from bench.child import ask
from bench.commits import counted_commits
from bench.events import EVENTS_PER_CALL, step_changes, whole_changes
from bench.figures import p50_p99
from bench.heartbeat import heartbeat
from bench.house import House, delivering, open_house
from bench.polled import polling
from relay.model.change import CallChange

WARM_UP_S: Final = 1.0
CALLS_AT_ONCE: Final = 10


class Timetable:
    """
    Appends events at a rate, and keeps when each append was called.

    Args:
        house: where.
        per_s: events a second.
        at_once: calls of one append; each brings its next event, or all it has.
        whole_calls: whether each brings all.
    """

    def __init__(self, house: House, per_s: float, at_once: int, *, whole_calls: bool = False) -> None:
        self._house = house
        self._pause_s = at_once * (EVENTS_PER_CALL if whole_calls else 1) / per_s
        self._at_once = at_once
        self._changes = whole_changes(house.ids) if whole_calls else step_changes(house.ids, CALLS_AT_ONCE)
        self._chunks: list[tuple[CallChange, ...]] = []
        self.called: dict[str, float] = {}
        self.longest_append_s = 0.0

    def prepare(self, seconds: float) -> None:
        """
        Make what `run` will append, and forget what it has.
        """
        appends = round(seconds / self._pause_s)
        self._chunks = [tuple(islice(self._changes, self._at_once)) for _ in range(appends)]
        self.called.clear()
        self.longest_append_s = 0.0
        gc.collect()
        gc.freeze()

    async def run(self, start: float | None = None) -> None:
        """
        Append what was prepared, from an instant of the monotonic clock on, and return once all is durable.
        """
        start = start or time.monotonic()
        async with asyncio.TaskGroup() as group:
            for place, calls in enumerate(self._chunks):
                await asyncio.sleep(start + place * self._pause_s - time.monotonic())
                group.create_task(self._append(calls))

    async def _append(self, calls: tuple[CallChange, ...]) -> None:
        called = time.monotonic()
        appended = await self._house.append(calls)
        self.longest_append_s = max(self.longest_append_s, time.monotonic() - called)
        for event in appended.events:
            self.called[event.id] = called


async def paced(params: dict[str, Any]) -> dict[str, float]:
    """
    Append `per_s` events a second for `seconds`, those of `at_once` calls in one append; return latencies.

    `slower_s` is added to every commit; the one that each event must wait for, its own append's, is taken
    off again.  With a `page_url` its page is polled every `poll_every_s` meanwhile.
    """
    url, per_s, slower_s = params["url"], params["per_s"], params.get("slower_s", 0.0)
    with counted_commits() as commits:
        async with open_house([f"{url}/00"]) as house, delivering(house):
            timetable = Timetable(house, per_s, params["at_once"])
            timetable.prepare(WARM_UP_S)
            await timetable.run()
            warm_up = len(timetable.called)
            timetable.prepare(params["seconds"])
            commits.slower_s = slower_s
            async with _meanwhile(house, params) as figures, heartbeat() as heart:
                await timetable.run()
            await house.all_delivered(warm_up + len(timetable.called))
    arrived = ask(f"{url}/arrivals")["first"]
    latencies = [arrived[f"/00{event_id}"] - called for event_id, called in timetable.called.items()]
    net = [latency - slower_s for latency in latencies]
    longest = {"longest_step_ms": heart.longest_ms, "longest_append_ms": timetable.longest_append_s * 1000}
    return {**p50_p99(net), **longest, **figures}


def _meanwhile(house: House, params: dict[str, Any]) -> AbstractAsyncContextManager[dict[str, float]]:
    if "page_url" in params:
        return polling(house, params["page_url"], params["poll_every_s"])
    return nullcontext({})
