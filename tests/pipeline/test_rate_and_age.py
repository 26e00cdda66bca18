"""
How fast an endpoint is sent to, and what is too old or superseded when its turn comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from relay.model.catalogue import AGENT_STATUS_CHANGED
from relay.model.change import CallChange
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import Delivery
from relay.model.event import Event
from relay.model.listing import DeliveryKey
from relay.model.outcome import Delivered, TryLater
from relay.pipeline.stale import Staleness
from relay.sinks.webhook.handshake import FIRST_ASK_PER_S
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, append_of, call_change, call_event, endpoint_spec
from tests.pipeline.conftest import Delivering, delivering
from tests.pipeline.test_deliver import query
from tests.pipeline.test_probing import passing

ONE_IN_TEN_S = DeliveryOptions(rate_per_s=0.1, max_pending_age_s=0)
ONE_A_SECOND = DeliveryOptions(rate_per_s=1.0, max_pending_age_s=0)


async def test_an_endpoint_gets_so_many_requests_a_second_and_no_more(journal_path: Path) -> None:
    clock, crm = ManualClock(SystemClock().now()), RecordingSink()
    options = DeliveryOptions(rate_per_s=5.0, max_pending_age_s=0)
    async with delivering(journal_path, {"crm": crm}, clock, options=options) as running:
        await running.append(append_of(*(call_change(f"c{n}", events=2) for n in range(12))))
        counts = []
        for n in range(1, 5):
            await crm.wait_until(lambda sink, n=n: len(sink.delivered) >= 5 * n)  # type: ignore[misc]
            for _ in range(50):
                await asyncio.sleep(0)  # whatever else would be sent has its turn
            counts.append(len(crm.delivered))
            for _ in range(5):
                await clock.run_for(0.2)
        await passing(clock, lambda: len(crm.delivered) == 24)

    assert [5, 10, 15, 20] == counts


async def test_a_lane_without_a_token_sleeps_until_there_is_one(journal_path: Path) -> None:
    clock, crm = ManualClock(SystemClock().now()), RecordingSink()
    async with delivering(journal_path, {"crm": crm}, clock, options=ONE_IN_TEN_S) as running:
        await running.append(append_of(call_change("a", events=1)))
        await crm.wait_until(lambda sink: len(sink.delivered) == 1)
        for _ in range(5):
            await clock.run_for(0.01)
        await running.append(append_of(call_change("b", events=1)))
        for _ in range(97):
            await clock.run_for(0.1)
        assert 1 == len(crm.delivered)

        await passing(clock, lambda: len(crm.delivered) == 2, 0.1)


class Silent:
    """
    A receiver that has not said yet how many requests it takes; `told` are those who want to know.
    """

    def __init__(self) -> None:
        self.told: list[Callable[[float | None], None]] = []

    def follow_rate(self, tell: Callable[[float | None], None]) -> None:
        """
        Have somebody told, now and later.
        """
        self.told.append(tell)
        tell(FIRST_ASK_PER_S)


async def sent_of_thirty(running: Delivering, crm: RecordingSink, clock: ManualClock) -> int:
    """
    Append thirty events; return how many were sent in four seconds after the first.
    """
    await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(30))))
    await crm.wait_until(lambda sink: len(sink.delivered) == 1)
    for _ in range(40):
        await clock.run_for(0.1)
    return len(crm.attempted)


async def test_until_it_is_known_what_a_receiver_allows_one_request_is_made(journal_path: Path) -> None:
    clock, crm, silent = ManualClock(SystemClock().now()), RecordingSink(), Silent()
    async with delivering(journal_path, {"crm": crm}, clock, follow_rate=silent.follow_rate) as running:
        before = await sent_of_thirty(running, crm, clock)
        silent.told[0](None)
        await crm.wait_until(lambda sink: len(sink.delivered) == 30)

    assert 1 == before


async def test_what_a_receiver_of_before_allows_does_not_count(journal_path: Path) -> None:
    clock, crm, silent = ManualClock(SystemClock().now()), RecordingSink(), Silent()
    async with delivering(
        journal_path, {}, clock, of_file=[], open_sink=lambda _: crm, follow_rate=silent.follow_rate
    ) as running:
        await running.create(endpoint_spec())
        moved = replace(endpoint_spec(), url="https://crm.example.com/elsewhere")
        await running.journal.registry.change_registered(moved, NOW)
        await running.deliver.refresh()
        silent.told[0](None)
        before = await sent_of_thirty(running, crm, clock)
        silent.told[1](None)
        await crm.wait_until(lambda sink: len(sink.delivered) == 30)

    assert (2, 1) == (len(silent.told), before)


async def test_what_is_sent_again_shares_the_rate(journal_path: Path) -> None:
    clock, crm = ManualClock(SystemClock().now()), RecordingSink()
    async with delivering(journal_path, {"crm": crm}, clock, options=ONE_A_SECOND) as running:
        appended = await running.append(append_of(call_change("a", events=1)))
        await passing(clock, lambda: len(crm.delivered) == 1, 0.01)
        await passing(clock, lambda: pending(journal_path) == 0, 0.01)
        key = DeliveryKey("crm", appended.events[0].id, 0)
        for _ in range(3):
            await running.journal.registry.resend(key, lambda _: b"", NOW, None)
        running.deliver.resent("crm")
        begun = clock.monotonic()
        await passing(clock, lambda: len(crm.delivered) == 4, 0.1)

    assert clock.monotonic() - begun >= 2


async def test_an_event_that_is_too_old_when_its_turn_comes_is_not_sent(journal_path: Path) -> None:
    clock = ManualClock(NOW + timedelta(seconds=10))
    answers = [TryLater("timeout")]
    crm = RecordingSink(lambda _: answers.pop() if answers else Delivered(200))
    options = DeliveryOptions(max_age_s=60, max_pending_age_s=0)
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: 100.0, options=options) as running:
        await running.append(append_of(call_change("a"), call_change("b", events=1)))
        await passing(clock, lambda: pending(journal_path) < 4)
        await passing(clock, lambda: pending(journal_path) == 0)
    value = running.metrics.registry.get_sample_value
    expired = value("relay_deliveries_total", {"endpoint": "crm", "outcome": "expired"})
    timeouts = value("relay_delivery_attempts_total", {"endpoint": "crm", "outcome": "timeout"})

    assert (3, 1) == (expired, timeouts)
    assert 2 == len(crm.attempted)
    assert [("expired", "too_old", 0, None), ("expired", "too_old", 1, None)] == query(
        journal_path,
        "SELECT DISTINCT status, reason, attempts, latency_ms FROM deliveries"
        " WHERE status = 'expired' ORDER BY attempts",
    )
    assert [("timeout",)] == query(journal_path, "SELECT reason FROM attempts")


async def test_a_status_that_waits_is_superseded_by_a_newer_one_of_its_subject(journal_path: Path) -> None:
    clock, down = ManualClock(SystemClock().now()), [True]
    crm = RecordingSink(lambda _: TryLater("timeout") if down[0] else Delivered(200))
    ops = RecordingSink()
    options = DeliveryOptions(supersede_status=True, max_pending_age_s=0)
    sinks = {"crm": crm, "ops": ops}
    async with delivering(journal_path, sinks, clock, lambda _: 30.0, options=options) as running:
        for revision in (1, 2, 3):
            await running.append(append_of(status_of("zoe", revision), call_change(f"c{revision}", events=1)))
            await passing(clock, lambda: not running.deliver._settler._waiting, 0.01)
        await crm.wait_until(lambda sink: len(sink.attempted) == 4)
        down[0] = False
        await passing(clock, lambda: len(crm.delivered) == 4)
        await passing(clock, lambda: pending(journal_path) == 0)
    value = running.metrics.registry.get_sample_value
    discarded = value("relay_deliveries_total", {"endpoint": "crm", "outcome": "discarded"})

    assert 2 == discarded
    assert {5} == {delivery.seq for delivery in crm.delivered if b"status_changed" in delivery.body}
    assert [("discarded", "superseded", 1), ("discarded", "superseded", 0)] == query(
        journal_path,
        "SELECT status, reason, attempts FROM deliveries WHERE endpoint_no = 1 AND seq IN (1, 3)",
    )
    assert 6 == len(ops.delivered)


def test_only_a_newer_status_supersedes_one_and_only_where_that_is_wanted() -> None:
    old, new, other = made("agent.status_changed", 1), made("agent.status_changed", 2), made("agent.stats", 3)
    wanted, not_wanted = (
        Staleness(DeliveryOptions(supersede_status=True, max_pending_age_s=0)),
        Staleness(DeliveryOptions()),
    )

    assert ("discarded", "superseded") == wanted.of(old, [other, new], 0)
    assert None is wanted.of(old, [other], 0)
    assert None is wanted.of(other, [made("agent.stats", 4)], 0)
    assert None is wanted.of(old._replace(job=7), [new], 0)
    assert (True, False) == (wanted.is_possible, not_wanted.is_possible)
    assert not Staleness(DeliveryOptions(supersede_status=True, order="endpoint")).is_possible


def test_what_a_person_asked_for_again_is_never_too_old() -> None:
    rule = Staleness(DeliveryOptions(max_age_s=1, max_pending_age_s=0))

    assert ("expired", "too_old") == rule.of(made("call.started", 1), [], 1_001)
    assert None is rule.of(made("call.started", 1), [], 1_000)
    assert None is rule.of(made("call.started", 1)._replace(job=3), [], 1_001)


def made(event_type: str, seq: int) -> Delivery:
    """
    Make a delivery of an event about one agent.
    """
    body = b'{"type":"%b","subject":"agent/pbx/zoe"}' % event_type.encode()
    return Delivery(1, seq, 0, 5, f"e{seq}", 0, 0, 0, body)


def status_of(name: str, revision: int) -> CallChange:
    """
    Make a change of one subject whose event says that its status changed.
    """
    change = call_change(name, 1, first_revision=revision)
    event: Event = call_event(name, revision)._replace(type=AGENT_STATUS_CHANGED)
    return replace(change, events=(event,))


def pending(path: Path) -> int:
    """
    Return how many deliveries wait.
    """
    ((count,),) = query(path, "SELECT count(*) FROM deliveries WHERE status = 'pending'")
    return int(str(count))
