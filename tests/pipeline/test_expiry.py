"""
Backlogs have limits: told at 50, 80 and 100 %, and beyond them the oldest expires, whatever the state.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson

from relay.journal.store import SqlJournal
from relay.model.delivery_options import ORDER_ENDPOINT, DeliveryOptions
from relay.model.journal_stats import EndpointBacklog
from relay.model.outcome import GiveUp, TryLater
from relay.pipeline import expiry
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, append_of, call_change
from tests.pipeline.conftest import Delivering, delivering
from tests.pipeline.test_deliver import assert_in_order, query
from tests.pipeline.test_probing import passing

OUTCOMES = "SELECT status, reason, count(*) FROM deliveries WHERE endpoint_no = 1 GROUP BY 1, 2 ORDER BY 1, 2"
TOLD = "SELECT body FROM events WHERE type = 'endpoint.backlog' ORDER BY seq"
MOST_TOLD = "SELECT max(backlog_told) FROM endpoints"


class CountingJournal(SqlJournal):
    """
    Counts how often somebody looked at what waits.
    """

    looks = 0

    async def backlogs(self) -> dict[int, EndpointBacklog]:
        """
        Look.
        """
        found = await super().backlogs()
        self.looks += 1
        return found


async def looked_again(running: Delivering, clock: ManualClock) -> None:
    """
    Let time pass until everything that waits was looked at three times more; what follows from a look is done
    before the next.
    """
    journal = running.journal
    assert isinstance(journal, CountingJournal)
    enough = journal.looks + 4
    await passing(clock, lambda: journal.looks >= enough, 10.0)


def at_start() -> ManualClock:
    """
    Give a clock at the time at which the events of these tests are recorded.
    """
    return ManualClock(NOW)


def told(path: Path) -> list[tuple[object, ...]]:
    """
    Return the levels that were told, with how many waited and who was told of it.
    """
    events = [orjson.loads(body) for (body,) in query(path, TOLD)]  # type: ignore[arg-type]
    return [(one["subject"], one["data"]["percent"], one["data"]["pending"]) for one in events]


async def test_of_more_that_wait_for_a_paused_endpoint_the_oldest_expire(journal_path: Path) -> None:
    clock, options = at_start(), DeliveryOptions(max_pending=100)
    crm = RecordingSink()
    async with delivering(
        journal_path, {"crm": crm, "ops": RecordingSink()}, clock, options=options
    ) as running:
        await running.deliver.pause("crm")
        await running.append(append_of(*(call_change(f"c{n:02}") for n in range(50))))
        await passing(clock, lambda: expired(journal_path) == 50, 10.0)
        await running.deliver.resume("crm")
        await passing(clock, lambda: len(crm.delivered) == 100)
    value = running.metrics.registry.get_sample_value

    assert 50 == value("relay_deliveries_total", {"endpoint": "crm", "outcome": "expired"})
    assert [("delivered", "ok", 100), ("expired", "max_pending", 50)] == query(journal_path, OUTCOMES)
    # the pause itself is event 1, and not for the endpoint
    assert set(range(52, 152)) == {delivery.seq for delivery in crm.delivered}
    assert_in_order(crm.delivered)
    assert [("endpoint/crm", 100, 150)] == told(journal_path)


async def test_what_waits_for_too_long_expires_also_for_a_disabled_endpoint(journal_path: Path) -> None:
    clock, options = at_start(), DeliveryOptions(max_pending_age_s=600)
    crm = RecordingSink(lambda _: GiveUp("http_410", 410))
    async with delivering(journal_path, {"crm": crm}, clock, options=options) as running:
        await running.append(append_of(call_change("a"), call_change("b")))
        await running.until_told("endpoint.disabled")
        for level in (1, 2):
            await passing(clock, lambda level=level: len(told(journal_path)) == level, 5.0)  # type: ignore[misc]
        assert 0 == expired(journal_path)
        await passing(clock, lambda: expired(journal_path) == 6, 5.0)

    assert [("expired", "max_pending_age", 6)] == query(journal_path, OUTCOMES)
    assert timedelta(seconds=600) <= clock.now() - NOW <= timedelta(seconds=800)
    assert [50, 80, 100] == [percent for _, percent, _ in told(journal_path)]


async def test_a_running_lane_learns_of_it_and_sends_what_is_left(journal_path: Path) -> None:
    """
    One subject waits for an hour: what expires of it makes the next of it due.
    """
    clock, options = at_start(), DeliveryOptions(max_pending_age_s=300)
    crm = RecordingSink(lambda delivery: TryLater("timeout"))
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: 3_600.0, options=options) as running:
        await running.append(append_of(call_change("a", events=2)))
        await crm.wait_until(lambda sink: len(sink.attempted) == 1)
        clock.advance(200)
        late = append_of(call_change("a", events=2, first_revision=3))
        await running.append(replace(late, recorded_at=clock.now()))
        crm.answer = RecordingSink().answer
        await passing(clock, lambda: len(crm.delivered) == 2, 10.0)
        await passing(clock, lambda: ("delivered", "ok", 2) in query(journal_path, OUTCOMES))

    assert [3, 4] == [delivery.seq for delivery in crm.delivered]
    assert [("delivered", "ok", 2), ("expired", "max_pending_age", 2)] == query(journal_path, OUTCOMES)
    assert clock.now() - NOW < timedelta(seconds=600)


async def test_what_is_in_flight_when_it_expires_and_arrives_is_delivered(journal_path: Path) -> None:
    clock, options = at_start(), DeliveryOptions(max_pending=2)
    crm = RecordingSink()
    crm.gate.clear()
    async with delivering(journal_path, {"crm": crm}, clock, options=options) as running:
        await running.append(append_of(call_change("a", events=4)))
        await crm.wait_until(lambda sink: sink.in_flight == 1)
        value, of_crm = running.metrics.registry.get_sample_value, {"endpoint": "crm", "outcome": "expired"}
        # The lane is told as it is counted, a moment after it is durable.
        await passing(clock, lambda: value("relay_deliveries_total", of_crm) == 2, 10.0)
        crm.gate.set()
        await passing(clock, lambda: ("delivered", "ok", 3) in query(journal_path, OUTCOMES))

    assert ("expired", "max_pending", 1) in query(journal_path, OUTCOMES)
    assert [1, 3, 4] == [delivery.seq for delivery in crm.delivered]


async def test_a_level_is_told_once_and_anew_after_it_fell_below_half(journal_path: Path) -> None:
    clock, options = at_start(), DeliveryOptions(max_pending=10)
    crm = RecordingSink()
    sinks = {"crm": crm, "ops": RecordingSink()}
    async with delivering(
        journal_path, sinks, clock, options=options, journal_class=CountingJournal
    ) as running:
        await running.deliver.pause("crm")
        await running.append(append_of(call_change("a", events=5)))
        await passing(clock, lambda: len(told(journal_path)) == 1, 10.0)
        await running.append(append_of(call_change("b", events=3)))
        await passing(clock, lambda: len(told(journal_path)) == 2, 10.0)
        await looked_again(running, clock)
        assert [50, 80] == [percent for _, percent, _ in told(journal_path)]
        assert [(80,)] == query(journal_path, "SELECT backlog_told FROM endpoints WHERE id = 'crm'")

        await running.deliver.resume("crm")
        await passing(
            clock, lambda: [(0,)] == query(journal_path, "SELECT max(backlog_told) FROM endpoints"), 10.0
        )
        await running.deliver.pause("crm")
        await running.append(append_of(call_change("c", events=5)))
        await passing(clock, lambda: len(told(journal_path)) == 3, 10.0)

    assert [("endpoint/crm", 50, 5), ("endpoint/crm", 80, 8), ("endpoint/crm", 50, 5)] == told(journal_path)


async def test_what_was_told_is_known_after_a_restart(journal_path: Path) -> None:
    clock, options = at_start(), DeliveryOptions(max_pending=10)
    async with delivering(
        journal_path, {"crm": RecordingSink()}, clock, options=options, journal_class=CountingJournal
    ) as running:
        await running.deliver.pause("crm")
        await running.append(append_of(call_change("a", events=5)))
        await passing(clock, lambda: len(told(journal_path)) == 1, 10.0)

    async with delivering(
        journal_path, {"crm": RecordingSink()}, clock, options=options, journal_class=CountingJournal
    ) as running:
        await looked_again(running, clock)

    assert 1 == len(told(journal_path))


async def test_very_much_expires_in_steps_in_one_order_too(journal_path: Path) -> None:
    clock = at_start()
    options = DeliveryOptions(max_pending=10, order=ORDER_ENDPOINT)
    async with delivering(journal_path, {"crm": RecordingSink()}, clock, options=options) as running:
        await running.deliver.pause("crm")
        for start in range(0, 600, 150):
            await running.append(append_of(*(call_change(f"c{n}") for n in range(start, start + 150))))
        await passing(clock, lambda: expired(journal_path) == 1_790, 10.0)

    assert expiry.AT_ONCE < 1_790
    due = query(journal_path, "SELECT seq FROM deliveries WHERE due_ms IS NOT NULL")
    assert due == query(journal_path, "SELECT min(seq) FROM deliveries WHERE status = 'pending'")


async def test_without_limits_nothing_expires(journal_path: Path) -> None:
    clock, options = at_start(), DeliveryOptions(max_pending=0, max_pending_age_s=0)
    async with delivering(
        journal_path, {"crm": RecordingSink()}, clock, options=options, journal_class=CountingJournal
    ) as running:
        await running.deliver.pause("crm")
        await running.append(append_of(call_change("a")))
        clock.advance(30 * 86_400)
        await looked_again(running, clock)

    assert [("pending", None, 3)] == query(journal_path, OUTCOMES)
    assert [] == told(journal_path)


def expired(path: Path) -> int:
    """
    Return how many deliveries have expired.
    """
    ((count,),) = query(path, "SELECT count(*) FROM deliveries WHERE status = 'expired'")
    return int(str(count))
