"""
Replays as they are sent: whole, at their rate, beside what is new, over restarts, until cancelled.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from relay.model.clock import Clock
from relay.model.endpoint import Delivery
from relay.model.outcome import Delivered, TryLater
from relay.model.replay import Replay
from relay.pipeline.replays_of_endpoints import MAX_PENDING, ReplaysOfEndpoints
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import append_of, call_change
from tests.journal.replaying import again, make
from tests.pipeline.conftest import Delivering, delivering
from tests.pipeline.test_deliver import query
from tests.pipeline.test_endpoint_resends import settled

FAST = 10_000.0


def loop_of(running: Delivering, clock: Clock) -> ReplaysOfEndpoints:
    """
    Return the replays of a running deliver loop.
    """
    journal = running.journal.operating
    return ReplaysOfEndpoints(journal, running.deliver.resent, clock, Metrics(CollectorRegistry()))


@asynccontextmanager
async def replaying(running: Delivering) -> AsyncIterator[ReplaysOfEndpoints]:
    """
    Run the replays beside the deliveries until left.
    """
    stop = asyncio.Event()
    replays = loop_of(running, SystemClock())
    loop = asyncio.create_task(replays.run(stop))
    try:
        yield replays
    finally:
        stop.set()
        await loop


async def until(running: Delivering, replay: Replay, *states: str) -> Replay:
    """
    Return a replay once it is in one of some states.
    """
    return await until_it(running, replay, lambda found: found.state in states)


async def until_it(running: Delivering, replay: Replay, is_so: Callable[[Replay], bool]) -> Replay:
    """
    Return a replay once something is true of it.
    """
    async with asyncio.timeout(20):
        while not is_so(found := await again(running.journal, replay)):  # noqa: ASYNC110 - nothing says so
            await asyncio.sleep(0.01)
    return found


async def started(running: Delivering, replays: ReplaysOfEndpoints, **wanted: Any) -> Replay:
    """
    Make a replay as REST does.
    """
    replay = await make(running.journal, rate=FAST, **wanted)
    replays.wake()
    return replay


def failing_for(*seqs: int) -> Callable[[Delivery], Delivered | TryLater]:
    """
    Return what answers as a receiver that refuses some events.
    """
    return lambda delivery: TryLater("http_5xx", 503) if delivery.seq in seqs else Delivered(200)


async def test_what_was_not_acknowledged_is_found_and_sent_until_all_of_it_is(journal_path: Path) -> None:
    crm = RecordingSink()
    crm.answer = failing_for(2, 5, 8)
    async with delivering(journal_path, {"crm": crm}, next_delay_s=lambda _: None) as running:
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(10))))
        await running.settled()
        operating = running.journal.operating
        before = await operating.reconcile("crm", None, None, None)
        missing = (await operating.list_missing("crm", None, None, None, 100)).items
        crm.answer = failing_for()
        async with replaying(running) as replays:
            replay = await started(running, replays, only_missing=True)
            done = await until(running, replay, "done")
        after = await operating.reconcile("crm", None, None, None)

    assert {"delivered": 7, "exhausted": 3} == before.by_status
    assert [(seq, "exhausted") for seq in (2, 5, 8)] == [(item.seq, item.status) for item in missing]
    assert {"delivered": 10} == after.by_status
    assert [2, 5, 8] == sorted(one.seq for one in crm.delivered if one.job)
    assert (done.at_seq, None) == (done.to_seq, done.reason)


async def test_a_restart_goes_on_and_makes_nothing_twice(journal_path: Path) -> None:
    first, second = RecordingSink(), RecordingSink()
    async with delivering(journal_path, {"crm": first}) as running:
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(300))))
        await running.settled()
        async with replaying(running):
            replay = await make(running.journal, rate=100.0)
        async with replaying(running):
            await first.wait_until(lambda sink: len(sink.delivered) >= 320)
    async with delivering(journal_path, {"crm": second}) as running:
        middle = await again(running.journal, replay)
        async with replaying(running):
            done = await until(running, replay, "done")

    assert 0 < middle.at_seq < middle.to_seq
    assert (300, 300) == (done.made, done.at_seq)
    assert [("delivered", 300)] == query(
        journal_path, "SELECT status, count(*) FROM deliveries WHERE job > 0 GROUP BY status"
    )
    sent = Counter(one.seq for one in (*first.delivered, *second.delivered) if one.job)
    assert set(range(1, 301)) == sent.keys()


async def test_what_was_cancelled_is_not_sent(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(50))))
        await running.settled()
        crm.gate.clear()
        async with replaying(running) as replays:
            replay = await started(running, replays)
            await crm.wait_until(lambda sink: sink.in_flight == 4)
            await running.journal.operating.cancel_replay(replay.job_id, SystemClock().now())
            running.deliver.taken_back("crm")
            crm.gate.set()
            await crm.wait_until(lambda sink: len(sink.delivered) == 54)
            await running.append(append_of(call_change("new", events=1)))
            await running.settled()
            fresh = await started(running, replays, recorded_before=SystemClock().now(), call_id="new")
            await until(running, fresh, "done")

    assert Counter({0: 51, replay.job_id: 4, fresh.job_id: 1}) == Counter(one.job for one in crm.delivered)
    # What was under way has arrived.
    assert [("delivered", "ok", 4), ("discarded", "replay_cancelled", 46)] == query(
        journal_path, "SELECT status, reason, count(*) FROM deliveries WHERE job = 1 GROUP BY 1, 2 ORDER BY 1"
    )


async def test_a_paused_endpoint_has_its_replay_wait(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(call_change("a")))
        await running.settled()
        await running.deliver.pause("crm")
        async with replaying(running) as replays:
            replay = await started(running, replays, types=("call.*",))
            waiting = await until_it(running, replay, lambda found: found.reason is not None)
            assert 0 == waiting.made
            await running.deliver.resume("crm")
            done = await until(running, replay, "done")

    assert ("waiting", "endpoint_paused") == (waiting.state, waiting.reason)
    assert (3, None) == (done.made, done.reason)


async def test_a_replay_to_an_endpoint_that_is_gone_fails(journal_path: Path) -> None:
    async with delivering(journal_path, {"crm": RecordingSink(), "ops": RecordingSink()}) as running:
        await running.append(append_of(call_change("a")))
        await running.settled()
        made = [await make(running.journal, name) for name in ("crm", "ops")]
        run = running.journal._database.write
        await run(lambda c: c.exec_driver_sql("UPDATE endpoints SET state = 'disabled' WHERE id = 'crm'"))
        await run(lambda c: c.exec_driver_sql("UPDATE endpoints SET deleted_ms = 1 WHERE id = 'ops'"))
        async with replaying(running):
            ended = [await until(running, one, "failed", "done") for one in made]

    assert [("failed", "endpoint_disabled"), ("failed", "endpoint_deleted")] == [
        (one.state, one.reason) for one in ended
    ]


async def test_a_receiver_that_is_down_has_only_so_much_made_for_it(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}, next_delay_s=lambda _: 3_600.0) as running:
        for start in range(0, MAX_PENDING + 200, 100):
            changes = (call_change(f"c{n}", events=1) for n in range(start, start + 100))
            await running.append(append_of(*changes))
        await running.settled()
        crm.answer = lambda _: TryLater("http_5xx", 503)
        async with replaying(running) as replays:
            replay = await started(running, replays, types=("call.*",))
            await until_it(running, replay, lambda found: found.made >= MAX_PENDING)
            for _ in range(5):
                await replays.step()
            assert MAX_PENDING == (await again(running.journal, replay)).made


async def test_no_more_are_made_than_the_rate_gives(journal_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.append(append_of(*(call_change(f"c{n}", events=1) for n in range(200))))
        await running.settled()
        replays = loop_of(running, clock)
        replay = await make(running.journal, rate=20.0)
        made = []
        for _ in range(50):  # five seconds
            await replays.step()
            await settled(running)
            await clock.run_for(0.1)
            made.append((await again(running.journal, replay)).made)

    assert 10 == made[0]
    assert 105 <= made[-1] <= 110
    assert all(later - earlier <= 3 for earlier, later in pairwise(made))
