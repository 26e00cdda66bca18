"""
A test can put agents into any state at any moment, and the truth tells exactly that.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from relay.model.times import from_ms
from relay.twin.vicidial.agents import Shown
from relay.twin.vicidial.script import Script
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from relay.twin.vicidial.world import World
from tests.twin.vicidial.asking_dialer import START, dialer

START_MS = 1_795_248_343_000
STATES = sorted(Script(World(DialerTwinSettings(floor=Floor(is_scripted=True)), START_MS)).states)


def scripted() -> tuple[World, Script]:
    world = World(DialerTwinSettings(floor=Floor(is_scripted=True)), START_MS)
    return world, Script(world)


@pytest.mark.parametrize(("before", "after"), list(product(STATES, STATES)))
def test_an_agent_can_be_put_from_any_state_into_any_other(
    before: tuple[str, str], after: tuple[str, str]
) -> None:
    for user in ("1001", "1002"):  # one who calls out, one who is called
        world, script = scripted()
        script.put(user, *before)
        agent = script.put(user, *after)
        shown = world.floor.showing.shown(agent)
        ready = {"READY", "CLOSER"}

        assert after[1] == shown.sub_status
        assert after[0] == shown.status or {after[0], shown.status} <= ready
        for call in world.exchange.calls:
            is_its_own = call is agent.call and after[1] not in ("DEAD", "DISPO")

            assert is_its_own == (call.ended_ms is None)


def test_what_is_planned_happens_at_its_instant_and_nothing_else_does() -> None:
    world, script = scripted()
    start = from_ms(START_MS)
    script.at(start + timedelta(seconds=1), lambda: script.put("1001", "READY"))
    script.at(start + timedelta(seconds=2.5), lambda: script.put("1001", "QUEUE"))
    script.at(start + timedelta(seconds=3.25), lambda: script.put("1001", "INCALL"))
    script.at(start + timedelta(seconds=9), lambda: script.dispose("1001", "NI"))
    world.advance(START_MS + 60_000)
    call = world.exchange.calls[0].call_id

    assert [
        (1_000, Shown("PAUSED", "", "LOGIN", "", 0, "TESTCAMP", 0)),
        (1_000, Shown("READY", "", "LOGIN", "", 0, "TESTCAMP", 0)),
        (2_500, Shown("QUEUE", "", "LOGIN", call, 101, "TESTCAMP", 0)),
        (3_250, Shown("INCALL", "", "LOGIN", call, 101, "TESTCAMP", 1)),
        (9_000, Shown("PAUSED", "DISPO", "LOGIN", "", 101, "TESTCAMP", 1)),
        (9_000, Shown("PAUSED", "", "", "", 0, "TESTCAMP", 1)),
    ] == [(change.at_ms - START_MS, change.shown) for change in world.floor.showing.states]


def test_two_agents_in_one_call_are_in_a_three_way_call_until_one_leaves() -> None:
    world, script = scripted()
    agents = world.floor.agents
    script.put("1002", "INCALL")
    script.join("1004", "1002")
    both = [world.floor.showing.shown(agents[user]) for user in ("1002", "1004")]
    script.dispose("1004", "XFER")
    call = world.exchange.calls[0]

    assert {("INCALL", "3-WAY", call.call_id)} == {(s.status, s.sub_status, s.call_id) for s in both}
    assert "" == world.floor.showing.shown(agents["1002"]).sub_status
    assert (["1002", "1004"], None, "INCALL") == (call.agents, call.ended_ms, call.status)


def test_nobody_can_join_where_no_call_is() -> None:
    _, script = scripted()
    script.put("1002", "CLOSER")
    with pytest.raises(ValueError, match="1002 is in no call"):
        script.join("1004", "1002")


def test_what_is_not_there_cannot_be_scripted() -> None:
    _, script = scripted()
    for user, state in (("9999", "READY"), ("1001", "ASLEEP")):
        with pytest.raises(KeyError):
            script.put(user, state)


async def test_a_script_plays_while_the_twin_is_polled() -> None:
    async with dialer() as asking:
        asking.script.put("1001", "READY")
        asking.script.at(START + timedelta(seconds=2), lambda: asking.script.put("1001", "INCALL"))
        seen = []
        for _ in range(4):
            seen.append((await asking.rows("logged_in_agents"))[0][3])
            asking.clock.advance(1)
        calls = (await asking.truth())["calls"]

    assert ["READY", "READY", "INCALL", "INCALL"] == seen
    assert ["2026-11-21T08:05:45.000Z"] == [call["answered_at"] for call in calls]
