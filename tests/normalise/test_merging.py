"""
Two published calls that prove to be one: told on both, in one transaction.
"""

from __future__ import annotations

import pytest

from relay.model.catalogue import CALL_MERGED
from tests.normalise.office import TRUNK, Office, at, check, queue_row, ring_group_row, types, user_row

GROUP = ring_group_row(0, 20, status="timedout")
QUEUE = queue_row(20, 80, answered=40, by="Bao Smith")
SPOKE = user_row(25, 90, answered=40, ended=80, user_name="Bao Smith")


def apart() -> Office:
    """
    Return an office that read a group's row and a phone, and published a call of each.
    """
    office = Office()
    office.users(90, SPOKE)
    office.ring_groups(91, GROUP)
    assert 2 == len(office.standing())
    return office


def test_the_row_between_two_calls_makes_them_one() -> None:
    office = apart()

    events = office.queues(92, QUEUE)

    assert ["merged", "merged"] == types(events)
    assert [False, True] == [event.final for event in events]
    survivor, absorbed = (check(event)["data"] for event in events)
    assert (absorbed["call_id"], None) == (survivor["absorbed_call_id"], survivor["absorbed_into"])
    assert (survivor["call_id"], None) == (absorbed["absorbed_into"], absorbed["absorbed_call_id"])
    assert 3 == len(survivor["legs"])
    assert {survivor["call_id"]} == {leg.call_id for leg in office.legs.values()}


def test_the_survivor_is_the_call_that_holds_the_first_leg_by_the_anchor_rule() -> None:
    office = apart()
    of_the_phone = next(leg.call_id for leg in office.legs.values() if leg.facts.stream == "user_calls")

    office.queues(92, QUEUE)

    assert of_the_phone == office.only_call().call_id


def test_both_sides_are_one_change() -> None:
    office = apart()
    facts = office.reader.read("queue_calls", QUEUE)

    (change,) = office.assembler.assemble([facts], {facts.digest: 1}, office.whole(), at(92))

    (other,) = change.also
    assert (4, 2) == (change.call.revision, other.call.revision)
    assert (3, 1) == (change.expected_revision, other.expected_revision)
    assert change.call.call_id == other.call.absorbed_into
    assert 2 == len(change.legs), "the fresh row, and the leg that moved"
    assert () == other.legs


def test_an_absorbed_call_whose_end_was_held_never_ends_otherwise() -> None:
    office = apart()
    office.queues(92, QUEUE)

    assert [] == office.nothing_more(5000)
    assert ["started", "merged"] == types(
        event for event in office.events if event.subject != office.only_call().subject
    )


def test_a_call_that_ended_before_the_merge_has_no_second_end() -> None:
    office = apart()
    office.nothing_more(200)

    events = office.queues(300, QUEUE)

    assert ["merged", "merged"] == types(events)
    assert {"started_at", "queue", "ring_group", "legs"} <= set(events[0].changed)
    assert ("ended", "answered") == (events[0].data["state"], events[0].data["outcome"])


def test_a_survivor_that_has_not_ended_goes_on_as_usual() -> None:
    office = Office()
    office.users(50, user_row(25, 50, answered=40, user_name="Bao Smith"))
    office.ring_groups(51, GROUP)

    merged = office.queues(90, QUEUE)
    ended = office.users(95, SPOKE)

    assert (["merged", "merged"], ["finished"]) == (types(merged), types(ended))
    assert ("answered", None) == (merged[0].data["state"], merged[0].data["ended_at"])
    assert 3 == len(ended[0].data["legs"])


def test_a_phone_that_seemed_to_ring_past_the_answer_joins_once_its_end_is_read() -> None:
    """
    The first leg of all is its own, so its call stands, and says again what the other had said.
    """
    office = Office()
    office.users(52, user_row(20, 52, user_name="Chloe O'Brien"))
    office.users(53, user_row(20, 53, user_name="Chloe O'Brien"), user_row(24, 53, answered=40))
    office.queues(90, queue_row(0, 80, answered=40, by="Alice Nguyen"))
    assert 2 == len(office.standing())

    joined = office.users(
        95, user_row(20, 95, ended=40, user_name="Chloe O'Brien"), user_row(24, 95, answered=40, ended=80)
    )

    assert ["merged", "answered", "finished", "merged"] == types(joined)
    assert 3 == len(office.only_call().record["legs"])


def test_three_calls_become_one_in_one_change() -> None:
    office = apart()
    office.users(92, SPOKE, user_row(25, 90, ended=33, user_name="Chloe O'Brien"))

    events = office.queues(93, QUEUE)

    assert 1 == len(office.standing())
    assert {CALL_MERGED} == {event.type for event in events}
    assert len({event.id for event in events}) == len(events)


def test_a_silent_call_is_taken_in_without_a_word() -> None:
    office = Office(publish_from=50)
    assert [] == office.ring_groups(60, GROUP)
    office.users(90, SPOKE)

    events = office.queues(92, QUEUE)

    assert ["updated"] == types(events)
    silent = next(call for call in office.calls.values() if call.absorbed_into)
    assert (0, None) == (silent.revision, silent.last_event_id)
    assert not silent.is_end_held


def test_a_published_call_stands_before_a_silent_one_that_began_earlier() -> None:
    office = Office(publish_from=50)
    assert [] == office.users(52, user_row(5, 52, ended=20))
    spoke = user_row(55, 90, answered=60, ended=80, user_name="Bao Smith")
    office.users(90, user_row(5, 52, ended=20), spoke)

    events = office.queues(92, queue_row(0, 80, answered=60, by="Bao Smith"))

    assert ["updated"] == types(events)
    assert 55 == (office.legs[office.only_call().call_id].facts.started_at - at(0)).total_seconds()


def test_an_absorbed_call_takes_no_legs_any_more() -> None:
    office = apart()
    office.queues(92, QUEUE)
    office.forgets_what_it_read()

    office.ring_groups(95, ring_group_row(0, 21, status="timedout"))

    assert 3 == len(office.legs)
    assert 3 == len(office.only_call().record["legs"])


def test_published_calls_are_never_joined_because_phones_rang_in_turn() -> None:
    office = Office()
    office.users(15, user_row(0, 15))
    office.users(16, user_row(0, 15), user_row(12, 16, user_name="Bao Smith"))
    assert 2 == len(office.calls)

    office.users(17, user_row(0, 17, ended=12), user_row(12, 17, user_name="Bao Smith"))

    assert 2 == len(office.standing())


@pytest.mark.parametrize(
    ("other", "calls"),
    [(None, 1), ((3, 9, 99), 3), ((20, 25, 35), 3), ((50, 55, 60), 3), ((200, 205, 260), 2)],
    ids=["nobody else", "during both", "during the first", "during the second", "long after"],
)
def test_what_rests_on_time_alone_says_nothing_where_several_call_from_one_number(
    other: tuple[int, int, int] | None, calls: int
) -> None:
    office = Office()
    rows = [
        user_row(0, 99, answered=5, ended=40, from_number=TRUNK),
        user_row(41, 99, answered=45, ended=80, from_number=TRUNK, user_name="Bao Smith"),
    ]
    if other is not None:
        start, answered, ended = other
        name = "Chloe O'Brien"
        rows.append(user_row(start, 0, answered=answered, ended=ended, from_number=TRUNK, user_name=name))

    office.users(300, *rows)

    assert calls == len(office.calls)
