"""
The same conversation in two phone systems: one outside number, one time, and no other call fits as well.
"""

from __future__ import annotations

import pytest

from relay.model.change import Neighbourhood
from relay.normalise.cross_links import same_conversation
from relay.normalise.dialer_calls import KnownDialerCall
from tests.normalise.dialer_book import INBOUND_ID, Book, answered, ended
from tests.normalise.office import at


@pytest.fixture
def known() -> KnownDialerCall:
    """
    Give a call of a dialer that began at second 0, and ended at second 60.
    """
    book = Book()
    book.tell(3, answered(3))
    book.tell(60, ended(60))
    return book.known[book.key(INBOUND_ID)]


def others(
    known: KnownDialerCall, *spans: tuple[str, float, float | None], key: str | None = None
) -> Neighbourhood:
    """
    Return calls of a PBX: their ids, and from when to when they lasted.
    """
    facts = known.leg.facts
    calls = {
        call_id: known.call._replace(
            call_id=call_id, started_at=at(start), ended_at=None if end is None else at(end)
        )
        for call_id, start, end in spans
    }
    legs = [
        known.leg._replace(call_id=call_id, facts=facts._replace(link_key=key or facts.link_key))
        for call_id in calls
    ]
    return Neighbourhood(calls, legs)


@pytest.mark.parametrize("span", [(-20.0, 60.0), (2.0, 58.0), (0.0, None), (-100.0, 0.0)])
def test_a_call_of_the_same_number_and_time_is_the_same_conversation(
    known: KnownDialerCall, span: tuple[float, float | None]
) -> None:
    assert "pbx1" == same_conversation(known, others(known, ("pbx1", *span)))


@pytest.mark.parametrize("span", [(-300.0, -10.0), (70.0, 90.0), (-200.0, 60.0)])
def test_a_call_of_another_time_is_not(known: KnownDialerCall, span: tuple[float, float]) -> None:
    assert same_conversation(known, others(known, ("pbx1", *span))) is None


def test_a_call_of_another_number_is_not(known: KnownDialerCall) -> None:
    assert same_conversation(known, others(known, ("pbx1", 0, 60), key="999999999")) is None


def test_the_nearer_of_two_is_taken_where_the_other_is_far(known: KnownDialerCall) -> None:
    assert "near" == same_conversation(known, others(known, ("far", -60, 10), ("near", -2, 60)))


def test_two_that_fit_alike_are_left_alone(known: KnownDialerCall) -> None:
    assert same_conversation(known, others(known, ("one", -4, 60), ("two", 3, 60))) is None


def test_a_call_that_became_part_of_another_does_not_count(known: KnownDialerCall) -> None:
    near = others(known, ("gone", 0, 60), ("kept", 1, 60))
    absorbed = {"gone": near.calls["gone"]._replace(absorbed_into="kept")}

    assert "kept" == same_conversation(known, Neighbourhood({**near.calls, **absorbed}, near.legs))


def test_a_withheld_number_links_nothing(known: KnownDialerCall) -> None:
    hidden = KnownDialerCall(known.call, known.leg._replace(facts=known.leg.facts._replace(link_key=None)))

    assert same_conversation(hidden, others(known, ("pbx1", 0, 60))) is None
