"""
Events in batches as fast as they go: from the first append to the last outcome durable.
"""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from typing import Any, Final

from bench.child import BenchFailed, ask
from bench.events import EVENTS_PER_CALL, call_changes
from bench.house import delivering, endpoint, open_house
from relay.model.delivery_options import BATCHED, DeliveryOptions

WARM_UP_CALLS: Final = 100


async def batched(params: dict[str, Any]) -> dict[str, float]:
    """
    Deliver the events of `calls` calls to the endpoint at `url`, which wants batches.
    """
    url, calls = params["url"], params["calls"]
    spec = replace(endpoint(0, f"{url}/00"), options=DeliveryOptions(payload=BATCHED))
    async with open_house([spec]) as house, delivering(house):
        changes = call_changes(house.ids, WARM_UP_CALLS + calls)
        await house.append_all(changes[:WARM_UP_CALLS])
        await house.all_delivered(WARM_UP_CALLS * EVENTS_PER_CALL)
        gc.collect()
        gc.freeze()
        cpu_before, started = time.process_time(), time.perf_counter()
        await house.append_all(changes[WARM_UP_CALLS:])
        await house.all_delivered(len(changes) * EVENTS_PER_CALL)
        took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_before
    events, requests = len(changes) * EVENTS_PER_CALL, len(ask(f"{url}/arrivals")["first"])
    if not 0 < requests < events:
        raise BenchFailed(f"{requests} requests for {events} events are no batches")
    timed = calls * EVENTS_PER_CALL
    return {
        "per_s": timed / took_s,
        "cpu_s_per_1000": cpu_s / timed * 1000,
        "events_per_request": events / requests,
    }
