"""
Readers of the API, in a process of their own: they ask in every second slice of time, and rest in the others.

Half of the requests are for one event, half for a page of deliveries, at an even pace; IN_FLIGHT at a time
at the most.
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

from bench.child import BenchFailed
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

    def asked_at(self, turn: int, requests: int) -> float:
        """
        Return when a request is made, of so many that are spread over the slices with readers.
        """
        pair, place = divmod(turn * self.pairs, requests)
        return self.start + (2 * pair + 1 + place / requests) * self.slice_s


async def reads(params: dict[str, Any]) -> dict[str, float]:
    """
    Ask the API at `url` for `requests` things in the slices of `slice_s` that begin at `start`.

    Raises:
        BenchFailed: the API is slower than it is asked; requests would be made in slices without readers.
    """
    requests = params["requests"]
    slices = Slices(params["start"], params["pairs"], params["slice_s"])
    turns = iter(range(requests))
    latencies: list[float] = []
    async with ClientSession(params["url"]) as session:
        async with session.get("/v1/events", params={"limit": IDS}) as answer:
            ids = [item["event"]["id"] for item in orjson.loads(await answer.read())["items"]]
        paths = _paths(ids)

        async def ask() -> None:
            for turn in turns:
                due = slices.asked_at(turn, requests)
                await asyncio.sleep(due - time.monotonic())
                async with session.get(next(paths)) as answer:
                    await answer.read()
                    answer.raise_for_status()
                latencies.append(time.monotonic() - due)

        await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))
    if max(latencies) > slices.slice_s / 2:
        raise BenchFailed(f"an answer came {max(latencies):.1f} s after the request was due")
    return {
        "reads_per_s": requests / (slices.pairs * slices.slice_s),
        "answer_p50_ms": quantile_ms(latencies, 0.50),
        "answer_p99_ms": quantile_ms(latencies, 0.99),
    }


def _paths(ids: list[str]) -> Iterator[str]:
    for event_id in cycle(ids):
        yield f"/v1/events/{event_id}"
        yield f"/v1/deliveries?endpoint=endpoint0&limit={PAGE}"
