"""
Dialers that refuse, fail or talk nonsense: nothing is lost, nothing is told that did not happen.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.journal.port import Append, StreamState
from relay.pipeline.dialer.dialer_poll import FAILURES_TO_DEGRADED
from relay.pipeline.dialer.dialer_settings import AGENTS, IN_GROUPS
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from tests.dialer.comparing import lives_of
from tests.dialer.floor import SOURCE
from tests.dialer.story import ENDS, SCRIPTED, Story

REFUSED = timedelta(minutes=15)


def told(events: list[dict[str, Any]], *types: str) -> list[dict[str, Any]]:
    """
    Return the events of some types.
    """
    return [event for event in events if event["type"] in types]


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("wrong_password", "auth_failed"),
        ("second_factor", "auth_failed"),
        ("locked", "auth_failed"),
        ("ip_block", "ip_blocked"),
    ],
)
async def test_a_login_that_is_refused_is_tried_again_once_in_a_quarter_of_an_hour(
    tmp_path: Path, fault: str, state: str
) -> None:
    async with Story.of(tmp_path, in_groups=["SUPPORT"], dids=["3125551212"]) as story:
        await story.run_for(10)
        story.script.log_in("1001")
        await story.run_for(10)
        story.polled.clear()
        story.spoil(fault)
        await story.run_for(2 * REFUSED.total_seconds() + 60)
        refused = [at for name, at, _ in story.polled if name != "version"]
        assert [state] == await story.states()
        assert 3 == len(refused)
        assert [REFUSED, REFUSED] == [refused[1] - refused[0], refused[2] - refused[1]]
        for _ in range(5):  # pushes do not hurry what may lock the user
            await story.push({"user": "1001", "event": "state_ready", "counter": "1"})
            await story.run_for(10)
        assert 3 == len([name for name, _, _ in story.polled if name != "version"])
        story.twin.faults.off()
        await story.run_for(REFUSED.total_seconds())
        events = await story.check()

    assert [state, "up"] == [e["data"]["state"] for e in events if e["type"] == "source.state_changed"]
    assert "agent.logged_out" not in [event["type"] for event in events]


async def test_a_recovery_while_relay_was_away_is_told(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        story.spoil("locked")
        await story.run_for(5)
        await story.stop_relay()
        story.twin.faults.off()
        await story.start_relay()
        await story.run_for(5)
        await story.restart()
        await story.run_for(5)

        assert ["auth_failed", "up"] == await story.states()


async def test_what_failed_and_is_asked_for_no_more_is_over(tmp_path: Path) -> None:
    async with Story.of(tmp_path, user_groups=["AGENTS"]) as story:
        await story.run_for(5)
        story.spoil("broken", function="user_group_status")
        await story.run_for(120)
        assert ["degraded"] == await story.states()
        await story.stop_relay()
        del story.keys["user_groups"]
        await story.start_relay()
        await story.run_for(5)

        assert ["degraded", "up"] == await story.states()


async def test_a_lock_that_a_restart_meets_again_is_told_once(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        story.spoil("locked")
        for _ in range(3):
            await story.run_for(5)
            await story.restart()
        await story.run_for(100)

        assert ["auth_failed"] == await story.states()


async def test_a_thousand_polls_of_which_some_are_broken(tmp_path: Path) -> None:
    settings = DialerTwinSettings(1, Floor(short_calls=0.0))
    async with Story.of(tmp_path, settings, in_groups=["SUPPORT"], user_groups=["AGENTS"]) as story:
        await story.run_for(10)
        story.spoil("broken", 0.05)
        story.spoil("dropped", 0.002)
        while len(story.asked("logged_in_agents")) < 1_000:
            await story.run_for(60)
        story.twin.faults.off()
        await story.run_for(30)
        events, truth = await story.check(), story.twin.world.truth()

    logouts = [
        state for life in lives_of(truth).values() for state in life.states if state["status"] == "LOGGED_OUT"
    ]
    assert len(told(events, "agent.logged_out")) <= len(logouts)
    ended = {call["call_id"]: call["ended_at"] for call in truth["calls"]}
    ends = [event["data"] for event in told(events, *ENDS)]
    early = [end for end in ends if (ended[end["native_id"]] or "never") > end["observed_at"]]
    assert ([], True) == (early, len(ends) > 100)
    assert len(told(events, "source.state_changed")) <= 4
    open_calls = len(told(events, "call.started")) - len(ends)
    assert open_calls <= len(truth["agents"])


async def test_one_broken_answer_among_good_ones_is_no_state_of_anything(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(10)
        for broken in range(1, 2 * FAILURES_TO_DEGRADED + 1):
            story.spoil("empty_body", function="logged_in_agents")
            while story.twin.faults.played["empty_body"] < broken:
                await story.run_for(0.1)
            story.twin.faults.off()
            story.polled.clear()
            assert "up" == (await story.journal.stream_states(SOURCE))[AGENTS].state
            await story.run_for(4)
            assert story.asked("logged_in_agents")

        assert 2 * FAILURES_TO_DEGRADED == story.twin.faults.played["empty_body"]
        assert [] == await story.states()
        assert "up" == (await story.journal.stream_states(SOURCE))[AGENTS].state


@pytest.mark.parametrize(
    "left",
    [
        StreamState("degraded", had_good_answer=True),
        StreamState("absent", not_found_in_a_row=3),
        StreamState("up", had_good_answer=False),
    ],
    ids=lambda left: left.state,
)
async def test_the_first_good_answer_clears_what_a_stream_was_left_as(
    tmp_path: Path, left: StreamState
) -> None:
    """
    The source itself was left up, as where the stream was not configured for a while.
    """
    async with Story.of(tmp_path, in_groups=["SUPPORT"]) as story:
        await story.run_for(10)
        await story.journal.append(Append(SOURCE, IN_GROUPS, story.clock.now(), stream_state=left))
        await story.restart()
        story.polled.clear()
        await story.run_for(2)
        asked = len(story.asked("in_group_status"))
        stored = (await story.journal.stream_states(SOURCE))[IN_GROUPS]

        assert [] == await story.states()
    assert (1, StreamState("up", had_good_answer=True)) == (asked, stored)


async def test_a_dialer_that_hangs_is_waited_for_no_longer_than_configured(tmp_path: Path) -> None:
    async with Story.of(tmp_path, request_timeout_s=0.2) as story:
        await story.run_for(5)
        story.script.put("1001", "INCALL")
        await story.run_for(5)
        story.spoil("hang")
        await story.run_for(60)
        assert ["degraded"] == await story.states()
        story.twin.faults.off()
        await story.run_for(60)

        assert ["degraded", "up"] == await story.states()
        assert "agent.logged_out" not in await story.told()


async def test_php_warnings_and_apostrophes_change_nothing(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        story.twin.world.office.users["1001"].full_name = "Pat O'Brien, jun."
        story.spoil("php_noise", 0.5)
        await story.run_for(5)
        story.script.put("1001", "INCALL")
        await story.run_for(10)
        story.script.dispose("1001", "SALE")
        await story.run_for(30)
        events = await story.check()

    finished = [event["data"]["agent_name"] for event in events if event["type"] == "call.finished"]
    assert ["Pat O'Brien, jun."] == finished
    assert [] == [event for event in events if event["type"] == "source.state_changed"]


async def test_agents_that_may_not_be_listed_are_asked_one_by_one(tmp_path: Path) -> None:
    settings = replace(SCRIPTED, access=replace(SCRIPTED.access, user="restrict", password="pass9"))
    async with Story.of(tmp_path, settings, agents=["1001", "1002"], recordings=False) as story:
        story.twin.world.office.users["restrict"].functions = ("agent_status", "callid_info")
        await story.run_for(5)
        story.script.log_in("1001")
        await story.run_for(5)
        story.script.put("1001", "INCALL")
        await story.run_for(20)
        story.script.put("1001", "LOGGED_OUT")
        await story.run_for(10)
        happened = await story.told()
        await story.check()

    kinds = ["agent.logged_in", "call.started", "call.answered", "call.finished", "agent.logged_out"]
    assert sorted(kinds) == sorted(kind for kind in happened if kind in kinds)
    assert 1 == len(story.asked("logged_in_agents"))


async def test_agents_that_may_be_asked_neither_way_leave_the_source_degraded(tmp_path: Path) -> None:
    settings = replace(SCRIPTED, access=replace(SCRIPTED.access, user="restrict", password="pass9"))
    async with Story.of(tmp_path, settings) as story:
        story.script.log_in("1001")
        await story.run_for(3600)
        asked, states = len(story.asked("logged_in_agents")), await story.states()

    assert 3 <= asked <= 3 + 4
    assert ["degraded"] == states


async def busy_for(story: Story, seconds: float) -> None:
    """
    Let time go by that relay's own requests take: it hardly rests.
    """
    end = story.clock.now() + timedelta(seconds=seconds)
    async with asyncio.timeout(30):
        while story.clock.now() < end:
            if story.clock.sleepers:
                story.clock.advance(max(story.clock.next_wake_s, 0.0))
            await asyncio.sleep(0.001)


async def test_a_stream_that_is_always_due_starves_no_other(tmp_path: Path) -> None:
    groups: dict[str, Any] = {"in_groups": ["SUPPORT"], "group_every_s": 0.2, "user_groups": ["AGENTS"]}
    async with Story.of(tmp_path, SCRIPTED, 0.0, **groups, version_every_s=10) as story:
        await story.run_for(5)
        story.takes_s = 0.3
        story.script.put("1001", "INCALL")
        await busy_for(story, 20)
        story.script.dispose("1001", "SALE")
        await busy_for(story, 60)
        story.takes_s = 0.0
        await story.run_for(1)
        happened = await story.told("call.dispositioned", "call.recording_ready")
        counts = {
            name: len(story.asked(name)) for name in ("version", "user_group_status", "logged_in_agents")
        }

    assert ["call.dispositioned", "call.recording_ready"] == happened
    assert counts["version"] >= 5
    assert counts["user_group_status"] >= 20
    assert counts["logged_in_agents"] >= 20
