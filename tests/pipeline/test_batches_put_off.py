"""
Batches that failed while something else happened to their endpoint or to one of their events.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from relay.model.delivery_options import BatchOptions, DeliveryOptions
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.outcome import Outcome, TryLater
from relay.sinks.port import DeliverySink
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, endpoint_spec
from tests.pipeline.conftest import delivering
from tests.pipeline.test_batches import (
    KEPT,
    all_settled,
    assert_each_once_in_order,
    batched,
    calls,
    events_of,
    sizes,
)
from tests.pipeline.test_deliver import query
from tests.pipeline.test_probing import Moody, passing

OF_FOUR = batched(batch=BatchOptions(max_events=4, linger_s=0.0))


def single(**options: Any) -> DeliveryOptions:
    """
    Make options of an endpoint that takes one event at a time.
    """
    return DeliveryOptions(max_pending_age_s=0, **options)


async def test_one_that_fails_after_its_endpoint_wants_single_events_is_sent_as_such(
    journal_path: Path,
) -> None:
    clock = ManualClock(datetime.now(UTC))
    slow, quick = RecordingSink(lambda _: TryLater("timeout")), RecordingSink()
    slow.gate.clear()
    spec = replace(endpoint_spec("crm"), options=OF_FOUR)

    def sink_of(wanted: EndpointSpec) -> DeliverySink:
        return slow if wanted.options == OF_FOUR else quick

    async with delivering(journal_path, {}, clock, lambda _: 5.0, of_file=[], open_sink=sink_of) as running:
        await running.create(spec)
        await calls(running, "a", "b")
        await slow.wait_until(lambda sink: sink.in_flight == 1)
        quick.gate.clear()
        await running.journal.registry.change_registered(replace(spec, options=single()), NOW)
        await running.deliver.refresh()
        await clock.run_for(1.0)
        slow.gate.set()
        quick.gate.set()
        await all_settled(clock, journal_path)

    assert {f"call/pbx/{name}" for name in "ab"} == {
        orjson.loads(one.body)["subject"] for one in quick.delivered
    }
    assert [("delivered", 6)] == query(
        journal_path, "SELECT status, count(*) FROM deliveries GROUP BY status"
    )
    assert [] == query(journal_path, KEPT)


async def test_what_is_under_way_in_a_batch_ends_before_its_endpoint_gets_single_events(
    journal_path: Path,
) -> None:
    clock, slow, quick = ManualClock(datetime.now(UTC)), RecordingSink(), RecordingSink()
    slow.gate.clear()
    spec = replace(endpoint_spec("crm"), options=OF_FOUR)

    def sink_of(wanted: EndpointSpec) -> DeliverySink:
        return slow if wanted.options == OF_FOUR else quick

    async with delivering(journal_path, {}, clock, lambda _: 5.0, of_file=[], open_sink=sink_of) as running:
        await running.create(replace(spec, max_in_flight=1))
        await calls(running, "a", "b")
        await slow.wait_until(lambda sink: sink.in_flight == 1)
        await running.journal.registry.change_registered(replace(spec, options=single()), NOW)
        await running.deliver.refresh()
        for _ in range(20):
            await clock.run_for(0.1)
        before = len(quick.attempted)
        slow.gate.set()
        await all_settled(clock, journal_path)

    assert (0, [4]) == (before, sizes(slow.delivered))
    assert [2, 3] == [orjson.loads(one.body)["data"]["revision"] for one in quick.delivered]


async def test_one_whose_first_event_expires_while_it_is_under_way_is_cut_anew(journal_path: Path) -> None:
    clock = ManualClock(datetime.now(UTC))
    moody = Moody()
    sink = RecordingSink(moody)
    sink.gate.clear()
    options = replace(OF_FOUR, max_pending=5)
    async with delivering(journal_path, {"crm": sink}, clock, lambda _: 5.0, options=options) as running:
        await calls(running, "a", "b")
        await sink.wait_until(lambda sink: sink.in_flight == 1)
        expired = "SELECT count(*) FROM deliveries WHERE reason = 'max_pending'"
        await passing(clock, lambda: [(1,)] == query(journal_path, expired), 30)
        sink.gate.set()
        await passing(clock, lambda: sink.in_flight == 0)
        moody.up()
        await all_settled(clock, journal_path)

    assert [("delivered", 5), ("expired", 1)] == query(
        journal_path, "SELECT status, count(*) FROM deliveries GROUP BY status ORDER BY status"
    )
    assert [] == query(journal_path, KEPT)


async def test_no_event_is_given_up_for_the_attempts_of_another(journal_path: Path) -> None:
    clock, moody = ManualClock(datetime.now(UTC)), Moody()
    sink = RecordingSink(moody)
    spec = replace(endpoint_spec("crm"), options=single())

    def delay_s(attempts: int) -> float | None:
        return 5.0 if attempts < 3 else None

    async with delivering(journal_path, {"crm": sink}, clock, delay_s, of_file=[]) as running:
        await running.create(spec)
        await calls(running, "a")
        await passing(clock, lambda: len(sink.attempted) == 2)
        await running.journal.registry.change_registered(replace(spec, options=OF_FOUR), NOW)
        await running.deliver.refresh()
        await calls(running, "b")
        gone = "SELECT count(*) FROM deliveries WHERE status = 'exhausted'"
        await passing(clock, lambda: query(journal_path, gone) > [(0,)])
        moody.up()
        await all_settled(clock, journal_path)

    assert [(3,)] == query(
        journal_path, "SELECT DISTINCT attempts FROM deliveries WHERE status = 'exhausted'"
    )
    delivered = "SELECT subject FROM deliveries JOIN events USING (seq) WHERE status = 'delivered'"
    assert 3 == query(journal_path, delivered).count(("call/pbx/b",))


async def test_one_that_was_asked_to_wait_comes_as_it_was_and_is_not_kept_any_longer(
    journal_path: Path,
) -> None:
    clock = ManualClock(datetime.now(UTC))
    outcomes: list[Outcome] = []

    def first_waits(_: Delivery) -> Outcome:
        wait = TryLater("http_429", 429, not_before=clock.now() + timedelta(seconds=30))
        outcomes.append(wait)
        return wait if len(outcomes) == 1 else up(_)

    up = Moody()
    up.up()
    sink = RecordingSink(first_waits)
    async with delivering(journal_path, {"crm": sink}, clock, options=OF_FOUR) as running:
        await calls(running, "a", "b")
        await all_settled(clock, journal_path)

    first, again, *_ = sink.attempted
    assert (first.event_id, first.body) == (again.event_id, again.body)
    assert 4 == len(events_of(first))
    assert 6 == sum(sizes(sink.delivered))
    assert_each_once_in_order(sink.delivered, 6)
    assert [] == query(journal_path, KEPT)
