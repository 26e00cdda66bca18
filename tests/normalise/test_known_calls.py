"""
Only calls that lasted at the time of a leg are looked at, however many share its number.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.model.call import Leg
from relay.normalise.known_calls import KnownCalls
from tests.normalise.office import Office, at, user_row


def leg(start: int, end: int | None, **columns: Any) -> Leg:
    """
    Return a leg with a call of its own.
    """
    facts = Office().reader.read("user_calls", user_row(start, start + 60, ended=end, **columns))
    return Leg(f"leg-{start}", 0, f"call-{start}", at(start), facts)


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (1_000, 1_060, {"call-1000"}),
        (1_062, 1_100, {"call-1000"}),
        (2_000, 2_100, set()),
        (900, None, {"call-1000", "call-5000"}),
    ],
    ids=["during", "just after", "long after", "open since before"],
)
def test_calls_near_in_time_are_found(start: int, end: int | None, found: set[str]) -> None:
    calls = KnownCalls([leg(1_000, 1_060), leg(5_000, 5_060)])

    assert found == calls.near(leg(start, end)).keys()


def test_an_open_call_is_near_to_what_begins_later() -> None:
    calls = KnownCalls([leg(1_000, None)])

    assert {"call-1000"} == calls.near(leg(3_000, 3_060)).keys()


def test_of_many_calls_of_one_number_few_are_near() -> None:
    calls = KnownCalls([leg(start, start + 50) for start in range(0, 100_000, 100)])

    assert len(calls.near(leg(50_000, 50_050))) <= 3


def test_a_native_id_is_found_at_any_time() -> None:
    calls = KnownCalls([leg(1_000, 1_060, call_id="N1", from_number="anonymous")])

    assert {"call-1000"} == calls.near(leg(90_000, 90_060, call_id="N1", from_number="anonymous")).keys()
