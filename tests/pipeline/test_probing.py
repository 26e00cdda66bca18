"""
Endpoints that fail and fail: probed, not hammered; nothing lost, nothing used up; told, and over restarts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import orjson

from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import Delivery
from relay.model.outcome import Delivered, Outcome, TryLater
from relay.model.times import to_ms
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import append_of, call_change
from tests.pipeline.conftest import Delivering, delivering
from tests.pipeline.test_deliver import assert_in_order, query
from tests.pipeline.test_endpoint_states import turns

STATE = "SELECT state, state_reason, failing_since_ms FROM endpoints WHERE id = 'crm'"
AN_HOUR = 3_600.0


class Moody:
    """
    Answers as it is told to be: up, down, or something else.
    """

    def __init__(self) -> None:
        self.outcome: Outcome = TryLater("http_5xx", 503)

    def __call__(self, _: Delivery) -> Outcome:
        return self.outcome

    def up(self) -> None:
        """
        Take everything from now on.
        """
        self.outcome = Delivered(200)


async def passing(clock: ManualClock, is_so: Callable[[], bool], step_s: float = 0.5) -> None:
    """
    Let time pass until something is so; what the journal does meanwhile takes real time.
    """
    async with asyncio.timeout(20):
        while not is_so():
            await clock.run_for(step_s)
            await asyncio.sleep(0.001)


async def down(running: Delivering, clock: ManualClock, events: int = 12) -> None:
    """
    Append calls with one event each, and return once the endpoint is only probed.
    """
    await running.append(append_of(*(call_change(f"c{n:02}", events=1) for n in range(events))))
    await passing(clock, lambda: "endpoint.failing" in running.told, 0.01)


async def test_after_ten_failures_one_probe_at_a_time_is_made_of_what_was_due_longest(
    journal_path: Path,
) -> None:
    clock, moody = ManualClock(SystemClock().now()), Moody()
    crm = RecordingSink(moody)
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: AN_HOUR, max_in_flight=1) as running:
        begun_ms = clock.now_ms()
        await down(running, clock)
        assert 10 == len(crm.attempted)
        ((state, reason, since_ms),) = query(journal_path, STATE)
        assert ("probing", "http_5xx") == (state, reason)
        assert isinstance(since_ms, int) and begun_ms <= since_ms <= clock.now_ms()  # noqa: PT018 - a range

        for n in range(4):  # two that were never tried, then those due soonest, before their time
            await passing(clock, lambda n=n: len(crm.attempted) == 11 + n)  # type: ignore[misc]
        await passing(clock, lambda: len(query(journal_path, "SELECT made_ms FROM attempts")) == 14)

    assert [11, 12, 1, 1] == [delivery.seq for delivery in crm.attempted[10:]]
    assert 1 == crm.most_in_flight
    counted = query(journal_path, "SELECT attempts, count(*) FROM deliveries WHERE job = 0 GROUP BY attempts")
    assert [(1, 12)] == counted
    told = orjson.loads(query(journal_path, "SELECT body FROM events WHERE seq = 13")[0][0])["data"]  # type: ignore[arg-type]
    assert ("probing", "healthy", 10, 503, ["state"]) == (
        told["state"], told["previous_state"], told["attempts_in_a_row"], told["status"], told["changed"],
    )  # fmt: skip


async def test_what_was_due_by_its_own_schedule_uses_an_attempt(journal_path: Path) -> None:
    clock, moody = ManualClock(SystemClock().now()), Moody()
    crm = RecordingSink(moody)
    async with delivering(
        journal_path, {"crm": crm}, clock, lambda made: None if made == 3 else 1.0
    ) as running:
        await down(running, clock, events=10)
        await passing(clock, lambda: "delivery.exhausted" in running.told)

    made = Counter(delivery.seq for delivery in crm.attempted)
    assert 3 == max(made.values())
    assert len(crm.attempted) >= 10 + 11


async def test_one_success_has_all_that_waits_sent_in_order(journal_path: Path) -> None:
    clock, moody = ManualClock(SystemClock().now()), Moody()
    crm = RecordingSink(moody)
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: AN_HOUR) as running:
        await down(running, clock, events=20)
        for revision in (2, 3):
            await running.append(
                append_of(*(call_change(f"c{n:02}", 1, first_revision=revision) for n in range(20)))
            )
        before = len(crm.attempted)
        assert running.deliver._endpoints.lanes[1].queue.take() is None
        moody.up()
        await passing(clock, lambda: len(crm.delivered) == 60)

    assert 60 + before == len(crm.attempted)
    assert ["endpoint.failing", "endpoint.recovered"] == running.told
    assert [("healthy", None, None)] == query(journal_path, STATE)
    assert_in_order(crm.delivered)


class Stepping:
    """
    A sink that lets as many attempts end as it is told to.
    """

    def __init__(self, moody: Moody) -> None:
        self.allowed = asyncio.Semaphore(1_000)
        self.moody = moody
        self.in_flight = 0

    async def deliver(self, delivery: Delivery) -> Outcome:
        """
        Wait for leave, and answer.
        """
        self.in_flight += 1
        await self.allowed.acquire()
        self.in_flight -= 1
        return self.moody(delivery)


async def test_what_waits_for_a_recovery_is_sent_gently(journal_path: Path) -> None:
    clock, moody = ManualClock(SystemClock().now()), Moody()
    crm = Stepping(moody)
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: AN_HOUR, max_in_flight=10) as running:
        await down(running, clock, events=40)
        moody.up()
        crm.allowed = asyncio.Semaphore(0)
        waves = []
        for _ in range(6):
            await passing(clock, lambda: crm.in_flight > 0)
            waves.append(crm.in_flight)
            for _ in range(crm.in_flight):
                crm.allowed.release()
            await turns()

    assert [1, 1, 2, 4, 8, 10] == waves  # the first is the probe


async def test_a_restart_goes_on_probing_and_is_disabled_in_time(journal_path: Path) -> None:
    clock, options = (
        ManualClock(SystemClock().now()),
        DeliveryOptions(disable_after_s=100, max_pending_age_s=0),
    )
    crm = RecordingSink(Moody())
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: AN_HOUR, options=options) as running:
        await down(running, clock)
    was = query(journal_path, STATE)

    clock.advance(70)
    again, ops = RecordingSink(Moody()), RecordingSink()
    sinks = {"crm": again, "ops": ops}
    async with delivering(journal_path, sinks, clock, lambda _: AN_HOUR, options=options) as running:
        await passing(clock, lambda: len(again.attempted) == 2)
        assert was == query(journal_path, STATE)
        assert 1 == again.most_in_flight
        await passing(clock, lambda: "endpoint.disabled" in running.told)
        unseen = await running.append(append_of(call_change("new", events=1)))

    assert [("disabled", "failing")] == [row[:2] for row in query(journal_path, STATE)]
    assert [2] == [delivery.endpoint_no for delivery in unseen.deliveries]
    assert [(12,)] == query(
        journal_path, "SELECT count(*) FROM deliveries WHERE endpoint_no = 1 AND status = 'pending'"
    )


async def test_a_person_may_resume_what_is_probed_or_was_disabled_for_failing(journal_path: Path) -> None:
    clock, options = (
        ManualClock(SystemClock().now()),
        DeliveryOptions(disable_after_s=20, max_pending_age_s=0),
    )
    moody = Moody()
    crm = RecordingSink(moody)
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: AN_HOUR, options=options) as running:
        await down(running, clock)
        await passing(clock, lambda: "endpoint.disabled" in running.told)
        moody.up()
        await running.deliver.resume("crm")
        await passing(clock, lambda: len(crm.delivered) == 12)

    assert ["endpoint.failing", "endpoint.disabled", "endpoint.resumed"] == running.told
    assert [("healthy", None, None)] == query(journal_path, STATE)


async def test_a_pause_ends_the_probes_and_resuming_forgets_the_failures(journal_path: Path) -> None:
    clock, moody = ManualClock(SystemClock().now()), Moody()
    crm = RecordingSink(moody)
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: AN_HOUR) as running:
        await down(running, clock)
        await running.deliver.pause("crm")
        made = len(crm.attempted)
        for _ in range(20):
            await clock.run_for(10)
        assert made == len(crm.attempted)

        moody.up()
        await running.deliver.resume("crm")
        await passing(clock, lambda: len(crm.delivered) == 12)

    assert ["endpoint.failing", "endpoint.paused", "endpoint.resumed"] == running.told


async def test_an_asked_for_wait_is_kept_while_probing_and_then_comes_a_probe(journal_path: Path) -> None:
    clock, moody = ManualClock(SystemClock().now()), Moody()
    crm, ops = RecordingSink(moody), RecordingSink()
    async with delivering(journal_path, {"crm": crm, "ops": ops}, clock, lambda _: AN_HOUR) as running:
        await down(running, clock)
        until = clock.now() + timedelta(seconds=90)
        moody.outcome = TryLater("http_429", 429, not_before=until)
        await passing(clock, lambda: len(crm.attempted) == 13)
        moody.up()
        await running.append(append_of(call_change("more", events=1)))
        await passing(clock, lambda: len(ops.delivered) == 14)
        while (until - clock.now()).total_seconds() > 1:
            await clock.run_for(1)
        assert 13 == len(crm.attempted)

        await passing(clock, lambda: len(crm.delivered) == 13)

    assert [(to_ms(until),)] == query(journal_path, "SELECT not_before_ms FROM endpoints WHERE id = 'crm'")
    assert ["endpoint.failing", "endpoint.recovered"] == running.told


async def test_two_dead_endpoints_that_want_everything_end_in_silence(journal_path: Path) -> None:
    one, two = RecordingSink(Moody()), RecordingSink(Moody())
    clock = ManualClock(SystemClock().now())
    async with delivering(journal_path, {"one": one, "two": two}, clock, lambda _: None) as running:
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(15))))
        async with asyncio.timeout(20):
            while running.told.count("delivery.exhausted") < 30 or (await running.journal.stats()).pending:
                await clock.run_for(5)
        told = Counter(running.told)

    # 15 for each; the failing of one is told to the other, and given up there without a word
    assert {"endpoint.failing": 2, "delivery.exhausted": 30} == dict(told)
    own = (
        "SELECT count(*) FROM deliveries d JOIN events e USING (seq) JOIN endpoints p ON p.no = d.endpoint_no"
    )
    assert [(0,)] == query(journal_path, f"{own} WHERE e.subject = 'endpoint/' || p.id")
