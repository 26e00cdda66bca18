"""
Delivering from a real journal: nothing lost, nothing overtaken, every outcome recorded.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from relay.model.endpoint import Delivery
from relay.model.outcome import Delivered, GiveUp, Outcome, TryLater
from relay.model.times import to_ms
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import append_of, call_change, settled
from tests.pipeline.conftest import delivering


async def test_what_is_appended_is_delivered_and_recorded(journal_path: Path) -> None:
    sink = RecordingSink()
    async with delivering(journal_path, {"crm": sink}) as running:
        await running.append(append_of(call_change("a"), call_change("b")))
        await running.settled()

    assert 6 == len(sink.delivered)
    assert [("delivered", 1, 6)] == query(
        journal_path, "SELECT status, max(attempts), count(*) FROM deliveries GROUP BY status"
    )
    assert [(0,)] == query(journal_path, "SELECT count(*) FROM attempts")


async def test_what_was_pending_at_the_start_is_delivered(journal_path: Path) -> None:
    hanging = RecordingSink()
    hanging.gate.clear()
    async with delivering(journal_path, {"crm": hanging}) as running:
        await running.append(append_of(*(call_change(f"c{n}") for n in range(10))))
        await hanging.wait_until(lambda sink: sink.in_flight == 10)

    sink = RecordingSink()
    async with delivering(journal_path, {"crm": sink}) as running:
        await running.settled()

    assert set(range(1, 31)) == {delivery.seq for delivery in sink.delivered}


async def test_a_hanging_endpoint_costs_the_others_nothing(journal_path: Path) -> None:
    hanging, healthy = RecordingSink(), RecordingSink()
    hanging.gate.clear()
    async with delivering(journal_path, {"slow": hanging, "crm": healthy}, max_in_flight=4) as running:
        await running.append(append_of(*(call_change(f"c{n}") for n in range(100))))

        await healthy.wait_until(lambda sink: len(sink.delivered) == 300)

        assert [] == hanging.delivered
        hanging.gate.set()
        await running.settled()
    assert 300 == len(hanging.delivered)


async def test_a_failed_attempt_is_made_again_and_kept(journal_path: Path) -> None:
    answers: list[Outcome] = [TryLater("http_5xx", 503, b"busy"), TryLater("timeout")]
    sink = RecordingSink(lambda _: answers.pop(0) if answers else Delivered(200))
    async with delivering(journal_path, {"crm": sink}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await running.settled()

    assert 3 == len(sink.attempted)
    assert 1 == len({delivery.event_id for delivery in sink.attempted})
    assert [(1, 503, "http_5xx", b"busy"), (2, None, "timeout", b""), (3, 200, "ok", b"")] == query(
        journal_path, "SELECT attempt, http_status, reason, answer FROM attempts ORDER BY attempt"
    )


async def test_a_used_up_schedule_ends_in_exhausted_and_tells_so(journal_path: Path) -> None:
    dead, ops = RecordingSink(lambda _: TryLater("refused")), RecordingSink()
    delays = {1: 0.001, 2: 0.001}
    async with delivering(journal_path, {"crm": dead, "ops": ops}, next_delay_s=delays.get) as running:
        await running.append(append_of(call_change("a", events=1)))
        await ops.wait_until(lambda sink: len(sink.delivered) == 2)
        await running.settled()

    told = orjson.loads(ops.delivered[-1].body)
    assert ("delivery.exhausted", "endpoint/crm") == (told["type"], told["subject"])
    assert (3, "refused", "call/pbx/a") == (
        told["data"]["attempts"],
        told["data"]["reason"],
        told["data"]["event_subject"],
    )
    assert [("exhausted", 3, "refused")] == query(
        journal_path, "SELECT status, attempts, reason FROM deliveries WHERE seq = 1 AND endpoint_no = 1"
    )


async def test_two_dead_endpoints_do_not_tell_each_other_for_ever(journal_path: Path) -> None:
    one, two = (RecordingSink(lambda _: TryLater("refused")) for _ in range(2))
    async with delivering(journal_path, {"one": one, "two": two}, next_delay_s=lambda _: None) as running:
        await running.append(append_of(call_change("a", events=1)))
        await one.wait_until(lambda sink: len(sink.attempted) == 2)
        await two.wait_until(lambda sink: len(sink.attempted) == 2)
        await running.settled()

        assert 3 == (await running.journal.stats()).last_seq


async def test_a_receiver_that_is_gone_is_disabled_at_once(journal_path: Path) -> None:
    gone, ops = RecordingSink(lambda _: GiveUp("http_410", 410)), RecordingSink()
    async with delivering(journal_path, {"crm": gone, "ops": ops}, max_in_flight=1) as running:
        await running.append(append_of(call_change("a", events=1)))
        await ops.wait_until(lambda sink: len(sink.delivered) == 2)
        before = len(gone.attempted)
        appended = await running.append(append_of(call_change("b", events=1)))
        await ops.wait_until(lambda sink: len(sink.delivered) == 3)

        assert 1 == before == len(gone.attempted)
        assert 1 == len(appended.deliveries)
    assert [("disabled", "http_410")] == query(
        journal_path, "SELECT state, state_reason FROM endpoints WHERE id = 'crm'"
    )
    assert [("pending",)] == query(journal_path, "SELECT status FROM deliveries WHERE endpoint_no = 1")


async def test_three_refusals_in_a_row_are_told_once(journal_path: Path) -> None:
    answers: list[Outcome] = [TryLater("http_4xx", 401, is_refusal=True)] * 5
    crm = RecordingSink(lambda _: answers.pop(0) if answers else Delivered(200))
    ops = RecordingSink()
    async with delivering(journal_path, {"crm": crm, "ops": ops}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await running.settled()
        await ops.wait_until(lambda sink: len(sink.delivered) == 2)

    told = orjson.loads(ops.delivered[-1].body)
    assert ("endpoint.failing", 3, 401) == (
        told["type"],
        told["data"]["attempts_in_a_row"],
        told["data"]["status"],
    )


async def test_a_receiver_that_asks_to_wait_is_left_alone_and_it_costs_no_attempt(journal_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    until = clock.now() + timedelta(seconds=60)
    answers: list[Outcome] = [TryLater("http_429", 429, not_before=until)]
    sink = RecordingSink(lambda _: answers.pop(0) if answers else Delivered(200))
    async with delivering(journal_path, {"crm": sink}, clock=clock, max_in_flight=1) as running:
        await running.append(append_of(call_change("a", events=1), call_change("b", events=1)))
        await sink.wait_until(lambda s: len(s.attempted) == 1)
        await clock.run_for(59)
        assert 1 == len(sink.attempted)

        await clock.run_for(2)
        await sink.wait_until(lambda s: len(s.delivered) == 2)
        await clock.run_for(1)

    assert [(until_ms := to_ms(until),)] == query(journal_path, "SELECT not_before_ms FROM endpoints")
    assert until_ms > 0
    assert [(1,)] == query(journal_path, "SELECT max(attempts) FROM deliveries")


async def test_asking_to_wait_holds_over_a_restart(journal_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    until = clock.now() + timedelta(seconds=60)
    first = RecordingSink(lambda _: TryLater("http_429", 429, not_before=until))
    async with delivering(journal_path, {"crm": first}, clock=clock) as running:
        await running.append(append_of(call_change("a", events=1)))
        await first.wait_until(lambda s: len(s.attempted) == 1)

    second = RecordingSink()
    async with delivering(journal_path, {"crm": second}, clock=clock) as running:
        await running.append(append_of(call_change("b", events=1)))
        await clock.run_for(59)
        assert [] == second.attempted

        await clock.run_for(2)
        await second.wait_until(lambda s: len(s.delivered) == 2)


async def test_a_bug_in_a_sink_is_a_counted_retry(journal_path: Path) -> None:
    calls = []

    def broken_once(delivery: Delivery) -> Outcome:
        calls.append(delivery)
        if len(calls) == 1:
            raise ZeroDivisionError("a bug")
        return Delivered(200)

    sink = RecordingSink(broken_once)
    async with delivering(journal_path, {"crm": sink}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await running.settled()
        attempts = running.metrics.registry.get_sample_value(
            "relay_delivery_attempts_total", {"endpoint": "crm", "outcome": "bug"}
        )

    assert 1 == attempts
    assert 2 == len(calls)


async def test_a_lane_that_overflows_delivers_everything_in_order(journal_path: Path) -> None:
    """
    More than a lane holds, appended faster than it is delivered: the rest comes by pages.
    """
    sink = RecordingSink()
    sink.gate.clear()
    async with delivering(journal_path, {"crm": sink}) as running:
        for start in range(0, 2_400, 160):
            await running.append(append_of(*(call_change(f"c{n}") for n in range(start, start + 160))))
        sink.gate.set()
        await running.settled(timeout_s=60)

    assert 7_200 == len(sink.delivered)
    assert_in_order(sink.delivered)


@pytest.mark.parametrize("seed", range(6))
async def test_no_schedule_of_failures_and_restarts_loses_or_reorders(journal_path: Path, seed: int) -> None:
    """
    Random failures, several restarts with attempts in flight: first arrivals rise within each subject.
    """
    rng = random.Random(seed)
    delivered: list[Delivery] = []
    revisions: dict[str, int] = defaultdict(int)

    def moody(_: Delivery) -> Outcome:
        outcomes: list[Outcome] = [
            Delivered(200),
            Delivered(200),
            TryLater("http_5xx", 503),
            TryLater("timeout"),
        ]
        return rng.choice(outcomes)

    for _ in range(4):
        sink = RecordingSink(moody)
        async with delivering(journal_path, {"crm": sink}, max_in_flight=rng.choice([1, 3, 64])) as running:
            for _ in range(15):
                names = {f"c{rng.randrange(12)}" for _ in range(4)}
                changes = []
                for name in sorted(names):
                    changes.append(call_change(name, events=1, first_revision=revisions[name] + 1))
                    revisions[name] += 1
                await running.append(append_of(*changes))
                await asyncio.sleep(0)
        delivered += sink.delivered
    last = RecordingSink()
    async with delivering(journal_path, {"crm": last}) as running:
        await running.settled()
    delivered += last.delivered

    assert sum(revisions.values()) == len({delivery.seq for delivery in delivered})
    assert_in_order(delivered)


async def test_outcomes_are_committed_in_groups(journal_path: Path) -> None:
    sink = RecordingSink()
    async with delivering(journal_path, {"crm": sink}) as running:
        await running.append(append_of(*(call_change(f"c{n}") for n in range(150))))
        await running.settled()

    value = running.metrics.registry.get_sample_value
    count = value("relay_delivery_attempt_duration_seconds_count")
    delivered = value("relay_deliveries_total", {"endpoint": "crm", "outcome": "delivered"})
    assert (450, 450) == (count, delivered)


async def test_a_settled_delivery_is_not_sent_after_a_restart(journal_path: Path) -> None:
    first = RecordingSink()
    async with delivering(journal_path, {"crm": first}) as running:
        appended = await running.append(append_of(call_change("a", events=1)))
        await running.settled()
        await running.journal.settle([settled(appended.deliveries[0], "pending", due_at_ms=1)])

    second = RecordingSink()
    async with delivering(journal_path, {"crm": second}) as running:
        await running.append(append_of(call_change("b", events=1)))
        await running.settled()

    assert ["call/pbx/b"] == [orjson.loads(delivery.body)["subject"] for delivery in second.attempted]


def assert_in_order(deliveries: list[Delivery]) -> None:
    """
    Check that first arrivals of each subject rise.
    """
    newest: dict[int, int] = {}
    seen = set()
    for delivery in deliveries:
        if delivery.seq not in seen:
            seen.add(delivery.seq)
            assert newest.get(delivery.subject_key, 0) < delivery.seq
            newest[delivery.subject_key] = delivery.seq


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    """
    Look into the file directly.
    """
    with sqlite3.connect(path) as direct:
        return direct.execute(statement).fetchall()
