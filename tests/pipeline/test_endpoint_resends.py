"""
Deliveries that people ask for again: beside the lane, on the retry schedule, and only while there are some.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection

from relay.model.endpoint import Delivery
from relay.model.listing import DeliveryKey
from relay.model.outcome import Delivered, GiveUp, Outcome, TryLater
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, append_of, call_change
from tests.pipeline.conftest import Delivering, delivering
from tests.pipeline.test_deliver import query

STATES = "SELECT job, status, attempts FROM deliveries ORDER BY job, seq"


async def test_a_resend_goes_out_beside_a_lane_that_is_blocked(journal_path: Path) -> None:
    blocked = asyncio.Event()

    class Blocking(RecordingSink):
        async def deliver(self, delivery: Delivery) -> Outcome:
            if delivery.job == 0 and delivery.seq > 1:
                await blocked.wait()
            return await super().deliver(delivery)

    crm = Blocking()
    async with delivering(journal_path, {"crm": crm}, max_in_flight=1) as running:
        await running.append(append_of(call_change("a", events=1)))
        await settled(running)
        await running.append(append_of(call_change("b", events=1)))

        await resend(running, crm.delivered[0])
        await crm.wait_until(lambda sink: len(sink.delivered) == 2)
        blocked.set()
        await settled(running)

    assert [(1, 0), (1, 1), (2, 0)] == [(delivery.seq, delivery.job) for delivery in crm.delivered]
    assert 1 == len({delivery.event_id for delivery in crm.delivered[:2]})


async def test_a_resend_that_fails_follows_the_schedule_and_holds_up_no_other(journal_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    crm = RecordingSink()
    delays = {1: 10.0, 2: 100.0}
    async with delivering(journal_path, {"crm": crm}, clock, delays.get) as running:
        await running.append(append_of(call_change("a", events=2)))
        await settled(running, clock)
        first, second = crm.delivered
        crm.answer = lambda delivery: TryLater("http_5xx", 503) if delivery.seq == 1 else Delivered(200)

        await resend(running, first)
        await crm.wait_until(lambda sink: len(sink.attempted) == 3)
        await resend(running, second)
        await crm.wait_until(lambda sink: len(sink.delivered) == 3)
        await pass_time(running, clock, 9)
        assert 4 == len(crm.attempted)
        await pass_time(running, clock, 2)
        await crm.wait_until(lambda sink: len(sink.attempted) == 5)
        await pass_time(running, clock, 97)
        assert 5 == len(crm.attempted)
        await pass_time(running, clock, 5)
        await running.until_told("delivery.exhausted")
        await settled(running, clock)

    assert [(0, "delivered", 1), (0, "delivered", 1), (1, "exhausted", 3), (2, "delivered", 1)] == query(
        journal_path, STATES
    )


async def test_a_few_at_a_time_and_all_of_them_once(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(40))))
        await settled(running)
        crm.gate.clear()
        crm.most_in_flight = 0
        for delivery in tuple(crm.delivered):
            await resend(running, delivery)
        await crm.wait_until(lambda sink: sink.in_flight == 4)
        crm.gate.set()
        await settled(running)

    assert 4 == crm.most_in_flight
    assert list(range(1, 41)) == sorted(delivery.job for delivery in crm.delivered if delivery.job)


async def test_one_after_the_other_each_goes_out_once(journal_path: Path) -> None:
    """
    The lane of the resends ends and a new one begins, again and again, also before outcomes are committed.
    """
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await settled(running)
        (delivered,) = crm.delivered
        for sent in range(2, 30):
            await resend(running, delivered)
            await crm.wait_until(lambda sink, sent=sent: len(sink.delivered) == sent)  # type: ignore[misc]
            if sent % 3 == 0:
                await settled(running)
        await settled(running)

    assert list(range(29)) == [delivery.job for delivery in crm.attempted]


async def test_without_resends_nothing_runs_for_them(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await settled(running)
        await until_no_task_is_called("resends crm")
        await resend(running, crm.delivered[0])
        await crm.wait_until(lambda sink: len(sink.delivered) == 2)
        await until_no_task_is_called("resends crm")

    assert [(0, "delivered", 1), (1, "delivered", 1)] == query(journal_path, STATES)


async def test_a_start_looks_for_resends_that_wait(journal_path: Path) -> None:
    failing = RecordingSink()
    async with delivering(journal_path, {"crm": failing}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await settled(running)
        failing.gate.clear()
        await resend(running, failing.delivered[0])
        await failing.wait_until(lambda sink: sink.in_flight == 1)

    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await settled(running)

    assert [(1, 1)] == [(delivery.seq, delivery.job) for delivery in crm.delivered]


async def test_a_pause_holds_resends_too(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await settled(running)
        await running.deliver.pause("crm")
        await resend(running, crm.delivered[0])
        for _ in range(50):
            await asyncio.sleep(0)
        assert 1 == len(crm.attempted)

        await running.deliver.resume("crm")
        await settled(running)

    assert [0, 1] == [delivery.job for delivery in crm.attempted]


async def test_a_resend_that_finds_the_receiver_gone_disables_the_endpoint(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm, "ops": RecordingSink()}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await settled(running)
        crm.answer = lambda _: GiveUp("http_410", 410)
        await resend(running, crm.delivered[0])
        await running.until_told("endpoint.disabled")
        appended = await running.append(append_of(call_change("b", events=1)))

    assert [2] == [delivery.endpoint_no for delivery in appended.deliveries]
    assert 2 == len(crm.attempted)


@pytest.mark.parametrize("asked_by", [0, 1])
async def test_a_wait_that_is_asked_for_holds_both_lanes(journal_path: Path, asked_by: int) -> None:
    clock = ManualClock(SystemClock().now())
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}, clock) as running:
        await running.append(append_of(call_change("a", events=1)))
        await settled(running, clock)
        until = clock.now().replace(year=clock.now().year + 1)
        crm.answer = lambda _: TryLater("http_429", 429, not_before=until)
        for job in (asked_by, 1 - asked_by):
            if job:
                await resend(running, crm.attempted[0])
            else:
                await running.append(append_of(call_change("b", events=1)))
            await crm.wait_until(lambda sink: len(sink.attempted) == 2)
            await pass_time(running, clock, 5)

    assert [0, asked_by] == [delivery.job for delivery in crm.attempted]


async def test_a_deleted_endpoint_gets_no_resends(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        running.deliver.resent("dialer")  # deleted in the same moment, say

        await running.append(append_of(call_change("a", events=1)))
        await settled(running)

    assert 1 == len(crm.attempted)


async def resend(running: Delivering, delivery: Delivery) -> None:
    """
    Ask for a delivery again, as REST does.
    """
    key = DeliveryKey("crm", delivery.event_id, 0)
    await running.journal.registry.resend(key, lambda _: b"", NOW, None)
    running.deliver.resent("crm")


async def settled(running: Delivering, clock: ManualClock | None = None) -> None:
    """
    Return once nothing is pending, resends too; let outcomes be committed on a clock that stands still.
    """
    async with asyncio.timeout(10):
        while await running.journal._database.read(count_pending):
            await (clock.run_for(0.1) if clock else asyncio.sleep(0))


def count_pending(conn: Connection) -> int:
    """
    Count what is pending, of whatever job.
    """
    found = conn.exec_driver_sql("SELECT count(*) FROM deliveries WHERE status = 'pending'")
    return int(found.scalar_one())


async def pass_time(running: Delivering, clock: ManualClock, seconds: int) -> None:
    """
    Let time pass second by second, and what the lanes write and read in each be done: the writer's thread
    does it in turn, so whatever was asked of it before is done when it answers.
    """
    for _ in range(seconds):
        await clock.run_for(1)
        for _ in ("outcome", "page"):
            await running.journal.endpoint_head(1)


async def until_no_task_is_called(name: str) -> None:
    """
    Return once no task has a name.
    """
    async with asyncio.timeout(10):
        while any(task.get_name() == name for task in asyncio.all_tasks()):  # noqa: ASYNC110 - nothing says so
            await asyncio.sleep(0)
