"""
Calls of a dialer, from the first poll that shows them to their recording.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from relay.testing.manual_clock import DEFAULT_START
from relay.twin.vicidial.calls import INBOUND
from tests.dialer.story import DID, SCRIPTED, Story

ANSWERED = ["call.started", "call.answered", "call.finished", "call.dispositioned", "call.recording_ready"]


def calls_of(events: list[dict[str, object]]) -> list[str]:
    """
    Return the types of the events of calls.
    """
    return [str(event["type"]) for event in events if str(event["type"]).startswith("call.")]


async def test_an_agents_day(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        story.script.log_in("1001")
        await story.run_for(5)
        story.script.put("1001", "INCALL")
        await story.run_for(20)
        story.script.put("1001", "PAUSED", "DISPO")
        await story.run_for(10)
        story.script.dispose("1001", "SALE")
        await story.run_for(40)
        story.script.put("1001", "LOGGED_OUT")
        await story.run_for(5)
        events = await story.check()
        (call,) = story.twin.world.truth()["calls"]

    assert calls_of(events) == ANSWERED
    last = next(event["data"] for event in reversed(events) if event["type"] == "call.recording_ready")
    assert ("1001", "Alice Adams", "SALE", call["recording_url"], call["phone"], call["lead_id"]) == (
        last["agent_id"], last["agent_name"], last["disposition"], last["recording_url"], last["to_raw"],
        int(last["lead_id"]),
    )  # fmt: skip
    assert abs(last["talk_s"] - call["talk_s"]) <= 1
    agents = [event["type"] for event in events if event["type"].startswith("agent.")]
    assert ("agent.logged_in", "agent.logged_out") == (agents[0], agents[-1])


async def test_a_disposition_that_takes_its_time_is_waited_for(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(2)
        story.script.put("1001", "INCALL")
        await story.run_for(10)
        story.script.put("1001", "INCALL", "DEAD")
        await story.run_for(200)
        story.script.put("1001", "PAUSED", "DISPO")
        await story.run_for(200)
        assert ["call.started", "call.answered", "call.finished"] == calls_of(await story.events())
        assert [] == story.asked("callid_info")
        await story.run_for(450)
        assert 1 == len(story.asked("callid_info"))
        story.script.dispose("1001", "CALLBK")
        await story.run_for(5)

        assert "call.dispositioned" in calls_of(await story.check())


async def test_a_call_that_waited_and_no_agent_took_comes_from_the_log(tmp_path: Path) -> None:
    async with Story.of(tmp_path, dids=[DID], did_every_s=10) as story:
        await story.run_for(2)
        call = story.script.incoming(INBOUND)
        await story.run_for(20)
        story.script.give_up(call)
        await story.run_for(60)
        events = await story.check()

    assert calls_of(events) == ["call.started", "call.abandoned", "call.dispositioned"]
    logged = [event["data"] for event in events if event["type"] == "did.call_logged"]
    end = next(event["data"] for event in events if event["type"] == "call.abandoned")
    assert [(None, None), (20, end["call_id"])] == [(data["duration_s"], data["call_id"]) for data in logged]
    assert ("abandoned", "+13125551212", call.phone, "ABANDON", None, 20) == tuple(
        end[name] for name in ("outcome", "did", "from_raw", "hangup_reason", "agent_id", "wait_s")
    )


async def test_a_call_that_an_agent_took_stands_in_the_log_as_the_same_call(tmp_path: Path) -> None:
    async with Story.of(tmp_path, dids=[DID], did_every_s=10) as story:
        await story.run_for(2)
        story.script.call("1002", INBOUND)
        await story.run_for(2)
        story.script.put("1002", "INCALL")
        await story.run_for(20)
        story.script.dispose("1002", "SALE")
        await story.run_for(90)
        events = await story.check()

    assert [1, 1] == [calls_of(events).count(kind) for kind in ("call.started", "call.finished")]
    logged = {event["data"]["call_id"] for event in events if event["type"] == "did.call_logged"}
    assert logged == {event["data"]["call_id"] for event in events if event["type"] == "call.started"}


async def test_what_the_log_held_before_relay_came_is_silent(tmp_path: Path) -> None:
    async with Story.of(tmp_path, dids=[DID], did_every_s=10) as story:
        await story.stop_relay()
        (tmp_path / "relay.db").unlink()
        calls = [story.script.incoming(INBOUND) for _ in range(30)]
        story.clock.advance(20)
        for call in calls[:-1]:
            story.script.give_up(call)
        story.clock.advance(100)
        story.polled.clear()
        await story.start_relay()
        await story.run_for(60)

        assert ([], []) == (await story.told(), story.asked("phone_number_log"))


async def test_many_calls_in_a_log_keep_no_agent_waiting(tmp_path: Path) -> None:
    async with Story.of(tmp_path, dids=[DID], did_every_s=5) as story:
        story.takes_s = 0.05
        await story.run_for(2)
        calls = [story.script.incoming(INBOUND) for _ in range(40)]
        await story.run_for(10)
        for call in calls:
            story.script.give_up(call)
        await story.run_for(90)
        ends = [event for event in await story.check() if event["type"] == "call.abandoned"]
        polls, looked_up = story.asked("logged_in_agents"), story.asked("phone_number_log")

    assert len(calls) == len(ends)
    assert len(calls) == len(looked_up)
    longest = max(later - earlier for earlier, later in pairwise(polls))
    assert longest <= timedelta(seconds=2)


@pytest.mark.parametrize("minutes", [1, 20])
async def test_an_anonymous_caller_holds_up_no_log(tmp_path: Path, minutes: int) -> None:
    async with Story.of(tmp_path, dids=[DID], did_every_s=10) as story:
        await story.run_for(2)
        nobody = story.script.incoming(INBOUND)
        nobody.phone = ""
        other = story.script.incoming(INBOUND)
        await story.run_for(10)
        story.script.give_up(nobody)
        story.script.give_up(other)
        await story.run_for(60 * minutes + 130)
        events = await story.check()

    ends = sorted(event["type"] for event in events if event["type"] in ("call.abandoned", "call.finished"))
    assert ["call.abandoned", "call.finished"] == ends
    assert [] == [event for event in events if event["type"] == "source.state_changed"]


async def test_an_end_goes_out_though_nobody_may_ask_what_became_of_the_call(tmp_path: Path) -> None:
    async with Story.of(tmp_path, end_hold_s=30) as story:
        await story.run_for(2)
        story.spoil("wrong_password", function="callid_info")
        story.script.call("1002", INBOUND)
        await story.run_for(3)
        story.twin.faults.off()
        story.spoil("empty_500", function="callid_info")
        story.twin.world.log_out("1002")
        await story.run_for(1000)
        finished = [event for event in await story.check() if event["type"] == "call.finished"]

    assert [("unknown", None)] == [(event["data"]["outcome"], event["data"]["talk_s"]) for event in finished]


async def test_a_restart_of_the_dialers_database_ends_no_call(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(2)
        for agent in ("1001", "1002", "1003"):
            story.script.put(agent, "INCALL")
        await story.run_for(10)
        story.twin.twin.bring_up()
        story.twin.world.floor.restart_database()
        await story.run_for(60)
        assert {"call.started", "call.answered"} == set(calls_of(await story.events()))
        for agent in ("1001", "1002", "1003"):
            story.script.dispose(agent, "SALE")
        await story.run_for(10)

        ends = [event for event in await story.check() if event["type"] == "call.finished"]
    assert ["answered"] * 3 == [event["data"]["outcome"] for event in ends]
    assert all(event["data"]["talk_s"] >= 68 for event in ends)


@pytest.mark.parametrize("ahead_s", [-300.0, -1.2, 1.2, 90.0])
async def test_a_clock_that_differs_bends_no_duration(tmp_path: Path, ahead_s: float) -> None:
    async with Story.of(tmp_path, ahead_s=ahead_s, dids=[DID], did_every_s=10) as story:
        await story.run_for(2)
        story.script.call("1002", INBOUND)
        await story.run_for(5)
        story.script.put("1002", "INCALL")
        await story.run_for(30)
        story.script.dispose("1002", "SALE")
        await story.run_for(90)
        events = await story.check()
        (call,) = story.twin.world.truth()["calls"]

    assert [1, 1] == [calls_of(events).count(kind) for kind in ("call.started", "call.finished")]
    last = next(event["data"] for event in reversed(events) if event["type"].startswith("call."))
    assert (call["started_at"][:19], call["recording_url"], "+13125551212") == (
        last["started_at"][:19], last["recording_url"], last["did"],
    )  # fmt: skip
    assert abs(5 - last["wait_s"]) <= 2
    assert abs(35 - last["duration_s"]) <= 2


async def test_a_zone_that_is_wrong_is_told_and_bends_no_duration(tmp_path: Path) -> None:
    settings = replace(SCRIPTED, dialect=replace(SCRIPTED.dialect, timezone="America/Chicago"))
    async with Story.of(tmp_path, settings, timezone="America/New_York") as story:
        await story.run_for(2)
        story.script.put("1001", "INCALL")
        await story.run_for(20)
        story.script.dispose("1001", "SALE")
        await story.run_for(10)
        events = await story.check()
        mismatch = story.registry.get_sample_value("relay_dialer_timezone_mismatch", {"source": "dialer"})

    end = next(event["data"] for event in events if event["type"] == "call.finished")
    assert (1, "answered") == (mismatch, end["outcome"])
    assert abs(20 - end["talk_s"]) <= 1


async def test_a_call_that_lasts_through_a_repeated_hour_stays_one_call(tmp_path: Path) -> None:
    clocks_go_back = datetime(2026, 11, 1, 6, tzinfo=UTC)  # in New York, from 02:00 to 01:00
    ahead_s = (clocks_go_back - timedelta(minutes=30) - DEFAULT_START).total_seconds()
    async with Story.of(tmp_path, ahead_s=ahead_s, poll_every_s=30) as story:
        await story.run_for(60)
        story.script.put("1001", "INCALL")
        await story.run_for(4_200)
        story.script.dispose("1001", "SALE")
        await story.run_for(60)
        events = await story.check()

    assert ["call.started", "call.answered", "call.finished", "call.dispositioned"] == calls_of(events)[:4]
    assert 1 == len({event["subject"] for event in events if event["type"].startswith("call.")})
    end = next(event["data"] for event in events if event["type"] == "call.finished")
    assert abs(4_200 - end["duration_s"]) <= 31
