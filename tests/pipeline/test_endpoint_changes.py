"""
Endpoints that are made, changed and deleted while events flow.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.outcome import Delivered, GiveUp, Outcome, TryLater
from relay.pipeline.served_endpoints import BYTES_IN_ALL_LANES
from relay.sinks.port import DeliverySink
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock
from relay.testing.receiver import VerifyingReceiver
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, append_of, call_change, endpoint_spec
from tests.pipeline.conftest import Delivering, delivering
from tests.pipeline.test_deliver import assert_in_order, query

LATE = endpoint_spec("late")
OLD = endpoint_spec("late", url="https://old.example.com/")
NEW = endpoint_spec("late", url="https://new.example.com/")


async def test_an_endpoint_made_while_events_flow_gets_all_after_its_start_and_none_before(
    journal_path: Path,
) -> None:
    crm, late = RecordingSink(), RecordingSink()
    async with delivering(journal_path, {"crm": crm, "late": late}, of_file=["crm"]) as running:
        writers = [asyncio.create_task(write(running, name)) for name in ("a", "b")]
        await crm.wait_until(lambda sink: len(sink.delivered) >= 60)
        await running.create(LATE)
        last = len(crm.delivered) + 200
        await crm.wait_until(lambda sink: len(sink.delivered) >= last)
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        await running.settled()
        end = (await running.journal.stats()).last_seq
        start = (await running.journal.registry.registered(NOW))[-1].start_seq

    assert 0 < start < end
    assert list(range(start + 1, end + 1)) == sorted(delivery.seq for delivery in late.delivered)
    assert_in_order(late.delivered)


async def test_an_endpoint_of_rest_signs_with_its_own_secrets_and_is_there_after_a_restart(
    journal_path: Path,
) -> None:
    sinks = {"crm": RecordingSink(), "late": RecordingSink()}
    spec = replace(LATE, secrets=(b"n" * 32, b"o" * 32), max_in_flight=3, retry_schedule_s=(7,))
    async with delivering(journal_path, sinks, of_file=["crm"]) as running:
        await running.create(spec)
        assert spec == running.opened[-1]

    async with delivering(journal_path, sinks, of_file=["crm"]) as running:
        await running.append(append_of(call_change("a")))
        await running.settled()
        assert [(b"s" * 24,), spec.secrets] == [opened.secrets for opened in running.opened]

    assert 3 == len(sinks["late"].delivered)


async def test_attempts_in_flight_end_at_the_old_address_and_the_next_go_to_the_new(
    journal_path: Path,
) -> None:
    async with moving(journal_path) as (running, old, new):
        old.gate.clear()
        await running.append(append_of(call_change("a", events=2)))
        await old.wait_until(lambda sink: sink.in_flight == 1)
        await running.journal.registry.change_registered(NEW, NOW)
        await running.deliver.refresh()

        await running.append(append_of(call_change("b", events=1)))
        await new.wait_until(lambda sink: len(sink.delivered) == 1)
        old.gate.set()
        await running.settled()

    assert [1] == [delivery.seq for delivery in old.delivered]
    assert [3, 2] == [delivery.seq for delivery in new.delivered]


async def test_at_a_new_address_nothing_waits_for_what_the_old_one_asked(journal_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    in_an_hour = clock.now() + timedelta(hours=1)
    async with moving(journal_path, clock) as (running, old, new):
        answers: list[Outcome] = [TryLater("http_429", 429, not_before=in_an_hour), TryLater("timeout")]
        old.answer = lambda _: answers.pop() if answers else Delivered(200)
        await running.append(append_of(call_change("a", events=1), call_change("b", events=1)))
        await old.wait_until(lambda sink: len(sink.attempted) == 2)
        await clock.run_for(1)

        await running.journal.registry.change_registered(NEW, clock.now())
        await running.deliver.refresh()
        await new.wait_until(lambda sink: len(sink.delivered) == 2)


async def test_a_receiver_that_was_gone_is_found_at_its_new_address(journal_path: Path) -> None:
    async with moving(journal_path) as (running, old, new):
        old.answer = lambda _: GiveUp("http_410", 410)
        await running.append(append_of(call_change("a", events=1)))
        await running.until_told("endpoint.disabled")

        await running.journal.registry.change_registered(NEW, NOW)
        await running.deliver.refresh()
        await running.append(append_of(call_change("b", events=1)))
        await new.wait_until(lambda sink: len(sink.delivered) == 2)


@pytest.mark.parametrize(("before", "after"), [(2, 5), (5, 2)])
async def test_the_window_follows_a_change(journal_path: Path, before: int, after: int) -> None:
    late = RecordingSink()
    late.gate.clear()
    async with delivering(journal_path, {"late": late}, of_file=[]) as running:
        await running.create(replace(LATE, max_in_flight=before))
        await running.journal.registry.change_registered(replace(LATE, max_in_flight=after), NOW)
        await running.deliver.refresh()
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(20))))
        await late.wait_until(lambda sink: sink.in_flight >= after)
        late.gate.set()
        await running.settled()

    assert (20, after) == (len(late.delivered), late.most_in_flight)


async def test_a_wider_window_is_used_at_once(journal_path: Path) -> None:
    late = RecordingSink()
    late.gate.clear()
    async with delivering(journal_path, {"late": late}, of_file=[]) as running:
        await running.create(replace(LATE, max_in_flight=2))
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(20))))
        await late.wait_until(lambda sink: sink.in_flight == 2)
        await running.journal.registry.change_registered(replace(LATE, max_in_flight=9), NOW)
        await running.deliver.refresh()
        await late.wait_until(lambda sink: sink.in_flight == 9)
        late.gate.set()


async def test_deleted_with_a_hundred_in_flight_they_end_and_count_and_nothing_else_is_sent(
    journal_path: Path,
) -> None:
    late, ops = RecordingSink(), RecordingSink()
    late.gate.clear()
    async with delivering(journal_path, {"late": late, "ops": ops}, of_file=["ops"]) as running:
        await running.create(replace(LATE, max_in_flight=100))
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(150))))
        await late.wait_until(lambda sink: sink.in_flight == 100)

        await running.journal.registry.delete_endpoint("late", NOW)
        await running.deliver.refresh()
        more = await running.append(append_of(call_change("more", events=1)))
        late.gate.set()
        await running.settled(pending=50)
        discarded = await running.journal.discard_of_deleted(1_000, NOW)
        value = running.metrics.registry.get_sample_value
        counted = value("relay_deliveries_total", {"endpoint": "late", "outcome": "delivered"})

    assert (100, 100, 50) == (len(late.attempted), counted, discarded)
    assert [1] == [delivery.endpoint_no for delivery in more.deliveries]
    assert [("delivered", 100), ("discarded", 50)] == query(
        journal_path,
        "SELECT status, count(*) FROM deliveries WHERE endpoint_no = 2 GROUP BY status ORDER BY status",
    )


async def test_what_a_deleted_endpoint_still_answers_is_nobodys_affair(journal_path: Path) -> None:
    answers: list[Outcome] = [GiveUp("http_410", 410), TryLater("timeout")]
    late = RecordingSink(lambda _: answers.pop())
    late.gate.clear()
    async with delivering(journal_path, {"late": late}, next_delay_s=lambda _: None, of_file=[]) as running:
        await running.create(LATE)
        await running.append(append_of(call_change("a", events=1), call_change("b", events=1)))
        await late.wait_until(lambda sink: sink.in_flight == 2)
        await running.journal.registry.delete_endpoint("late", NOW)
        await running.journal.discard_of_deleted(1_000, NOW)
        await running.deliver.refresh()
        late.gate.set()
        await late.wait_until(lambda sink: sink.in_flight == 0)

    assert [] == running.told
    assert [("discarded", 2)] == query(
        journal_path, "SELECT status, count(*) FROM deliveries GROUP BY status"
    )


async def test_a_stop_cuts_off_what_a_deleted_endpoint_has_in_flight(journal_path: Path) -> None:
    late = RecordingSink()
    late.gate.clear()
    async with delivering(journal_path, {"late": late}, of_file=[]) as running:
        await running.create(LATE)
        await running.append(append_of(call_change("a", events=1)))
        await late.wait_until(lambda sink: sink.in_flight == 1)
        await running.journal.registry.delete_endpoint("late", NOW)
        await running.deliver.refresh()

    assert (0, []) == (late.in_flight, late.delivered)


async def test_a_secret_signs_until_it_ends_and_no_longer(journal_path: Path) -> None:
    """
    A receiver that knows the old secret alone, and a clock that is moved past its end.
    """
    clock, old, new = ManualClock(SystemClock().now()), new_secret(), new_secret()
    transport = Transport(Guard([ip_network("127.0.0.0/8")], []))
    knows_old, knows_new = (
        VerifyingReceiver(secret, lambda: clock.now().timestamp()) for secret in (old, new)
    )

    def open_sink(spec: EndpointSpec) -> DeliverySink:
        return WebhookSink(spec, transport, clock)

    async with knows_old, knows_new:
        async with delivering(journal_path, {}, clock, lambda _: 3_600.0, open_sink=open_sink) as running:
            for name, receiver in (("one", knows_old), ("two", knows_new)):
                spec = replace(endpoint_spec(name, receiver.url), secrets=(decode_secret(old),))
                await running.create(spec)
                await running.journal.registry.add_secret(
                    name, decode_secret(new), clock.now() + timedelta(hours=24), lambda _: b"", NOW, None
                )
            await running.deliver.refresh()
            await running.append(append_of(call_change("a", events=1)))
            for receiver in (knows_old, knows_new):
                await receiver.wait_for(1)

            opened = len(running.opened)
            await clock.run_for(24 * 3_600)
            await until(lambda: len(running.opened) == opened + 2)
            await running.append(append_of(call_change("b", events=1)))
            await knows_new.wait_for(2)
            await until(lambda: knows_old.bad_signatures > 0)
        await transport.close()

    assert [(decode_secret(new),)] * 2 == [spec.secrets for spec in running.opened[-2:]]
    assert (1, 1) == (knows_old.received, knows_old.bad_signatures)
    assert (2, 0) == (knows_new.received, knows_new.bad_signatures)


async def test_a_bug_in_a_lane_opened_later_ends_the_loop_loudly(journal_path: Path) -> None:
    """
    Also while other attempts hang, in that lane and in others: they get their grace and no more.
    """

    class HangsOnce:
        async def deliver(self, delivery: Delivery) -> Outcome:
            if delivery.seq == 1:
                await asyncio.Event().wait()
            return TryLater("timeout")

    def broken(_: int) -> float:
        raise ZeroDivisionError("a bug")

    async def make_it_break() -> None:
        hanging = RecordingSink()
        hanging.gate.clear()
        sinks: dict[str, DeliverySink] = {"crm": hanging, "late": HangsOnce()}
        async with delivering(journal_path, sinks, next_delay_s=broken, of_file=["crm"]) as running:
            await running.create(LATE)
            await running.append(append_of(call_change("a", events=1), call_change("b", events=1)))
            await until(running.loop.done)
            await asyncio.wait_for(running.deliver.refresh(), 10)  # answers, as the process is ending

    with pytest.raises(ExceptionGroup) as raised:
        await make_it_break()

    assert raised.group_contains(ZeroDivisionError)


async def test_the_counters_of_a_new_endpoint_start_at_nought(journal_path: Path) -> None:
    async with delivering(journal_path, {"late": RecordingSink()}, of_file=[]) as running:
        await running.create(LATE)
        value = running.metrics.registry.get_sample_value(
            "relay_deliveries_total", {"endpoint": "late", "outcome": "delivered"}
        )

    assert 0 == value


async def write(running: Delivering, name: str) -> None:
    """
    Append events of one writer without end.
    """
    revision = 0
    while True:
        revision += 1
        await running.append(append_of(call_change(name, 1, revision), call_change(f"{name}{revision}")))


async def test_lanes_share_what_may_be_held_in_memory(journal_path: Path) -> None:
    sinks = {"crm": RecordingSink(), "late": RecordingSink()}
    async with delivering(journal_path, sinks, of_file=["crm"]) as running:
        alone = [lane.queue.max_bytes for lane in running.deliver._endpoints.lanes.values()]
        await running.create(LATE)
        shared = [lane.queue.max_bytes for lane in running.deliver._endpoints.lanes.values()]

    assert ([BYTES_IN_ALL_LANES], [BYTES_IN_ALL_LANES // 2] * 2) == (alone, shared)


async def until(is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """
    Return once something is so.
    """
    async with asyncio.timeout(timeout_s):
        while not is_so():  # noqa: ASYNC110 - whatever it is, nothing else says so
            await asyncio.sleep(0)


@asynccontextmanager
async def moving(
    path: Path, clock: ManualClock | None = None
) -> AsyncIterator[tuple[Delivering, RecordingSink, RecordingSink]]:
    """
    Deliver to an endpoint of REST; give the sinks of its old and its new address.
    """
    old, new = RecordingSink(), RecordingSink()
    by_url: dict[str, DeliverySink] = {OLD.url: old, NEW.url: new}
    async with delivering(
        path, {}, clock, lambda _: 3_600.0, open_sink=lambda spec: by_url[spec.url]
    ) as running:
        await running.create(OLD)
        yield running, old, new
