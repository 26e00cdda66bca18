"""
The faults of a demonstration: each for a while, in an order of the seed's, over before the calls are.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from relay.cli.demonstration.schedule import PLAYABLE, chosen, schedule
from relay.cli.demonstration.settings import DemoSettings
from relay.twin.voipcloud.fault_kinds import FAULTS, AnswerFault
from relay.twin.voipcloud.faults import read_fault


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("seconds", [20, 120])
def test_every_fault_has_its_time_and_some_overlap(seconds: int, seed: int) -> None:
    spells = schedule(PLAYABLE, seconds, seed)

    assert sorted(PLAYABLE) == sorted(spell.name for spell in spells)
    assert all(0 < spell.from_s < spell.until_s < seconds for spell in spells)
    assert all(first.from_s < second.from_s for first, second in pairwise(spells))
    overlapping = [second.from_s < first.until_s for first, second in pairwise(spells)]
    assert {True, False} == set(overlapping)


def test_the_seed_decides() -> None:
    first = DemoSettings(120, 1, faults=PLAYABLE).spells

    assert first == DemoSettings(120, 1, faults=PLAYABLE).spells
    other = DemoSettings(120, 2, faults=PLAYABLE).spells
    assert [spell.name for spell in first] != [spell.name for spell in other]


def test_every_spell_can_be_played_and_the_other_streams_go_on() -> None:
    for seed in range(5):
        for spell in schedule(PLAYABLE, 60, seed):
            fault = read_fault(spell.name, spell.details)

            assert not isinstance(fault, AnswerFault) or fault.stream or fault.times


def test_all_are_those_that_need_neither_a_false_clock_nor_a_large_page() -> None:
    assert PLAYABLE == chosen("all")
    assert {"naive_times", "largest_page"} == FAULTS.keys() - set(PLAYABLE)


def test_names_may_be_chosen_and_none_is_the_default() -> None:
    assert ("skew", "twins") == chosen("skew, twins,skew")
    assert () == chosen(None) == DemoSettings(60, 1).faults
    assert () == DemoSettings(60, 1).spells


def test_a_demonstration_is_plain_unless_variety_is_asked_for() -> None:
    assert [False, True] == [
        DemoSettings(60, 1, variety=variety).twin().traffic.variety for variety in (False, True)
    ]
