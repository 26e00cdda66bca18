"""
Deliveries beside readers of the API: in slices of time with readers and without, one after the other.

Both sides so share the journal, its size and whatever else the machine does at the time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from statistics import median
from typing import Any, Final

import orjson

from bench.api_reads import Slices
from bench.child import ROOT, BenchFailed, ask
from bench.figures import quantile_ms
from bench.heartbeat import heartbeat
from bench.house import delivering, open_house, serving
from bench.paced import WARM_UP_S, Timetable

LEAD_S: Final = 2.0  # for the readers to start


async def beside_reads(params: dict[str, Any]) -> dict[str, float]:
    """
    Append `per_s` events a second in `pairs` of slices of `slice_s`, with readers of the API in the second of
    each pair (`reads_per_s`; 0: as many as it answers).

    Returns:
        The median over the slices of the p99 from append to arrival, for both sides.
    """
    url, pairs, slice_s = params["url"], params["pairs"], params["slice_s"]
    async with open_house([f"{url}/00"]) as house, delivering(house), serving(house) as api:
        timetable = Timetable(house, params["per_s"], params["at_once"], whole_calls=True)
        timetable.prepare(WARM_UP_S)
        await timetable.run()
        warm_up = len(timetable.called)
        timetable.prepare(2 * pairs * slice_s)
        slices = Slices(time.monotonic() + LEAD_S, pairs, slice_s)
        reader = await _reader({"url": api, "start": slices.start, "pairs": pairs, "slice_s": slice_s,
                                "reads_per_s": params["reads_per_s"]})  # fmt: skip
        try:
            await asyncio.sleep(slices.start - time.monotonic())
            async with heartbeat() as heart:
                await timetable.run(slices.start)
            said, _ = await reader.communicate()
        finally:
            if reader.returncode is None:
                reader.kill()
        if reader.returncode != 0:
            raise BenchFailed(f"the readers of the API ended with {reader.returncode}")
        await house.all_delivered(warm_up + len(timetable.called))
    arrived = ask(f"{url}/arrivals")["first"]
    by_slice: list[list[float]] = [[] for _ in range(2 * pairs)]
    for event_id, called in timetable.called.items():
        place = min(slices.of(called), 2 * pairs - 1)
        by_slice[place].append(arrived[f"/00{event_id}"] - called)
    alone, reading = _p99_ms(by_slice[::2]), _p99_ms(by_slice[1::2])
    moved = {"p99_ms_alone": alone, "p99_ms_reading": reading, "moved": reading / alone - 1}
    return {**moved, **orjson.loads(said), "longest_step_ms": heart.longest_ms}


def _p99_ms(slices: Iterable[list[float]]) -> float:
    return median(quantile_ms(latencies, 0.99) for latencies in slices)


async def _reader(params: dict[str, Any]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.side", "reads", orjson.dumps(params).decode(),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
