"""
Endpoints that people pause and resume while events flow: held back, never lost, and let go in order.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from relay.model.errors import Conflict, NotFound
from relay.model.outcome import Delivered, GiveUp, Outcome, TryLater
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import append_of, call_change
from tests.pipeline.conftest import delivering
from tests.pipeline.gated_journal import GatedJournal
from tests.pipeline.test_deliver import assert_in_order, query


async def test_a_paused_endpoint_is_sent_nothing_more_and_resuming_sends_all_of_it_in_order(
    journal_path: Path,
) -> None:
    crm, ops = RecordingSink(), RecordingSink()
    async with delivering(journal_path, {"crm": crm, "ops": ops}) as running:
        await running.append(append_of(call_change("a"), call_change("b")))
        await crm.wait_until(lambda sink: len(sink.delivered) == 6)

        await running.deliver.pause("crm")
        for revision in (4, 5, 6):
            await running.append(append_of(call_change("a", 1, revision), call_change("b", 1, revision)))
        await ops.wait_until(lambda sink: len(sink.delivered) == 6 + 1 + 6)

        assert 6 == len(crm.attempted)
        await running.deliver.resume("crm")
        await running.settled()

    assert ["endpoint.paused", "endpoint.resumed"] == running.told
    assert 12 == len(crm.delivered)
    assert_in_order(crm.delivered)


async def test_attempts_in_flight_end_as_they_would_have(journal_path: Path) -> None:
    crm = RecordingSink()
    crm.gate.clear()
    async with delivering(journal_path, {"crm": crm}, max_in_flight=4) as running:
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(10))))
        await crm.wait_until(lambda sink: sink.in_flight == 4)

        await running.deliver.pause("crm")
        crm.gate.set()
        await crm.wait_until(lambda sink: len(sink.delivered) == 4)
        await running.settled(pending=6)

    assert 4 == len(crm.attempted)


async def test_what_is_appended_during_a_pause_takes_no_memory(journal_path: Path) -> None:
    async with delivering(journal_path, {"crm": RecordingSink()}) as running:
        await running.append(append_of(call_change("a")))
        await running.settled()
        await running.deliver.pause("crm")
        await running.append(append_of(call_change("b")))

        assert running.deliver._endpoints.lanes[1].queue.take() is None


async def test_what_was_paged_in_during_a_pause_waits_too(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.deliver.pause("crm")
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(10))))

    async with delivering(journal_path, {"crm": crm}, journal_class=GatedJournal) as running:
        journal = running.journal
        assert isinstance(journal, GatedJournal)
        await running.deliver.resume("crm")
        await journal.is_paging.wait()
        await running.deliver.pause("crm")
        journal.gate.set()
        more = await running.append(append_of(call_change("c3", 1, 2)))
        assert 1 == len(more.deliveries)
        await turns()
        assert [] == crm.attempted

        await running.deliver.resume("crm")
        await running.settled()

    assert 11 == len(crm.delivered)
    assert_in_order(crm.delivered)


async def test_pausing_twice_and_resuming_twice_is_told_once(journal_path: Path) -> None:
    async with delivering(journal_path, {"crm": RecordingSink(), "ops": RecordingSink()}) as running:
        await asyncio.gather(*(running.deliver.pause("crm") for _ in range(3)))
        await asyncio.gather(*(running.deliver.resume("crm") for _ in range(3)))

    assert ["endpoint.paused", "endpoint.resumed"] == running.told
    assert [("healthy",), ("healthy",)] == query(journal_path, "SELECT state FROM endpoints")


async def test_a_pause_holds_over_a_restart(journal_path: Path) -> None:
    async with delivering(journal_path, {"crm": RecordingSink()}) as running:
        await running.deliver.pause("crm")
        await running.append(append_of(call_change("a")))

    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(call_change("b")))
        await turns()
        assert [] == crm.attempted

        await running.deliver.resume("crm")
        await running.settled()

    assert set(range(2, 8)) == {delivery.seq for delivery in crm.delivered}


async def test_an_endpoint_that_was_gone_gets_what_waited_once_resumed(journal_path: Path) -> None:
    answers: list[Outcome] = [GiveUp("http_410", 410)]
    crm = RecordingSink(lambda _: answers.pop() if answers else Delivered(200))
    async with delivering(journal_path, {"crm": crm, "ops": RecordingSink()}, max_in_flight=1) as running:
        await running.append(append_of(call_change("a", events=2)))
        await running.until_told("endpoint.disabled")
        unseen = await running.append(append_of(call_change("b", events=1)))

        await running.deliver.resume("crm")
        await running.append(append_of(call_change("c", events=1)))
        await running.settled()

    assert [2] == [delivery.endpoint_no for delivery in unseen.deliveries]
    assert ["a", "a", "c"] == sorted(call_of(delivery.body) for delivery in crm.delivered)
    assert ["endpoint.disabled", "endpoint.resumed"] == running.told


async def test_a_410_while_paused_is_found_out_after_resuming(journal_path: Path) -> None:
    crm = RecordingSink(lambda _: GiveUp("http_410", 410))
    crm.gate.clear()
    async with delivering(journal_path, {"crm": crm, "ops": RecordingSink()}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await crm.wait_until(lambda sink: sink.in_flight == 1)
        await running.deliver.pause("crm")
        crm.gate.set()
        await crm.wait_until(lambda sink: sink.in_flight == 0)

        await running.deliver.resume("crm")
        await running.until_told("endpoint.disabled")

    assert ["endpoint.paused", "endpoint.resumed", "endpoint.disabled"] == running.told
    assert [("disabled", "http_410")] == query(
        journal_path, "SELECT state, state_reason FROM endpoints WHERE id = 'crm'"
    )


@pytest.mark.parametrize("is_paused", [False, True])
async def test_resuming_ends_retries_and_waits_that_the_receiver_asked_for(
    journal_path: Path, is_paused: bool
) -> None:
    clock = ManualClock(SystemClock().now())
    in_an_hour = clock.now() + timedelta(hours=1)
    answers: list[Outcome] = [TryLater("http_429", 429, not_before=in_an_hour), TryLater("timeout")]
    crm = RecordingSink(lambda _: answers.pop() if answers else Delivered(200))
    async with delivering(journal_path, {"crm": crm}, clock, lambda _: 3_600.0) as running:
        await running.append(append_of(call_change("a", events=1), call_change("b", events=1)))
        await crm.wait_until(lambda sink: len(sink.attempted) == 2)
        await running_for(clock, 5)
        if is_paused:
            await running.deliver.pause("crm")
        await running.append(append_of(call_change("c", events=1)))
        assert 2 == len(crm.attempted)

        await running.deliver.resume("crm")
        await crm.wait_until(lambda sink: len(sink.delivered) == 3)

    assert [(None,)] == query(journal_path, "SELECT not_before_ms FROM endpoints")


@pytest.mark.parametrize("command", ["pause", "resume", "test"])
async def test_there_must_be_such_an_endpoint(journal_path: Path, command: str) -> None:
    async with delivering(journal_path, {"crm": RecordingSink()}) as running:
        with pytest.raises(NotFound, match="there is no endpoint dialer"):
            await getattr(running.deliver, command)("dialer")


@pytest.mark.parametrize("command", ["pause", "resume", "test"])
async def test_an_endpoint_that_left_the_file_has_no_secret(journal_path: Path, command: str) -> None:
    sinks = {"crm": RecordingSink(), "ops": RecordingSink()}
    async with delivering(journal_path, sinks):
        pass
    async with delivering(journal_path, sinks, of_file=["ops"]) as running:
        with pytest.raises(Conflict, match="crm has no secret, since it left the configuration file"):
            await getattr(running.deliver, command)("crm")

    assert ([], ["ops"]) == (running.told, [spec.id for spec in running.opened])


async def test_a_disabled_endpoint_is_not_paused(journal_path: Path) -> None:
    crm = RecordingSink(lambda _: GiveUp("http_410", 410))
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(call_change("a", events=1)))
        await running.until_told("endpoint.disabled")

        with pytest.raises(Conflict, match="crm is disabled"):
            await running.deliver.pause("crm")


async def test_whoever_asked_may_go_away(journal_path: Path) -> None:
    """
    The lane would go on sending to an endpoint that the journal has as paused.
    """
    crm, ops = RecordingSink(), RecordingSink()
    async with delivering(journal_path, {"crm": crm, "ops": ops}) as running:
        asking = asyncio.create_task(running.deliver.pause("crm"))
        await asyncio.sleep(0)
        asking.cancel()
        await running.until_told("endpoint.paused")
        await running.append(append_of(call_change("a", events=1)))
        await ops.wait_until(lambda sink: len(sink.delivered) == 2)

    assert [] == crm.attempted


def call_of(body: bytes) -> str:
    """
    Return the call that an event is about.
    """
    subject: str = orjson.loads(body)["subject"]
    return subject.removeprefix("call/pbx/")


async def turns() -> None:
    """
    Let everything run that can without waiting for I/O.
    """
    for _ in range(50):
        await asyncio.sleep(0)


async def running_for(clock: ManualClock, seconds: int) -> None:
    """
    Let time pass, and what is committed meanwhile be committed.
    """
    for _ in range(seconds):
        await clock.run_for(1)
