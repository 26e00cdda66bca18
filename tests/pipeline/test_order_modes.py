"""
What waits for what: all events of an endpoint, those of one subject, or none.
"""

from __future__ import annotations

from pathlib import Path

from relay.model.delivery_options import ORDER_ENDPOINT, ORDER_NONE, DeliveryOptions
from relay.model.endpoint import Delivery
from relay.model.outcome import Delivered, Outcome, TryLater
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import append_of, call_change
from tests.pipeline.conftest import delivering
from tests.pipeline.test_deliver import query

ALL_IN_ORDER = DeliveryOptions(order=ORDER_ENDPOINT, max_pending_age_s=0)
IN_NO_ORDER = DeliveryOptions(order=ORDER_NONE, max_pending_age_s=0)


async def test_an_endpoint_in_one_order_gets_one_event_at_a_time_over_retries(journal_path: Path) -> None:
    failed: set[int] = set()

    def fails_first(delivery: Delivery) -> Outcome:
        if delivery.seq % 4 or delivery.seq in failed:
            return Delivered(200)
        failed.add(delivery.seq)
        return TryLater("http_5xx", 503)

    crm = RecordingSink(fails_first)
    async with delivering(journal_path, {"crm": crm}, options=ALL_IN_ORDER) as running:
        for n in range(10):
            await running.append(append_of(call_change(f"a{n}", events=2), call_change(f"b{n}", events=2)))
        await running.settled()

    assert (1, 50) == (crm.most_in_flight, len(crm.attempted))
    assert list(range(1, 41)) == [delivery.seq for delivery in crm.delivered]


async def test_what_waited_over_a_restart_keeps_the_one_order(journal_path: Path) -> None:
    down = RecordingSink(lambda _: TryLater("refused"))
    async with delivering(journal_path, {"crm": down}, options=ALL_IN_ORDER) as running:
        await running.append(append_of(*(call_change(f"c{n}") for n in range(10))))
        await down.wait_until(lambda sink: len(sink.attempted) >= 2)

    up = RecordingSink()
    async with delivering(journal_path, {"crm": up}, options=ALL_IN_ORDER) as running:
        await running.append(append_of(call_change("late", events=2)))
        await running.settled()

    assert {1} == {delivery.seq for delivery in down.attempted}
    # the endpoint.failing of a receiver that is down is not for itself
    assert sorted(delivery.seq for delivery in up.delivered) == [delivery.seq for delivery in up.delivered]
    assert (1, 32) == (up.most_in_flight, len(up.delivered))


async def test_without_order_a_failing_event_holds_up_nothing(journal_path: Path) -> None:
    crm = RecordingSink(lambda delivery: TryLater("timeout") if delivery.seq == 1 else Delivered(200))
    sinks = {"crm": crm}
    async with delivering(journal_path, sinks, None, lambda _: 3_600.0, options=IN_NO_ORDER) as running:
        await running.append(append_of(call_change("a")))
        await running.append(append_of(call_change("a", events=3, first_revision=4)))
        await running.settled(pending=1)

    assert {2, 3, 4, 5, 6} == {delivery.seq for delivery in crm.delivered}
    assert [(1, 1)] == query(
        journal_path, "SELECT seq, subject_key FROM deliveries WHERE status = 'pending' AND due_ms > 0"
    )
