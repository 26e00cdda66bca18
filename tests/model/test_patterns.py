"""
Which types a pattern covers, and which endpoint wants an event.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.model.catalogue import CALL_ENDS, CATALOGUE, EVENT_TYPES, is_known_pattern
from relay.model.endpoint import DISABLED, ENDPOINT_STATES, Endpoint, matches_type

ENDPOINT = Endpoint(1, "crm", "https://crm.example.com", ("call.*",), (), "healthy")


@pytest.mark.parametrize(
    ("pattern", "event_type", "is_covered"),
    [
        ("*", "call.finished", True),
        ("*", "a.b.c", True),
        ("call.*", "call.finished", True),
        ("call.*", "call.a.b", True),
        ("call.*", "call", False),
        ("call.*", "caller.finished", False),
        ("call.*", "source.state_changed", False),
        ("call.finished", "call.finished", True),
        ("call.finished", "call.finished_twice", False),
        ("call", "call.finished", False),
        ("*.finished", "call.finished", False),
        ("", "call.finished", False),
    ],
)
def test_a_pattern_covers_types(pattern: str, event_type: str, is_covered: bool) -> None:
    assert is_covered is matches_type(pattern, event_type)


@pytest.mark.parametrize("pattern", ["*", "call.*", *EVENT_TYPES])
def test_a_pattern_of_the_catalogue_is_known(pattern: str) -> None:
    assert is_known_pattern(pattern)


@pytest.mark.parametrize("pattern", ["", "calls.*", "call.ended", "call", "*.*", "call.finished.*"])
def test_a_pattern_that_covers_no_type_is_not(pattern: str) -> None:
    assert not is_known_pattern(pattern)


def test_every_type_stands_once_in_the_catalogue() -> None:
    assert len(CATALOGUE) == len(EVENT_TYPES)
    assert set(CALL_ENDS) <= set(EVENT_TYPES)


@pytest.mark.parametrize(
    ("sources", "event_type", "source_id", "is_wanted"),
    [
        ((), "call.finished", "a", True),
        ((), "source.state_changed", "a", False),
        (("a",), "call.finished", "a", True),
        (("a",), "call.finished", "b", False),
        (("a",), "call.finished", None, False),
        ((), "call.finished", None, True),
    ],
)
def test_an_endpoint_wants_types_of_sources(
    sources: tuple[str, ...], event_type: str, source_id: str | None, is_wanted: bool
) -> None:
    assert is_wanted is replace(ENDPOINT, sources=sources).matches(event_type, source_id)


def test_one_of_several_patterns_is_enough() -> None:
    assert replace(ENDPOINT, events=("source.*", "call.missed")).matches("call.missed", "a")


@pytest.mark.parametrize("state", ENDPOINT_STATES)
def test_only_a_disabled_endpoint_takes_no_new_events(state: str) -> None:
    assert (state != DISABLED) is replace(ENDPOINT, state=state).takes_new_events
