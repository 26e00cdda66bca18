"""
Deliveries as fast as they go: from the first append to the last outcome durable.
"""

from __future__ import annotations

import gc
import ssl
import time
from typing import Any, Final

from bench.child import BenchFailed, ask
from bench.commits import Commits, counted_commits
from bench.events import EVENTS_PER_CALL, call_changes
from bench.heartbeat import heartbeat
from bench.house import House, delivering, open_house
from bench.resident import Memory

WARM_UP_CALLS: Final = 100


async def flat_out(params: dict[str, Any]) -> dict[str, float]:
    """
    Deliver the events of `calls` calls to each of `endpoints` endpoints of the receiver at `url`.

    `authority` is a file with the certificate to be trusted, where the receiver speaks TLS.
    """
    url, calls, endpoints = params["url"], params["calls"], params["endpoints"]
    urls = [f"{url}/{place:02d}" for place in range(endpoints)]
    tls = ssl.create_default_context(cafile=params["authority"]) if "authority" in params else None
    with counted_commits() as commits:
        async with open_house(urls, tls=tls) as house, delivering(house):
            changes = call_changes(house.ids, WARM_UP_CALLS + calls)
            await house.append_all(changes[:WARM_UP_CALLS])
            await house.all_delivered(WARM_UP_CALLS * EVENTS_PER_CALL)
            # What was made beforehand would be on its way through in a real relay, and never be collected.
            gc.collect()
            gc.freeze()
            figures = await _timed(house, changes[WARM_UP_CALLS:], commits)
    _check(params.get("ask", url), len(changes) * EVENTS_PER_CALL * endpoints)
    return figures


async def _timed(house: House, changes: list[Any], commits: Commits) -> dict[str, float]:
    deliveries = len(changes) * EVENTS_PER_CALL * len(house.endpoint_ids)
    async with heartbeat() as heart:
        commits_before, cpu_before, started = commits.count, time.process_time(), time.perf_counter()
        await house.append_all(changes)
        await house.all_delivered((WARM_UP_CALLS + len(changes)) * EVENTS_PER_CALL)
        took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_before
    return {
        "per_s": deliveries / took_s,
        "cpu_s_per_1000": cpu_s / deliveries * 1000,
        "commits_per_delivery": (commits.count - commits_before) / deliveries,
        "longest_step_ms": heart.longest_ms,
        "rss_mb": Memory().look_mb(),
    }


def _check(url: str, expected: int) -> None:
    arrived = ask(f"{url}/arrivals")
    if len(arrived["first"]) != expected or arrived["resent"]:
        raise BenchFailed(
            f"{len(arrived['first'])} of {expected} deliveries arrived, {arrived['resent']} twice"
        )
