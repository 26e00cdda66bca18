"""
An endpoint wants another order while events wait for it and others are under way.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest

from relay.model.delivery_options import (
    BATCHED,
    ORDER_ENDPOINT,
    ORDER_NONE,
    ORDERS,
    STRUCTURED,
    BatchOptions,
    DeliveryOptions,
)
from relay.model.endpoint import Delivery
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, append_of, call_change, endpoint_spec
from tests.pipeline.conftest import delivering
from tests.pipeline.test_batches import all_settled
from tests.pipeline.test_deliver import query

CALLS = "abcdef"


def events_in(deliveries: list[Delivery]) -> list[dict[str, Any]]:
    """
    Return the events of some requests, whatever their form, in order.
    """
    bodies = [orjson.loads(one.body) for one in deliveries]
    return [event for body in bodies for event in (body if isinstance(body, list) else [body])]


def revisions_of(events: list[dict[str, Any]]) -> list[list[int]]:
    """
    Return the revisions of each subject in the order in which they came.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for event in events:
        found[event["subject"]].append(event["data"]["revision"])
    return list(found.values())


@pytest.mark.parametrize(("before", "after"), [*permutations(ORDERS, 2)])
@pytest.mark.parametrize("payload", [STRUCTURED, BATCHED])
async def test_what_waits_goes_out_in_the_new_order_once_what_is_under_way_has_ended(
    journal_path: Path, before: str, after: str, payload: str
) -> None:
    sink, clock = RecordingSink(), ManualClock(datetime.now(UTC))
    batch = BatchOptions(max_events=2, linger_s=0.0)
    options = DeliveryOptions(payload=payload, batch=batch, order=before, max_pending_age_s=0)
    spec = replace(endpoint_spec(), options=options, max_in_flight=3)
    async with delivering(journal_path, {"crm": sink}, clock, of_file=[]) as running:
        await running.create(spec)
        sink.gate.clear()
        await running.append(append_of(*map(call_change, CALLS)))
        await sink.wait_until(lambda sink: sink.in_flight >= 1)
        changed = replace(spec, options=replace(options, order=after))
        await running.journal.registry.change_registered(changed, NOW)
        await running.deliver.refresh()
        under_way = len(sink.attempted)
        await running.append(append_of(*(call_change(name, events=2, first_revision=4) for name in CALLS)))
        for _ in range(10):
            await clock.run_for(0.1)
        assert under_way == len(sink.attempted)
        sink.gate.set()
        await all_settled(clock, journal_path)

    arrived, late = events_in(sink.delivered), events_in(sink.delivered[under_way:])
    assert 30 == len(arrived) == len({event["id"] for event in arrived})
    if after != ORDER_NONE:
        assert all(one == sorted(one) for one in revisions_of(late))
    if after == ORDER_ENDPOINT:
        recorded = [event_id for (event_id,) in query(journal_path, "SELECT id FROM events ORDER BY seq")]
        places = [recorded.index(event["id"]) for event in late]
        assert places == sorted(places)
