"""
Relay stops, or is killed, at any moment, and goes on with the same journal.
"""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from relay.model.times import from_rfc3339
from relay.twin.vicidial.calls import INBOUND
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from tests.dialer.story import DID, ENDS, Story

CALLS = ("call.started", "call.answered", *ENDS)


def milestones(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """
    Return the milestones of calls.
    """
    return {
        (event["data"]["native_id"], "end" if event["type"] in ENDS else event["type"])
        for event in events
        if event["type"] in CALLS
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_killed_again_and_again_relay_loses_nothing_and_tells_nothing_twice(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    settings = DialerTwinSettings(seed, Floor(short_calls=0.0))
    async with Story.of(tmp_path, settings, dids=[DID], in_groups=["SUPPORT"]) as story:
        for number in range(15):
            await story.run_for(rng.uniform(0, 12))
            # In the middle of something: a request, an append, or between two.
            story.clock.advance(max(0.0, story.clock.next_wake_s))
            for _ in range(rng.randrange(60)):
                await asyncio.sleep(0)
            await (story.kill() if number % 3 else story.stop_relay())
            story.clock.advance(rng.choice((0.0, 0.3, 4.0)))
            await story.start_relay()
        story.twin.world.traffic.is_stopped = True
        await story.run_for(400)
        events, truth = await story.check(), story.twin.world.truth()

    gone_by = [
        call["call_id"]
        for call in truth["calls"]
        if call["answered_at"] and call["agent"] and call["talk_s"] and call["talk_s"] > 8
    ]
    expected = {(call_id, kind) for call_id in gone_by for kind in ("call.started", "call.answered", "end")}
    assert len(gone_by) > 8
    assert set() == expected - milestones(events)
    told = {event["data"]["native_id"] for event in events if event["type"] == "call.dispositioned"}
    assert set() == set(gone_by) - told


async def test_a_call_that_ended_while_relay_was_away_ends_between_its_polls(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        story.script.put("1001", "INCALL")
        await story.run_for(15)
        await story.kill()
        story.clock.advance(40)
        story.script.dispose("1001", "SALE")
        story.clock.advance(20)
        await story.start_relay()
        await story.run_for(60)
        (end,) = [event["data"] for event in await story.check() if event["type"] == "call.finished"]
        (call,) = story.twin.world.truth()["calls"]

    off = abs(from_rfc3339(end["ended_at"]) - from_rfc3339(call["ended_at"]))
    assert off <= timedelta(seconds=end["precision_s"])
    assert 30 <= end["precision_s"] <= 36


async def test_an_agent_who_is_seen_after_a_crash_did_nothing_before_what_was_told(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        story.script.log_in("1001")
        await story.run_for(12)
        for status in ("READY", "PAUSED", "READY"):
            story.script.put("1001", status)
            await story.run_for(2)
        await story.kill()
        story.script.put("1001", "PAUSED")
        await story.start_relay()
        await story.run_for(5)
        events = await story.check()

    times = [e["data"]["occurred_at"] for e in events if e["type"].startswith("agent.")]
    assert times == sorted(times)


async def test_follow_ups_go_on_after_a_restart(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        for agent in ("1001", "1002"):
            story.script.put(agent, "INCALL")
        await story.run_for(15)
        for agent in ("1001", "1002"):
            story.script.put(agent, "PAUSED", "DISPO")
        await story.run_for(3)
        await story.kill()
        for agent in ("1001", "1002"):
            story.script.dispose(agent, "SALE")
        await story.start_relay()
        await story.run_for(3)
        await story.restart()
        await story.run_for(60)
        told = [event["type"] for event in await story.check()]

    assert [2, 2] == [told.count(kind) for kind in ("call.dispositioned", "call.recording_ready")]


async def test_a_held_end_goes_out_after_a_restart(tmp_path: Path) -> None:
    async with Story.of(tmp_path, end_hold_s=30) as story:
        await story.run_for(5)
        story.script.call("1002", INBOUND)
        await story.run_for(3)
        story.spoil("empty_500", function="callid_info")
        story.twin.world.log_out("1002")
        await story.run_for(10)
        assert set() == set(ENDS) & set(await story.told())
        await story.kill()
        await story.start_relay()
        await story.run_for(40)

        assert 1 == len([kind for kind in await story.told() if kind in ENDS])


async def test_windows_of_statistics_that_went_by_are_read_after_a_restart(tmp_path: Path) -> None:
    stats = {"every_s": 60, "settle_s": 10}
    async with Story.of(tmp_path, stats=stats) as story:
        script, now = story.script, story.clock.now()
        for number in range(26):
            script.at(now + timedelta(seconds=30 * number), lambda: script.put("1001", "INCALL"))
            script.at(now + timedelta(seconds=30 * number + 20), lambda: script.dispose("1001"))
        await story.run_for(105)
        await story.stop_relay()
        story.clock.advance(200)
        await story.start_relay()
        story.spoil("cut_body", function="agent_stats_export")
        await story.run_for(30)
        story.twin.faults.off()
        await story.run_for(400)
        events = await story.check()

    windows = [event["data"]["window_from"] for event in events if event["type"] == "agent.stats"]
    starts = [from_rfc3339(start) for start in windows]
    assert len(starts) >= 10
    assert {timedelta(seconds=60)} == {b - a for a, b in pairwise(starts)}


async def test_gauges_of_groups_keep_their_distance(tmp_path: Path) -> None:
    async with Story.of(tmp_path, in_groups=["SALESLINE"], group_every_s=1, min_interval_s=10) as story:
        await story.run_for(5)
        for number in range(20):
            story.script.put("1002", "CLOSER" if number % 2 else "PAUSED")
            await story.run_for(3)
        events = [e["data"] for e in await story.check() if e["type"] == "in_group.status_changed"]

    times = [from_rfc3339(data["observed_at"]) for data in events]
    assert len(times) >= 4
    assert min(b - a for a, b in pairwise(times)) >= timedelta(seconds=10)


async def test_a_second_writer_on_the_journal_makes_no_second_event(tmp_path: Path) -> None:
    async with Story.of(tmp_path, dids=[DID], did_every_s=5, in_groups=["SALESLINE"], group_every_s=1) as one:
        async with Twins(one) as two:
            await one.run_for(3)
            for number in range(4):
                one.script.call("1002", INBOUND)
                await one.run_for(2)
                one.script.put("1002", "INCALL")
                await one.run_for(6 + number)
                one.script.dispose("1002", "SALE")
                await one.run_for(3)
            await one.run_for(60)
            assert not two.running.done()
        events = await one.check()

    told = [event["type"] for event in events if event["type"].startswith("call.")]
    assert [4, 4, 4, 4, 4] == [
        told.count(f"call.{kind}")
        for kind in ("started", "answered", "finished", "dispositioned", "recording_ready")
    ]


class Twins:
    """
    A second loop over the same dialer and journal.
    """

    def __init__(self, story: Story) -> None:
        self._story = story

    async def __aenter__(self) -> Twins:
        self._stop = asyncio.Event()
        poll = await self._story.second_poll()
        self.running = asyncio.create_task(poll.run(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self.running
