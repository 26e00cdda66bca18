"""
A thousand endpoints, of which each event matches few.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import replace
from typing import Any, Final

from bench.child import BenchFailed, ask
from bench.events import EVENTS_PER_CALL, SOURCE, call_changes
from bench.house import House, delivering, endpoint, open_house
from bench.resident import Memory
from relay.journal.matching import Matching
from relay.model.endpoint import Endpoint, EndpointSpec

WARM_UP_CALLS: Final = 100
MATCHING: Final = 4
BY_SOURCE: Final = "source"
BY_CONDITION: Final = "condition"
LOOK_EVERY_S: Final = 0.002
PATIENCE_S: Final = 120.0
ROUNDS: Final = 20


async def many(params: dict[str, Any]) -> dict[str, float]:
    """
    Deliver the events of `calls` calls to the MATCHING endpoints, of `endpoints`, that want them: `by` their
    source, or by a condition.
    """
    url, calls = params["url"], params["calls"]
    spec = _by_condition if params["by"] == BY_CONDITION else _by_source
    specs = [spec(place, url) for place in range(params["endpoints"])]
    async with open_house(specs) as house, delivering(house):
        changes = call_changes(house.ids, WARM_UP_CALLS + calls)
        await house.append_all(changes[:WARM_UP_CALLS])
        await _settled(house, WARM_UP_CALLS)
        gc.collect()
        gc.freeze()
        cpu_before, started = time.process_time(), time.perf_counter()
        await house.append_all(changes[WARM_UP_CALLS:])
        await _settled(house, len(changes))
        took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_before
        rss_mb = Memory().look_mb()
        matching_us = _matching_us(specs, [event for change in changes for event in change.events])
    arrived, wanted = ask(f"{url}/arrivals"), len(changes) * EVENTS_PER_CALL * MATCHING
    if len(arrived["first"]) != wanted or arrived["resent"]:
        raise BenchFailed(f"{len(arrived['first'])} of {wanted} deliveries arrived")
    events = calls * EVENTS_PER_CALL
    return {
        "per_s": events * MATCHING / took_s, "cpu_us_per_event": cpu_s / events * 1e6,
        "matching_us_per_event": matching_us, "rss_mb": rss_mb,
    }  # fmt: skip


def _by_source(place: int, url: str) -> EndpointSpec:
    source = SOURCE if place < MATCHING else f"other-{place}"
    return replace(_endpoint(place, url), sources=(source,))


def _by_condition(place: int, url: str) -> EndpointSpec:
    condition = 'data.note != "nothing"' if place < MATCHING else f'data.note == "{place}"'
    spec = _endpoint(place, url)
    return replace(spec, options=replace(spec.options, conditions=(condition,)))


def _endpoint(place: int, url: str) -> EndpointSpec:
    # Those that match have paths of their own: the receiver counts by path and id.
    return endpoint(place, f"{url}/{place % 100:02d}")


async def _settled(house: House, calls: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        for endpoint_id in house.endpoint_ids[:MATCHING]:
            delivered = house.delivered(endpoint_id)
            while delivered() < calls * EVENTS_PER_CALL:  # noqa: ASYNC110 - a metric
                await asyncio.sleep(LOOK_EVERY_S)


def _matching_us(specs: list[EndpointSpec], events: list[Any]) -> float:
    """
    Return the CPU of finding an event's endpoints, alone, in microseconds.
    """
    matching = Matching(
        Endpoint(no, spec.id, spec.url, spec.events, spec.sources, "healthy", options=spec.options)
        for no, spec in enumerate(specs, 1)
    )
    documents = [(event, event.document(event.observed_at)) for event in events]
    before = time.process_time()
    for _ in range(ROUNDS):
        for event, document in documents:
            matching.endpoints_for(event.type, event.source_id, event.subject, document)
    return (time.process_time() - before) / (ROUNDS * len(events)) * 1e6
