"""
Endpoints that take batches: cut by number, length and time; one that failed is sent again as it was.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from relay.model.delivery_options import BATCHED, ORDER_ENDPOINT, BatchOptions, DeliveryOptions
from relay.model.endpoint import Delivery
from relay.model.outcome import Delivered, Outcome, TryLater
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, append_of, call_change
from tests.pipeline.conftest import Delivering, delivering
from tests.pipeline.test_deliver import query
from tests.pipeline.test_probing import Moody, passing


def batched(**options: Any) -> DeliveryOptions:
    """
    Make options; the events of tests were recorded long ago, and must not expire for it.
    """
    return DeliveryOptions(payload=BATCHED, max_pending_age_s=0, **options)


OUTCOMES = "SELECT status, reason, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1, 2"
KEPT = "SELECT batch_id FROM batches"
OF_FOUR = batched(batch=BatchOptions(max_events=4, linger_s=0.5))


def events_of(delivery: Delivery) -> list[dict[str, Any]]:
    """
    Return the events in a request.
    """
    events: list[dict[str, Any]] = orjson.loads(delivery.body)
    return events


def sizes(deliveries: list[Delivery]) -> list[int]:
    """
    Return how many events each request holds.
    """
    return [len(events_of(delivery)) for delivery in deliveries]


def assert_each_once_in_order(deliveries: list[Delivery], expected: int) -> None:
    """
    Check that each event arrived once, and those of a subject by revision.
    """
    events = [event for delivery in deliveries for event in events_of(delivery)]
    revisions: Counter[str] = Counter()
    assert expected == len(events) == len({event["id"] for event in events})
    for event in events:
        assert event["data"]["revision"] == revisions[event["subject"]] + 1
        revisions[event["subject"]] += 1


async def all_settled(clock: ManualClock, path: Path) -> None:
    """
    Let time pass until nothing is pending.
    """
    pending = "SELECT count(*) FROM deliveries WHERE status = 'pending'"
    await passing(clock, lambda: [(0,)] == query(path, pending))


async def calls(running: Delivering, *names: str) -> None:
    """
    Append calls of three events each.
    """
    await running.append(append_of(*map(call_change, names)))


async def test_whole_batches_go_at_once_and_the_rest_once_its_first_event_has_waited(
    journal_path: Path,
) -> None:
    sink, clock = RecordingSink(), ManualClock(datetime.now(UTC))
    async with delivering(journal_path, {"crm": sink}, clock, options=OF_FOUR) as running:
        await calls(running, "a", "b")
        await sink.wait_until(lambda sink: len(sink.delivered) == 1)
        at_once = sizes(sink.delivered)
        await passing(clock, lambda: len(sink.delivered) == 2)
        await all_settled(clock, journal_path)

    assert [4] == at_once
    assert [4, 2] == sizes(sink.delivered)
    assert_each_once_in_order(sink.delivered, 6)
    assert [("delivered", 6)] == query(
        journal_path, "SELECT status, count(*) FROM deliveries GROUP BY status"
    )
    assert [(0,)] == query(journal_path, "SELECT count(*) FROM batches")


async def test_no_batch_is_longer_than_wanted_but_one_event_alone(journal_path: Path) -> None:
    sink = RecordingSink()
    options = batched(batch=BatchOptions(max_bytes=2_048, linger_s=0.0))
    async with delivering(journal_path, {"crm": sink}, options=options) as running:
        await calls(running, "a", "b", "c")
        await running.settled()

    assert max(len(delivery.body) for delivery in sink.delivered if len(events_of(delivery)) > 1) <= 2_048
    assert_each_once_in_order(sink.delivered, 9)


async def test_with_order_over_the_endpoint_batches_follow_each_other(journal_path: Path) -> None:
    sink = RecordingSink()
    options = batched(order=ORDER_ENDPOINT, batch=BatchOptions(max_events=5, linger_s=0.0))
    async with delivering(journal_path, {"crm": sink}, options=options) as running:
        await calls(running, *(f"c{number}" for number in range(10)))
        await running.settled()

    assert [5] * 6 == sizes(sink.delivered)
    assert 1 == sink.most_in_flight
    assert [event["id"] for one in sink.delivered for event in events_of(one)] == [
        event_id for (event_id,) in query(journal_path, "SELECT id FROM events ORDER BY seq")
    ]


async def test_a_batch_that_failed_comes_again_with_the_same_id_and_bytes_and_holds_its_subjects_back(
    journal_path: Path,
) -> None:
    failed: list[str] = []

    def first_fails(delivery: Delivery) -> Outcome:
        if failed in ([], [delivery.event_id]) and len(failed) < 2:
            failed.append(delivery.event_id)
            return TryLater("http_5xx", 503)
        return Delivered(200)

    sink = RecordingSink(first_fails)
    async with delivering(journal_path, {"crm": sink}, options=OF_FOUR) as running:
        await calls(running, "a", "b")  # a, a, a, b go first, and fail
        await calls(running, "c", "d")
        await running.settled()

    first, *others = sink.attempted
    again = [one for one in others if one.event_id == first.event_id]
    assert [first.body] * 2 == [one.body for one in again]
    assert {"call/pbx/c"} <= {event["subject"] for event in events_of(sink.delivered[0])}
    assert_each_once_in_order(sink.delivered, 12)
    assert [(8,)] == query(journal_path, "SELECT count(*) FROM attempts WHERE reason = 'http_5xx'")
    assert [(0,)] == query(journal_path, "SELECT count(*) FROM batches")


async def test_after_a_restart_a_batch_that_failed_is_the_same(journal_path: Path) -> None:
    failing = RecordingSink(lambda _: TryLater("http_5xx", 503))
    async with delivering(
        journal_path, {"crm": failing}, next_delay_s=lambda _: 0.3, options=OF_FOUR
    ) as running:
        await calls(running, "a", "b")
        kept = await until_kept(running, journal_path)

    sink = RecordingSink()
    async with delivering(journal_path, {"crm": sink}, options=OF_FOUR) as running:
        await calls(running, "c")
        await running.settled()

    sent = {one.event_id: one.body for one in sink.delivered}
    assert {one.event_id: one.body for one in failing.attempted}.items() <= sent.items()
    assert {batch_id for (batch_id,) in kept} <= sent.keys()
    assert_each_once_in_order(sink.delivered, 9)


async def until_kept(running: Delivering, path: Path) -> list[tuple[Any, ...]]:
    """
    Return the ids of the batches that are kept, once there is one.
    """
    async with asyncio.timeout(10):
        while not (kept := query(path, KEPT)):
            await running.journal.stats()
    return kept


async def test_a_batch_whose_first_event_expires_is_cut_anew(journal_path: Path) -> None:
    clock, moody = ManualClock(datetime.now(UTC)), Moody()
    sink = RecordingSink(moody)
    options = batched(batch=BatchOptions(max_events=4, linger_s=0.0), max_pending=3)
    async with delivering(journal_path, {"crm": sink}, clock, lambda _: 3_600.0, options=options) as running:
        await calls(running, "a", "b")
        await passing(clock, lambda: bool(sink.attempted))
        await passing(clock, lambda: bool(query(journal_path, KEPT)))
        moody.up()
        await passing(
            clock,
            lambda: (
                [(3,)] == query(journal_path, "SELECT count(*) FROM deliveries WHERE reason = 'max_pending'")
            ),
            30,
        )
        await passing(clock, lambda: sum(sizes(sink.delivered)) == 3, 60)
        await all_settled(clock, journal_path)

    assert ["call/pbx/b"] * 3 == [event["subject"] for one in sink.delivered for event in events_of(one)]
    assert [(0,)] == query(journal_path, "SELECT count(*) FROM batches")


async def test_an_endpoint_that_is_down_is_probed_with_the_batch_that_failed(journal_path: Path) -> None:
    clock, moody = ManualClock(datetime.now(UTC)), Moody()
    sink = RecordingSink(moody)
    options = batched(batch=BatchOptions(max_events=2, linger_s=0.0))
    async with delivering(journal_path, {"crm": sink}, clock, lambda _: 60.0, options=options) as running:
        await calls(running, *(f"c{number}" for number in range(12)))
        await passing(clock, lambda: "endpoint.failing" in running.told)
        known = {one.event_id for one in sink.attempted}
        count = len(sink.attempted)
        await passing(clock, lambda: len(sink.attempted) > count)
        probe = sink.attempted[count]
        moody.up()
        await passing(clock, lambda: "endpoint.recovered" in running.told)
        await passing(clock, lambda: sum(sizes(sink.delivered)) == 36)
        await all_settled(clock, journal_path)

    assert probe.event_id in known
    assert_each_once_in_order(sink.delivered, 36)


async def test_what_is_too_old_when_an_endpoint_is_probed_is_not_sent(journal_path: Path) -> None:
    clock, moody = ManualClock(NOW), Moody()
    sink = RecordingSink(moody)
    options = batched(batch=BatchOptions(max_events=2, linger_s=0.0), max_age_s=3)
    async with delivering(
        journal_path, {"crm": sink}, clock, lambda _: 60.0, options=options, max_in_flight=1
    ) as running:
        await running.append(append_of(*(call_change(f"c{number:02}", events=2) for number in range(13))))
        await passing(clock, lambda: "endpoint.failing" in running.told, 0.01)
        count = len(sink.attempted)
        moody.up()
        await passing(clock, lambda: "endpoint.recovered" in running.told)
        probe = sink.attempted[count]
        await all_settled(clock, journal_path)

    assert probe.event_id in {one.event_id for one in sink.attempted[:count]}
    assert [("delivered", "ok", 20), ("expired", "too_old", 6)] == query(journal_path, OUTCOMES)


async def test_an_endpoint_that_wants_single_events_again_gets_what_waited_in_a_batch(
    journal_path: Path,
) -> None:
    failing = RecordingSink(lambda _: TryLater("http_5xx", 503))
    async with delivering(
        journal_path, {"crm": failing}, next_delay_s=lambda _: 0.5, options=OF_FOUR
    ) as running:
        await calls(running, "a", "b")
        await until_kept(running, journal_path)

    sink = RecordingSink()
    async with delivering(journal_path, {"crm": sink}, SystemClock()) as running:
        await running.settled()

    assert 6 == len(sink.delivered)
    assert [1, 2, 3] == [
        orjson.loads(one.body)["data"]["revision"] for one in sink.delivered if b"pbx/a" in one.body
    ]
