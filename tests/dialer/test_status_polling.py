"""
The status of agents over three simulated minutes: what polls can see is told, and what they cannot is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest


from relay.twin.vicidial.settings import DialerTwinSettings
from tests.dialer.comparing import Spell, lives_of, share_seen, spells, told_of
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

    assert sorted(shown) == sorted(told)


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
        hidden[agent_id] = provably_hidden(life.states, life.begins, spells(life, polls), polls)
        skipped[agent_id] = sum(data["skipped_transitions"] or 0 for data in told)
    tell_figures(f"dialer, seed {seed}: {sum(skipped.values())} hidden calls proven")

    assert hidden == skipped


def believed(shown: Sequence[Spell]) -> list[Spell]:
    """
    Return the spells that relay believes: an agent missing from one poll only may be there all the same.
    """
    return [
        spell for spell in shown if spell.shown.status != "LOGGED_OUT" or spell.last > spell.first
    ]


def mistakes(agent_id: str, expected: Sequence[Spell], told: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    Return where what was told of an agent differs from what polls showed.
    """
    states = without_repeats([(data["status"], data["sub_status"], data["call_id"] is not None) for data in told])
    wanted = without_repeats([(s.shown.status, s.shown.sub_status, s.shown.call is not None) for s in expected])
    if states != wanted:
        return [f"{agent_id}: told {states}, polls showed {wanted}"]
    return []


def without_repeats(states: Sequence[Any]) -> list[Any]:
    return [state for place, state in enumerate(states) if place == 0 or states[place - 1] != state]


def provably_hidden(
    states: Sequence[Mapping[str, Any]], begins: Sequence[datetime], shown: Sequence[Spell], polls: Sequence[datetime]
) -> int:
    """
    Count the calls of an agent that began and ended between two polls which both showed the agent logged in,
    in the same campaign.
    """
    return -1



