"""
The past is told once and under the ids that it would have had, beside live polling and within the budget.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from relay.journal.store import open_sqlite
from relay.model.source_work import BACKFILL, DONE, RECONCILE, RUNNING, SourceJob
from relay.model.times import from_rfc3339
from relay.sources.port import Pull, Source, Window
from relay.twin.audit import Audit, audit
from tests.ingest.told import Calls, answered_after_the_end, milestones, settle, surviving
from tests.ingest.world import ID_KEY, Doubles, World, twin_settings

HOUR_S: Final = 3_600.0
PAST_S: Final = 6 * HOUR_S
BESIDE_S: Final = 2 * HOUR_S
LONGEST_JOB: Final = timedelta(hours=24)
LONG_AGO: Final = timedelta(days=200)  # before the phone system's first call: nothing but requests
CRASHES: Final = 18

Worlds = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def worlds(tmp_path: Path, template: Path) -> Worlds:
    """
    Give a maker of worlds: the same phone system each time, and a relay that is not started yet.
    """

    @asynccontextmanager
    async def make(name: str, **settings: Any) -> AsyncIterator[World]:
        (tmp_path / name).mkdir()
        world = World(tmp_path / name, template, twin_settings(), **settings)
        await world.open_twin()
        try:
            yield world
        finally:
            await world.close()

    return make


async def begin_job(world: World, kind: str, start: datetime, end: datetime) -> int:
    """
    Ask for a stretch of the past; return the number of the job.
    """
    made: list[SourceJob] = []

    def answer(job: SourceJob) -> bytes:
        made.append(job)
        return b""

    await world.journal.work.make_job("pbx", kind, start, end, answer, world.now)
    assert world.poll is not None
    world.poll.wake()
    return made[0].job_id


async def job(world: World, job_id: int) -> SourceJob:
    """
    Return a job as it stands.
    """
    found = await world.journal.reading.job(job_id)
    assert found is not None
    return found


async def ended(world: World, job_id: int) -> SourceJob:
    """
    Return a job once it has ended.
    """
    deadline = world.now + LONGEST_JOB
    while (found := await job(world, job_id)).state != DONE:
        assert world.now < deadline, found
        await world.pass_time(60)
    return found


async def finish(world: World) -> list[dict[str, Any]]:
    """
    Let the last calls end and settle; return everything that was published.
    """
    world.twin.pbx.make_calls(False)
    await settle(world)
    return await world.events()


async def verdict(world: World) -> Audit:
    """
    Compare everything published with everything that the phone system shows.
    """
    return audit(world.twin.pbx.truth(), await world.events(), None)


async def most_requests(world: World) -> tuple[int, int]:
    """
    Return how many requests stood in a window at the most, and how many were too many, as the twin counts.
    """
    async with aiohttp.ClientSession(world.twin.url) as session, session.get("/truth") as answer:
        requests = (await answer.json())["requests"]
    return requests["max_in_window"], requests["over_limit"]


def origins(calls: Calls, events: Sequence[dict[str, Any]]) -> dict[str, set[str]]:
    """
    Return the origins of the milestones of each call but call.settled, which is a finding of its own time.
    """
    by_id = {event["id"]: event["data"]["origin"] for event in events}
    return {
        subject: {by_id[one] for name, ids in call.milestones.items() if name != "settled" for one in ids}
        for subject, call in calls.items()
    }


async def test_a_backfill_tells_every_past_call_once_and_as_a_relay_that_was_there(worlds: Worlds) -> None:
    async with worlds("there") as world:
        await world.start_relay()
        await world.pass_time(PAST_S + BESIDE_S)
        live = surviving(await finish(world))
        aliases = (await world.journal.reading.list_aliases("pbx", None, 1_000)).items
    async with worlds("late", publish_from="now") as world:
        await world.pass_time(PAST_S)
        async with open_sqlite(world.path, "tests", world.now, ID_KEY) as journal:
            await journal.work.import_aliases(aliases)
        came_at = world.now
        await world.start_relay()
        job_id = await begin_job(world, BACKFILL, world.start - timedelta(days=1), came_at)
        await world.pass_time(BESIDE_S)
        done = await ended(world, job_id)
        events = await finish(world)
        found = await verdict(world)
        requests = await most_requests(world)

    told = surviving(events)
    past = {subject for subject, call in live.items() if from_rfc3339(call.record["ended_at"]) < came_at}
    late = answered_after_the_end(live)
    assert found.is_clean, found
    assert len(past) > 100
    assert past <= told.keys()
    assert milestones(live, past, late) == milestones(told, past, late)
    assert {subject: {BACKFILL if subject in past else "live"} for subject in told} == origins(told, events)
    assert done.events == sum(event["data"]["origin"] == BACKFILL for event in events)
    assert (12, 0) >= requests


async def test_new_calls_are_told_no_later_beside_a_backfill(worlds: Worlds) -> None:
    delays: dict[bool, dict[str, timedelta]] = {}
    for is_beside in (False, True):
        async with worlds(f"beside-{is_beside}", publish_from="now") as world:
            await world.pass_time(HOUR_S)
            came_at = world.now
            await world.start_relay()
            if is_beside:
                job_id = await begin_job(world, BACKFILL, world.start - LONG_AGO, came_at)
            await world.pass_time(BESIDE_S)
            if is_beside:
                busy = await job(world, job_id)
            events = await world.events()
            requests = await most_requests(world)
        delays[is_beside] = {
            event["data"]["started_at"] + event["data"]["from_raw"]: from_rfc3339(
                event["data"]["observed_at"]
            )
            - from_rfc3339(event["data"]["started_at"])
            for event in events
            if event["type"] == "call.started" and event["data"]["origin"] == "live"
        }

    alone, beside = delays[False], delays[True]
    assert (RUNNING, True) == (busy.state, busy.requests > 5)
    assert (12, 0) >= requests
    assert alone.keys() == beside.keys()
    assert len(alone) > 50
    assert max(beside.values()) <= max(alone.values())
    assert sum(beside.values(), timedelta()) <= 1.02 * sum(alone.values(), timedelta())


async def test_a_backfill_goes_on_after_every_crash(worlds: Worlds) -> None:
    async with worlds("crashing", publish_from="now") as world:
        await world.pass_time(PAST_S)
        came_at = world.now
        await world.start_relay()
        job_id = await begin_job(world, BACKFILL, world.start - timedelta(hours=1), came_at)
        places = cycle(range(1, 40, 2))
        while world.crashes < CRASHES or (await job(world, job_id)).state != DONE:
            assert world.now < came_at + LONGEST_JOB
            crashes = world.crashes
            if crashes < CRASHES:
                world.crashing.crash_at(next(places), is_committed=crashes % 2 == 1)
            while world.crashes == crashes and crashes < CRASHES:
                await world.pass_time(10)
            await world.pass_time(60 if crashes >= CRASHES else 1)
        events = await finish(world)
        found = await verdict(world)
        requests = await most_requests(world)

    assert found.is_clean, found
    assert len({event["id"] for event in events}) == len(events)
    assert sum(event["data"]["origin"] == BACKFILL for event in events) > 300
    assert (12, 0) >= requests


async def test_a_backfill_that_relay_was_stopped_in_is_not_begun_again(worlds: Worlds) -> None:
    async with worlds("stopped", publish_from="now") as world:
        await world.pass_time(HOUR_S)
        await world.start_relay()
        job_id = await begin_job(world, BACKFILL, world.start - LONG_AGO, world.now)
        await world.pass_time(HOUR_S)
        before = await job(world, job_id)
        await world.stop_relay()
        await world.pass_time(HOUR_S)
        await world.start_relay()
        after = await job(world, job_id)
        done = await ended(world, job_id)
        await finish(world)
        found = await verdict(world)

    assert before == after
    assert (RUNNING, True) == (before.state, before.requests > 3)
    assert {"user_calls", "queue_calls", "ringgroup_calls"} <= before.read_to.keys()
    assert done.requests < before.requests + 3 * LONG_AGO / timedelta(days=2)
    assert found.is_clean, found


class Hiding:
    """
    A source that leaves out, while it hides, the rows of some numbers, and the summaries of some others.
    """

    def __init__(self, source: Source, until: datetime) -> None:
        self._source = source
        self.until: datetime | None = until  # calls that began before it; None: it hides nothing
        self.source_id = source.source_id
        self.call_streams = source.call_streams
        self.status_streams = source.status_streams
        self.allow = source.allow
        self.quota_remaining = source.quota_remaining

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Read a stream.
        """
        pull = await self._source.pull(stream, window, names)
        if self.until is None or stream not in self.call_streams:
            return pull
        return replace(pull, rows=[row for row in pull.rows if not self._hides(stream, row)])

    def _hides(self, stream: str, row: dict[str, Any]) -> bool:
        outside = (
            row["to_number"] if row.get("is_inbound") == 0 else row.get("from_number", row.get("callerid"))
        )
        is_early = self.until is not None and datetime.fromisoformat(row["call_start_at"]) < self.until
        hidden = "01" if stream == "user_calls" else "0123"
        return is_early and (outside or "-")[-1] in hidden


async def test_a_reconciliation_tells_exactly_what_was_missed(worlds: Worlds) -> None:
    hiding: list[Hiding] = []

    def hide(source: Source) -> Source:
        hiding.append(Hiding(source, world.start + timedelta(seconds=PAST_S)))
        return hiding[-1]

    async with worlds("missing", doubles=Doubles(source=hide)) as world:
        await world.start_relay()
        await world.pass_time(PAST_S)
        world.twin.pbx.make_calls(False)
        await settle(world)
        await world.stop_relay()
        await world.pass_time(timedelta(days=3).total_seconds())  # no page shows that day any more
        await world.start_relay()
        await settle(world)
        hiding[-1].until = None
        await settle(world)
        before, missed = await world.events(), await verdict(world)
        day = (world.start - timedelta(hours=1), world.start + timedelta(seconds=PAST_S))
        first = await ended(world, await begin_job(world, RECONCILE, *day))
        told = (await world.events())[len(before) :]
        metric = world.metrics.registry.get_sample_value("relay_reconcile_missing_events", {"source": "pbx"})
        second = await ended(world, await begin_job(world, RECONCILE, *day))
        found = await verdict(world)
        requests = await most_requests(world)

    assert (True, True) == (len(missed.lost) > 10, len(missed.bent) > 5)
    assert found.is_clean, found
    by_origin = [event for event in told if event["data"]["origin"] == RECONCILE]
    ends = [call for call in surviving(by_origin).values() if call.has_end]
    assert len(missed.lost) == len(ends)
    assert (len(by_origin), 0) == (first.missing, second.missing)
    assert first.missing == metric
    assert (12, 0) >= requests
