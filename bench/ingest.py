"""
A page of finished calls: taken for the first time, and again unchanged.
"""

from __future__ import annotations

import gc
import time
from statistics import median
from typing import Any

from bench.child import BenchFailed
from bench.events import EVENTS_PER_CALL
from bench.heartbeat import heartbeat
from bench.house import House, open_house
from bench.polled import LOOKBACK, Polled, open_polled

A_PORT_OF_NOBODY = "http://127.0.0.1:9/00"  # rows are made for the endpoint, and nothing delivers them


async def ingest(params: dict[str, Any]) -> dict[str, float]:
    """
    Take the page of `rows` calls at `page_url` once, and then `repolls` times more.
    """
    rows = params["rows"]
    async with open_house([A_PORT_OF_NOBODY]) as house:
        async with open_polled(house, params["page_url"], house.clock.now() - 2 * LOOKBACK) as polled:
            figures = await _first(house, polled, rows)
            figures |= await _again(polled, params["repolls"])
    return figures


async def _first(house: House, polled: Polled, rows: int) -> dict[str, float]:
    gc.collect()
    async with heartbeat() as heart:
        started = time.perf_counter()
        result = await polled.take()
        took_s = time.perf_counter() - started
    stats = await house.journal.stats()
    made = result.counts["new"], stats.events, stats.pending
    if made != (rows, rows * EVENTS_PER_CALL, rows * EVENTS_PER_CALL):
        raise BenchFailed(f"{rows} calls became {made}: legs, events, deliveries")
    return {"first_ingest_calls_per_s": rows / took_s, "first_ingest_longest_step_ms": heart.longest_ms}


async def _again(polled: Polled, repolls: int) -> dict[str, float]:
    await polled.take()
    cpu_ms = []
    async with heartbeat() as heart:
        for _ in range(repolls):
            before = time.process_time()
            await polled.take()
            cpu_ms.append(1000 * (time.process_time() - before))
    if polled.unchanged_pages != repolls + 1:
        raise BenchFailed(f"{polled.unchanged_pages} of {repolls + 1} pages were found unchanged")
    return {"repoll_10000_cpu_ms": median(cpu_ms), "longest_step_ms": heart.longest_ms}
