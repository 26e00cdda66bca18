"""
Readers of the API, in a process of their own: they ask in every second slice of time, and rest in the others.

Half of the requests are for one event, half for a page of deliveries, IN_FLIGHT at a time at the most: at an
even pace, or each as soon as the one before is answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final

import orjson
from aiohttp import ClientSession

from bench.figures import quantile_ms

IN_FLIGHT: Final = 8
IDS: Final = 100
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Slices:
    """
    Time cut into slices, from `start` on the monotonic clock; the first is without readers, the next with.
    """

    start: float
    pairs: int
    slice_s: float

    def of(self, at: float) -> int:
        """
        Return the number of the slice that an instant is in.
        """
        return int((at - self.start) / self.slice_s)

    def with_readers(self) -> Iterator[tuple[float, float]]:
        """
        Yield when each slice with readers begins and ends.
        """
        for pair in range(self.pairs):
            begin = self.start + (2 * pair + 1) * self.slice_s
            yield begin, begin + self.slice_s


async def reads(params: dict[str, Any]) -> dict[str, float]:
    """
    Ask the API in the slices of `slice_s` that begin at `start`: `reads_per_s`, or (0) all it answers.
    """
    every_s = IN_FLIGHT / params["reads_per_s"] if params["reads_per_s"] else 0.0
    slices = Slices(params["start"], params["pairs"], params["slice_s"])
    latencies: list[float] = []
    async with ClientSession(params["url"]) as session:
        async with session.get("/v1/events", params={"limit": IDS}) as answer:
            ids = [item["event"]["id"] for item in orjson.loads(await answer.read())["items"]]
        paths = _paths(ids)

        async def ask(due: float, end: float) -> None:
            while (asked := due if every_s else max(due, time.monotonic())) < end:
                await asyncio.sleep(due - time.monotonic())
                async with session.get(next(paths)) as answer:
                    await answer.read()
                    answer.raise_for_status()
                latencies.append(time.monotonic() - asked)
                due += every_s

        for begin, end in slices.with_readers():
            firsts = [begin + place * every_s / IN_FLIGHT for place in range(IN_FLIGHT)]
            await asyncio.gather(*(ask(first, end) for first in firsts))
    return {
        "reads": len(latencies),
        "reads_per_s": len(latencies) / (slices.pairs * slices.slice_s),
        "answer_p50_ms": quantile_ms(latencies, 0.50),
        "answer_p99_ms": quantile_ms(latencies, 0.99),
    }


def _paths(ids: list[str]) -> Iterator[str]:
    for event_id in cycle(ids):
        yield f"/v1/events/{event_id}"
        yield f"/v1/deliveries?endpoint=endpoint0&limit={PAGE}"
