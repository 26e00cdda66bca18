"""
Agents over three simulated minutes: what polls can see is told, and what they cannot is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.model.times import from_rfc3339
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from tests.dialer.comparing import Life, Spell, lives_of, share_seen, spells, told_of
from tests.dialer.floor import DialerFloor

SECONDS = 180
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_state_that_spans_a_poll_is_told_with_its_dwell(
    tmp_path: Path, seed: int, tell_figures: Callable[[str], None]
) -> None:
    async with DialerFloor(tmp_path, DialerTwinSettings(seed)) as floor:
        await floor.run_for(SECONDS)
        events, truth, polls = await floor.events(), floor.twin.world.truth(), floor.good_polls()

    wrong = []
    for agent_id, life in lives_of(truth).items():
        expected = believed(spells(life, polls))
        wrong += mistakes(agent_id, expected, told_of(events, agent_id))
    seen, total = share_seen(truth, polls)
    tell_figures(
        f"dialer, seed {seed}: {len(polls)} polls showed {seen} of {total} states ({seen / total:.0%})"
    )

    assert wrong == []


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_answered_call_that_a_poll_showed_is_told(
    tmp_path: Path, seed: int, tell_figures: Callable[[str], None]
) -> None:
    async with DialerFloor(tmp_path, DialerTwinSettings(seed)) as floor:
        await floor.run_for(SECONDS)
        events, truth, polls = await floor.events(), floor.twin.world.truth(), floor.good_polls()

    shown = {
        spell.shown.call
        for life in lives_of(truth).values()
        for spell in spells(life, polls)
        if spell.shown.status == "INCALL" and spell.shown.sub_status != "DIAL"
    }
    told = [event["data"]["native_id"] for event in events if event["type"] == "call.answered"]
    answered = [call for call in truth["calls"] if call["answered_at"] is not None and call["agent"]]
    tell_figures(f"dialer, seed {seed}: {len(told)} of {len(answered)} answered calls told")

    assert shown <= set(told)
    assert len(told) == len(set(told))
    assert set(told) <= {call["call_id"] for call in answered}


async def test_without_calls_of_less_than_a_second_every_answered_call_is_told(tmp_path: Path) -> None:
    settings = DialerTwinSettings(4, Floor(short_calls=0.0))
    async with DialerFloor(tmp_path, settings) as floor:
        await floor.run_for(SECONDS)
        events, truth = await floor.events("call.answered"), floor.twin.world.truth()
        last = floor.good_polls()[-1]

    answered = [call for call in truth["calls"] if call["answered_at"] and call["agent"]]
    expected = [call["call_id"] for call in answered if from_rfc3339(call["answered_at"]) <= last]

    assert len(expected) > 20
    assert sorted(expected) == sorted(event["data"]["native_id"] for event in events)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_calls_that_no_poll_showed_are_counted_where_that_can_be_known(
    tmp_path: Path, seed: int, tell_figures: Callable[[str], None]
) -> None:
    async with DialerFloor(tmp_path, DialerTwinSettings(seed)) as floor:
        await floor.run_for(SECONDS)
        events, truth, polls = await floor.events(), floor.twin.world.truth(), floor.good_polls()

    hidden, skipped = {}, {}
    for agent_id, life in lives_of(truth).items():
        told = told_of(events, agent_id)
        hidden[agent_id] = provably_hidden(life, spells(life, polls), polls)
        skipped[agent_id] = sum(data["skipped_transitions"] or 0 for data in told)
    tell_figures(f"dialer, seed {seed}: {sum(skipped.values())} hidden calls proven")

    assert hidden == skipped


def believed(shown: Sequence[Spell]) -> list[Spell]:
    """
    Return the spells that relay believes: an agent missing from one poll only may be there all the same.
    """
    return [spell for spell in shown if spell.shown.status != "LOGGED_OUT" or spell.last > spell.first]


def mistakes(agent_id: str, expected: Sequence[Spell], told: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    Return where what was told of an agent differs from what polls showed.
    """
    states = without_repeats([(data["status"], data["sub_status"], bool(data["call_id"])) for data in told])
    wanted = [(one.shown.status, one.shown.sub_status, bool(one.shown.call)) for one in expected]
    if states != without_repeats(wanted):
        return [f"{agent_id}: told {states}, polls showed {wanted}"]
    return [f"{agent_id}: {problem}" for problem in mistimed(expected, told)]


def mistimed(expected: Sequence[Spell], told: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    Return the states whose begin, or how long the one before lasted, is further from the truth than is said.
    """
    problems: list[str] = []
    before: tuple[list[Spell], int | None] | None = None
    for same, data in zip(joined(expected), turns(told), strict=True):
        first, precision_s = same[0], data["precision_s"]
        if precision_s is not None:
            off = abs(from_rfc3339(data["occurred_at"]) - first.began_at)
            if off > precision_s * SECOND:
                problems.append(f"{first.shown} began at {first.began_at}, told {data['occurred_at']}")
        if data["dwell_s"] is not None and before is not None and before[1] is not None:
            # A call that was hidden in it and proven: it lasted since that.
            begins = [at for part in before[0] for at in (part.began_at, *part.began_anew)]
            lasted = [spell_end(before[0][-1]) - began_at for began_at in begins]
            off = min(abs(data["dwell_s"] * SECOND - one) for one in lasted)
            if off > (precision_s + before[1]) * SECOND:
                problems.append(f"{before[0][0].shown} lasted one of {lasted}, told {data['dwell_s']} s")
        before = same, precision_s
    return problems


def joined(expected: Sequence[Spell]) -> list[list[Spell]]:
    """
    Return the spells that follow each other with one status and sub-status together.
    """
    found: list[list[Spell]] = []
    for spell in expected:
        if found and found[-1][-1].shown[:2] == spell.shown[:2]:
            found[-1].append(spell)
        else:
            found.append([spell])
    return found


def turns(told: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """
    Return the events that tell of another status or sub-status than the one before.
    """
    return [
        data
        for place, data in enumerate(told)
        if place == 0
        or (told[place - 1]["status"], told[place - 1]["sub_status"]) != (data["status"], data["sub_status"])
    ]


def spell_end(spell: Spell) -> datetime:
    assert spell.ended_at is not None
    return spell.ended_at


def without_repeats(states: Sequence[Any]) -> list[Any]:
    return [state for place, state in enumerate(states) if place == 0 or states[place - 1] != state]


def provably_hidden(life: Life, shown: Sequence[Spell], polls: Sequence[datetime]) -> int:
    """
    Count the calls that the dialer counted for an agent between the first poll and the last but one, and that
    no poll showed.
    """
    visible = {spell.shown.call for spell in shown}
    hidden = 0
    for before, after, at in zip(life.states, life.states[1:], life.begins[1:], strict=False):
        is_counted = after["calls_today"] > before["calls_today"] and shown[0].began_at < at <= polls[-2]
        call = after["call_id"] or before["call_id"]
        hidden += is_counted and call not in visible
    return hidden
