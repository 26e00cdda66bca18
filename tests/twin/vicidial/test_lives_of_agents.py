"""
Agents live as agents do, whatever the seed: what is shown is always possible, and the truth tells all of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from relay.twin.vicidial.agents import StateChange
from relay.twin.vicidial.calls import local
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from relay.twin.vicidial.world import World

START_MS = 1_795_248_000_000
SEEDS = range(1, 7)
# What an agent may be shown as after what; a call may come to whoever is ready, and a logout to anyone.
NEXT = {
    "LOGGED_OUT": {"PAUSED"},
    "PAUSED": {"READY", "CLOSER", "PAUSED", "PREVIEW", "LOGGED_OUT"},
    "PREVIEW": {"DIAL"},
    "READY": {"QUEUE", "PAUSED", "3-WAY"},
    "CLOSER": {"QUEUE", "PAUSED", "RING", "3-WAY"},
    "RING": {"QUEUE"},
    "QUEUE": {"INCALL"},
    "DIAL": {"INCALL", "DEAD", "DISPO"},
    "INCALL": {"PARK", "3-WAY", "DEAD", "DISPO"},
    "PARK": {"INCALL"},
    "3-WAY": {"INCALL", "DISPO"},
    "DEAD": {"DISPO"},
    "DISPO": {"PAUSED"},
}


def world(seed: int = 1, run_s: float = 900, start_ms: int = START_MS, speed: float = 1.0) -> World:
    made = World(DialerTwinSettings(seed=seed, floor=Floor(speed=speed)), start_ms)
    made.advance(start_ms + round(run_s * 1000))
    return made


def word(change: StateChange) -> str:
    return change.shown.sub_status or change.shown.status


def by_agent(made: World) -> dict[str, list[StateChange]]:
    changes = defaultdict(list)
    for change in made.floor.showing.states:
        changes[change.agent].append(change)
    return changes


@pytest.mark.parametrize("seed", SEEDS)
def test_one_state_follows_another_as_it_may(seed: int) -> None:
    steps = {
        (word(before), word(after))
        for changes in by_agent(world(seed)).values()
        for before, after in pairwise(changes)
    }

    assert set() == {(before, after) for before, after in steps if after not in NEXT[before]}


@pytest.mark.parametrize("seed", SEEDS)
def test_calls_today_rises_by_one_with_each_call_that_an_agent_takes(seed: int) -> None:
    made = world(seed)
    for user, changes in by_agent(made).items():
        taken = len({c.shown.call_id for c in changes if c.shown.status == "INCALL"})

        assert taken == max(change.shown.calls_today for change in changes)
        assert taken == made.floor.showing.calls_today(made.floor.agents[user])


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_shown_fits_together(seed: int) -> None:
    for change in world(seed).floor.showing.states:
        shown, sub = change.shown, word(change)

        assert bool(shown.call_id) == (shown.status in ("QUEUE", "INCALL"))
        assert (shown.lead_id > 0) == (bool(shown.call_id) or sub in ("DISPO", "PREVIEW"))
        assert not shown.call_id or shown.lead_id == int(shown.call_id[10:])


@pytest.mark.parametrize("seed", SEEDS)
def test_ids_of_calls_tell_letter_second_and_lead(seed: int) -> None:
    made = world(seed)
    for call in made.exchange.calls:
        began = f"{local(call.started_ms, made.zone):%m%d%H%M%S}"

        assert 20 == len(call.call_id)
        assert {"auto": "V", "manual": "M", "inbound": "Y", "transfer": "J"}[call.kind] == call.call_id[0]
        assert f"{began[1:]}{call.lead.lead_id:010d}" == call.call_id[1:]
    assert len(made.exchange.calls) == len(made.exchange.by_id)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_lead_talks_twice_at_once_and_every_end_follows_its_beginning(seed: int) -> None:
    made = world(seed)
    for call in made.exchange.calls:
        instants = [
            call.started_ms,
            call.connected_ms,
            call.answered_ms,
            call.ended_ms,
            call.dispositioned_ms,
        ]
        known = [at for at in instants if at is not None]

        assert sorted(known) == known
    talking = Counter(call.lead.lead_id for call in made.exchange.live.values())
    assert {1} == set(talking.values())


def test_a_floor_is_as_busy_as_the_measured_one() -> None:
    worlds = [world(seed, 180) for seed in range(1, 21)]
    changes = sum(len(made.floor.showing.states) for made in worlds) / len(worlds)
    answered = sum(call.answered_ms is not None for made in worlds for call in made.exchange.calls) / len(
        worlds
    )

    assert 225 < changes < 285
    assert 34 < answered < 42


def test_everything_that_can_happen_to_an_agent_and_a_call_does_happen() -> None:
    made = world(run_s=3_600)
    ends = Counter((call.kind, call.outcome) for call in made.exchange.calls if call.ended_ms is not None)

    assert set(NEXT) == {word(change) for change in made.floor.showing.states}
    assert {
        ("auto", "answered"), ("auto", "no_answer"), ("auto", "abandoned"), ("manual", "answered"),
        ("manual", "no_answer"), ("inbound", "answered"), ("inbound", "abandoned"), ("transfer", "answered"),
    } <= set(ends)  # fmt: skip
    assert {"NA", "B", "DROP", "SALE", "NI", "XFER"} <= {call.status for call in made.exchange.calls}


def test_some_calls_pass_between_two_polls_and_are_counted_all_the_same() -> None:
    made = world(run_s=3_600)
    seen: dict[str, set[int]] = defaultdict(set)
    for user, changes in by_agent(made).items():
        for poll_ms in range(START_MS, made.now_ms, 1000):
            while len(changes) > 1 and changes[1].at_ms <= poll_ms:
                changes.pop(0)
            if changes[0].at_ms <= poll_ms and changes[0].shown.lead_id:
                seen[user].add(changes[0].shown.lead_id)
    hidden = [
        call.dispositioned_ms - (call.offered_ms or 0)
        for call in made.exchange.calls
        if call.dispositioned_ms and not any(call.lead.lead_id in seen[user] for user in call.agents)
    ]

    assert hidden
    assert max(hidden) < 1_000


def test_asking_often_or_seldom_makes_no_difference() -> None:
    seldom = world(3)
    often = World(DialerTwinSettings(seed=3), START_MS)
    for at_ms in range(START_MS, START_MS + 900_001, 500):
        often.advance(at_ms)

    assert seldom.truth() == often.truth()


def test_another_seed_is_another_world() -> None:
    assert world(1).floor.showing.states != world(2).floor.showing.states


def test_a_faster_floor_has_more_calls_and_shorter_ones() -> None:
    slow, fast = world(run_s=300), world(run_s=300, speed=10.0)
    talks = [
        [
            call.ended_ms - call.answered_ms
            for call in made.exchange.calls
            if call.ended_ms and call.answered_ms
        ]
        for made in (slow, fast)
    ]

    assert 5 * len(slow.exchange.calls) < len(fast.exchange.calls)
    assert sum(talks[1]) / len(talks[1]) < sum(talks[0]) / len(talks[0]) / 5


def test_calls_today_falls_to_nothing_at_midnight_of_the_server() -> None:
    start_ms = START_MS + (20 * 60 + 50) * 60 * 1000  # 23:50
    midnight_ms = start_ms + 600_000
    made = world(run_s=1_200, start_ms=start_ms)
    fallen = {}
    for user, changes in by_agent(made).items():
        *_, before = [change for change in changes if change.at_ms < midnight_ms]
        if before.shown.calls_today:
            fallen[user] = before.shown._replace(calls_today=0)

    assert fallen
    assert fallen == {c.agent: c.shown for c in made.floor.showing.states if c.at_ms == midnight_ms}


def test_a_restarted_database_shows_every_call_as_dead() -> None:
    made = world(run_s=400)
    talking = [a for a in made.floor.agents.values() if a.status == "INCALL" and not a.is_parked]
    made.floor.restart_database()
    shown = {made.floor.showing.shown(agent).sub_status for agent in talking}
    gauges = made.truth()["groups"]["in_groups"]

    first, leads = talking[0].lead, list(made.office.leads)

    assert first is not None
    assert {True, False} == {made.exchange.is_called(lead) for lead in leads}
    assert made.exchange.is_called(first)
    assert {"DEAD"} == shown
    assert {0} == {gauge["total_calls"] for gauge in gauges.values()}
