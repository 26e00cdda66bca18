"""
Rows that look alike: bags, not sets (DESIGN section 4, Identity).
"""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.normalise.office import Office, queue_row, types, user_row


def test_two_identical_rows_are_two_legs_and_two_calls() -> None:
    office = Office()
    row = user_row(0, 90, answered=12, ended=80)

    events = office.users(90, row, dict(row))

    assert ["started", "answered", "finished"] * 2 == types(events)
    assert 2 == len(office.calls) == len(office.legs)
    assert [] == office.users(100, row, dict(row))
    office.forgets_what_it_read()
    assert [] == office.users(100, row, dict(row))


def test_a_second_identical_row_that_comes_later_is_another_call() -> None:
    office = Office()
    row = queue_row(0, 80)
    office.queues(90, row)

    assert ["started"] == types(office.queues(100, row, dict(row)))
    assert 2 == len(office.calls)


def test_one_of_two_twins_that_disappears_for_a_while_is_not_new_when_it_is_back() -> None:
    office = Office()
    row = queue_row(0, 80)
    office.queues(90, row, dict(row))

    assert [] == office.queues(100, row)
    assert [] == office.queues(110, row, dict(row))
    assert 2 == len(office.calls)


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_row_that_changes_matches_its_own_twin(order: tuple[int, ...]) -> None:
    office = Office()
    alices, baos = user_row(0, 20, answered=5), user_row(0, 20, answered=5, user_name="Bao Smith")
    office.users(20, alices, baos)
    legs = {leg.facts.agent_name: leg.leg_id for leg in office.legs.values()}

    page = [user_row(0, 50, answered=5, ended=50, user_name="Bao Smith"), user_row(0, 60, answered=5)]
    events = office.users(60, *(page[place] for place in order))

    assert ["finished"] == types(events)
    assert "Bao Smith" == events[0].data["agent_name"]
    assert legs == {leg.facts.agent_name: leg.leg_id for leg in office.legs.values()}


def test_the_ids_of_twins_do_not_depend_on_the_order_of_the_page() -> None:
    rows = [
        user_row(0, 90, answered=12, ended=80),
        user_row(0, 90, answered=12, ended=70),
        user_row(0, 90, answered=5, ended=80, user_name="Bao Smith"),
    ]
    known: set[frozenset[tuple[str, str]]] = set()
    for page in permutations(rows):
        office = Office()
        office.users(90, *page)
        known.add(frozenset((event.id, event.data["ended_at"] or "") for event in office.events))

    assert 1 == len(known)


def test_back_to_back_calls_between_the_same_numbers_are_two_calls() -> None:
    office = Office()
    first, second = user_row(0, 90, answered=5, ended=40), user_row(41, 90, answered=45, ended=80)

    office.users(90, second, first)
    office.queues(
        91,
        queue_row(41, 80, answered=45, by="Alice Nguyen"),
        queue_row(0, 40, answered=5, by="Alice Nguyen"),
    )

    assert [(40, 35, 2), (39, 35, 2)] == [
        (record["duration_s"], record["talk_s"], len(record["legs"])) for record in office.final_records()
    ]


def test_a_caller_who_hangs_up_in_the_queue_and_calls_again_made_two_calls() -> None:
    office = Office()

    office.queues(90, queue_row(25, 80, answered=40, by="Alice Nguyen"), queue_row(0, 20))
    office.users(91, user_row(30, 91, answered=40, ended=80), user_row(5, 91, ended=20))
    office.nothing_more(200)

    assert [("abandoned", 2), ("answered", 2)] == [
        (record["outcome"], len(record["legs"])) for record in office.final_records()
    ]
