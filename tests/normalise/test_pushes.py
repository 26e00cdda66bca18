"""
Legs that the phone system told of by itself, until a polled row confirms them.
"""

from __future__ import annotations

from itertools import permutations

import pytest

from relay.model.call import QUEUE_CALLS, USER_CALLS, Leg
from tests.normalise.office import (
    LOOKBACK_S,
    OTHER_CALLER,
    Office,
    at,
    check,
    outbound_row,
    queue_row,
    types,
    user_row,
)

ENOUGH = LOOKBACK_S + 1


def told() -> Office:
    """
    Return an office that was told of a ringing phone.
    """
    office = Office()
    events = office.is_told(USER_CALLS, 1, user_row(0, 1))
    assert (["started"], ["push"]) == (types(events), [event.origin for event in events])
    return office


def only_leg(office: Office) -> Leg:
    """
    Return the one leg there is.
    """
    (leg,) = office.legs.values()
    return leg


@pytest.mark.parametrize("off_s", [-2, -1, 0, 1, 2])
def test_a_polled_row_adopts_the_leg_under_its_name(off_s: int) -> None:
    office = told()
    before = only_leg(office)

    events = office.users(20, user_row(off_s, 20, answered=9))

    leg = only_leg(office)
    assert ["answered"] == types(events)
    assert (before.leg_id, before.call_id, False) == (leg.leg_id, leg.call_id, leg.is_provisional)
    assert (at(off_s), at(9)) == (leg.facts.started_at, leg.facts.answered_at)
    assert ["finished"] == types(office.users(90, user_row(off_s, 90, answered=9, ended=80)))


@pytest.mark.parametrize(
    "row",
    [
        user_row(3, 20),
        user_row(0, 20, from_number=OTHER_CALLER),
        outbound_row(0, 20),
        user_row(0, 20, from_number="anonymous"),
    ],
    ids=["three seconds off", "another caller", "another direction", "a caller that was hidden"],
)
def test_another_row_does_not(row: dict[str, object]) -> None:
    office = told()

    office.users(20, row)

    assert 2 == len(office.legs)


def test_hidden_numbers_are_adopted_where_both_are_written_alike() -> None:
    office = Office()
    office.is_told(USER_CALLS, 1, user_row(0, 1, from_number="anonymous"))

    office.users(20, user_row(1, 20, from_number="anonymous"))

    assert not only_leg(office).is_provisional


def test_the_vendors_own_id_decides_whatever_the_time_is() -> None:
    office = Office()
    office.is_told(USER_CALLS, 1, user_row(0, 1, call_id="N1"), user_row(0, 1, call_id="N2"))
    ids = {leg.facts.native_id: leg.leg_id for leg in office.legs.values()}

    office.users(20, user_row(9, 20, call_id="N2"), user_row(0, 20, call_id="N1"))

    assert ids == {leg.facts.native_id: leg.leg_id for leg in office.legs.values()}


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_the_closest_is_adopted_and_each_once(order: tuple[int, ...]) -> None:
    office = Office()
    office.is_told(USER_CALLS, 1, user_row(0, 5))
    office.is_told(USER_CALLS, 4, user_row(4, 5))
    starts = {leg.leg_id: leg.facts.started_at for leg in office.legs.values()}
    rows = [user_row(1, 20, ended=2), user_row(5, 20, ended=20)]

    office.users(20, *(rows[place] for place in order))

    assert [at(1), at(5)] == [
        office.legs[leg_id].facts.started_at for leg_id in sorted(starts, key=starts.__getitem__)
    ]
    assert 2 == len(office.legs)


def test_a_push_after_the_row_changes_nothing() -> None:
    office = Office()
    office.users(20, user_row(0, 20, answered=9))

    assert [] == office.is_told(USER_CALLS, 21, user_row(0, 21, answered=5, ended=21))
    assert [] == office.is_told(USER_CALLS, 21, user_row(1, 21, answered=5, ended=21))
    assert at(9) == only_leg(office).facts.answered_at


def test_pushes_carry_a_call_from_start_to_end_before_any_poll() -> None:
    office = told()

    answered = office.is_told(USER_CALLS, 9, user_row(1, 9, answered=8))
    ended = office.is_told(USER_CALLS, 81, user_row(0, 81, answered=8, ended=80))
    again = office.is_told(USER_CALLS, 82, user_row(0, 81, answered=8, ended=80))

    assert (["answered"], ["finished"], []) == (types(answered), types(ended), again)
    assert only_leg(office).is_provisional
    assert at(0) == only_leg(office).facts.started_at


def test_what_the_row_says_otherwise_after_the_end_is_an_update() -> None:
    office = told()
    office.is_told(USER_CALLS, 81, user_row(0, 81, answered=8, ended=80))

    updated = office.users(90, user_row(1, 90, answered=8, ended=79))

    assert ["updated"] == types(updated)
    assert (78, 71) == (updated[0].data["duration_s"], updated[0].data["talk_s"])


def test_a_row_that_shows_a_pushed_end_as_open_still_is_believed() -> None:
    office = Office()
    office.is_told(USER_CALLS, 31, user_row(0, 31, ended=30))
    assert office.only_call().is_end_held

    office.users(40, user_row(0, 40))

    assert not office.only_call().is_end_held
    assert ["answered", "finished"] == types(office.users(90, user_row(0, 90, answered=45, ended=80)))


def test_a_leg_that_no_read_confirmed_ends_unknown_and_without_durations() -> None:
    office = told()

    assert [] == office.gives_up(ENOUGH - 1)
    (end,) = office.gives_up(ENOUGH)

    data = check(end)["data"]
    assert ("call.finished", "unknown", "ended") == (end.type, data["outcome"], data["state"])
    assert [None] * 4 == [data[name] for name in ("ended_at", "duration_s", "talk_s", "answered_at")]
    assert [] == office.gives_up(ENOUGH + 60)
    assert ["settled"] == types(office.settles(ENOUGH + 120))


def test_a_read_that_began_too_late_confirms_and_denies_nothing() -> None:
    office = told()

    office.read_from = at(-1)
    assert [] == office.gives_up(ENOUGH)

    office.read_from = at(-2)
    assert ["finished"] == types(office.gives_up(ENOUGH))


def test_an_end_that_only_a_push_told_is_taken_back_in_an_update() -> None:
    office = told()
    office.is_told(USER_CALLS, 81, user_row(0, 81, answered=8, ended=80))
    assert [] == office.settles(ENOUGH + 90)

    (update,) = office.gives_up(ENOUGH + 90)

    assert ("call.updated", "unknown", None) == (
        update.type,
        update.data["outcome"],
        update.data["duration_s"],
    )


def test_a_row_that_comes_after_all_makes_it_good() -> None:
    office = told()
    office.gives_up(ENOUGH)

    (update,) = office.users(ENOUGH + 60, user_row(0, 90, answered=9, ended=80))

    assert ("call.updated", "answered", 80) == (
        update.type,
        update.data["outcome"],
        update.data["duration_s"],
    )
    assert not only_leg(office).is_provisional


def test_a_call_with_another_leg_ends_as_that_one_says() -> None:
    office = told()
    office.queues(90, queue_row(0, 80, answered=20, by="Bao Smith"))
    assert 1 == len(office.calls)

    (end,) = office.gives_up(ENOUGH)

    assert ("answered", 60) == (end.data["outcome"], end.data["talk_s"])


def test_a_pushed_leg_joins_the_call_it_is_of() -> None:
    office = Office()
    office.users(20, user_row(5, 20, answered=20))

    office.is_told(QUEUE_CALLS, 81, queue_row(0, 80, answered=20, by="Alice Nguyen"))

    assert 1 == len(office.calls)


def test_phones_that_ring_in_the_same_second_are_a_leg_each() -> None:
    office = Office()
    phones = ("Alice Nguyen", "Bao Smith")
    for name in phones:
        office.is_told(USER_CALLS, 1, user_row(0, 1, user_name=name))
    pushed = {leg.leg_id: leg.facts.agent_name for leg in office.legs.values()}

    office.is_told(USER_CALLS, 9, user_row(0, 9, user_name=phones[0], answered=8))
    told = office.is_told(USER_CALLS, 9, user_row(0, 9, user_name=phones[1], ended=8))
    office.users(20, user_row(0, 20, user_name=phones[1], ended=8), user_row(0, 20, answered=8))

    assert [] == types(told)  # the other phone goes on
    assert (1, set(phones)) == (len(office.calls), set(pushed.values()))
    assert pushed == {leg.leg_id: leg.facts.agent_name for leg in office.legs.values()}
    assert not any(leg.is_provisional for leg in office.legs.values())
