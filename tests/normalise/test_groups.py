"""
Two polls of a group of a dialer, and the event between them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.errors import RecordRejected
from relay.model.event import Event
from relay.model.subject_state import SubjectState
from relay.normalise.groups import GroupDiff, GroupSeen, read_in_group, read_user_group
from relay.normalise.poll_times import PollTimes
from tests.normalise.dialer_floor import IDS, Row, stored
from tests.normalise.office import at, check

MIN_INTERVAL_S = 10
IN_GROUP: Row = {
    "ingroups": "SALESLINE", "total_calls": "5", "calls_waiting": "2", "agents_logged_in": "7",
    "agents_in_calls": "4", "agents_waiting": "1", "agents_paused": "2", "agents_in_dispo": "1",
}  # fmt: skip
USER_GROUP: Row = {
    "usergroups": "AGENTS", "calls_waiting": "3", "agents_logged_in": "11", "agents_in_calls": "6",
    "agents_waiting": "2", "agents_paused": "1", "agents_in_dead_calls": "1", "agents_in_dispo": "1",
    "agents_in_dial": "0",
}  # fmt: skip


class Wallboard:
    """
    Polls one group and keeps what the journal keeps, read back from it each time.
    """

    def __init__(self) -> None:
        self.differ = GroupDiff("dialer", IDS, timedelta(seconds=MIN_INTERVAL_S))
        self.state: SubjectState | None = None
        self.previous: datetime | None = None
        self.silent = 0

    def poll(self, second: float, **columns: int) -> list[Event]:
        """
        Poll the in-group once, with some columns other than usual, and return the events.
        """
        row = IN_GROUP | {name: str(value) for name, value in columns.items()}
        return self.see(second, read_in_group("SALESLINE", row))

    def see(self, second: float, seen: GroupSeen) -> list[Event]:
        """
        Take what a poll showed.
        """
        change = self.differ.diff(self.state, seen, PollTimes(at(second), self.previous))
        self.previous = at(second)
        if change is None:
            return []
        assert (self.state.revision if self.state else 0) == change.expected_revision
        assert change.expected_revision + len(change.events) == change.state.revision
        for event in change.events:
            check(event)
        self.silent += not change.events
        self.state = stored(change.state)
        return list(change.events)


def test_the_first_sight_of_a_group_tells_all_its_gauges() -> None:
    (event,) = Wallboard().poll(0)

    assert {
        "group_id": "SALESLINE",
        "kind": "in_group",
        "calls_total": 5,
        "calls_waiting": 2,
        "calls_active": 3,
        "agents_logged_in": 7,
        "agents_ready": 1,
        "agents_in_call": 4,
        "agents_paused": 2,
        "agents_in_dispo": 1,
        "agents_in_dead_call": None,
        "agents_in_dial": None,
    } == event.data
    assert ("in_group.status_changed", "in_group/dialer/SALESLINE", at(0), None, ()) == (
        event.type, event.subject, event.occurred_at, event.precision_s, event.changed,
    )  # fmt: skip


def test_a_user_group_has_no_calls_of_its_own() -> None:
    (event,) = Wallboard().see(0, read_user_group("AGENTS", USER_GROUP))

    assert ("user_group.status_changed", "user_group/dialer/AGENTS") == (event.type, event.subject)
    names = ("calls_total", "calls_waiting", "calls_active", "agents_in_dead_call", "agents_in_dial")
    assert (None, 3, None, 1, 0) == tuple(event.data[name] for name in names)


def test_nobody_knows_since_when_a_group_is_as_it_is_first_seen() -> None:
    board = Wallboard()
    board.previous = at(-2)

    (event,) = board.poll(0)

    assert (at(0), None) == (event.occurred_at, event.precision_s)


def test_a_gauge_that_changed_is_told_with_the_time_between_the_polls() -> None:
    board = Wallboard()
    board.poll(0)
    assert [] == board.poll(20)

    (event,) = board.poll(26, calls_waiting=4)

    assert (at(23), 3, ("calls_waiting", "calls_active")) == (
        event.occurred_at, event.precision_s, event.changed,
    )  # fmt: skip


def test_what_changes_too_soon_waits_for_the_first_poll_after_the_interval() -> None:
    board = Wallboard()
    board.poll(0)

    assert [] == board.poll(2, calls_waiting=3)
    assert [] == board.poll(4, calls_waiting=4)
    assert [] == board.poll(9.9, calls_waiting=4)
    (event,) = board.poll(12, calls_waiting=4)

    assert (4, at(3), 1, at(12)) == (
        event.data["calls_waiting"], event.occurred_at, event.precision_s, event.observed_at,
    )  # fmt: skip
    assert 2 == board.silent
    assert [] == board.poll(30, calls_waiting=4)


def test_what_changed_and_changed_back_is_not_told() -> None:
    board = Wallboard()
    board.poll(0)

    assert [] == board.poll(2, calls_waiting=3)
    assert [] == board.poll(4)
    assert [] == board.poll(12)
    (event,) = board.poll(14, calls_waiting=3)

    assert (at(13), 1) == (event.occurred_at, event.precision_s)


def test_there_and_back_and_there_again_is_three_events() -> None:
    board = Wallboard()
    board.poll(0)

    made = [*board.poll(20, agents_paused=3), *board.poll(40), *board.poll(60, agents_paused=3)]

    assert 3 == len({event.id for event in made})


def test_calls_that_do_not_add_up_are_not_told() -> None:
    (event,) = Wallboard().poll(0, total_calls=1, calls_waiting=2)

    assert (1, 2, None) == tuple(
        event.data[name] for name in ("calls_total", "calls_waiting", "calls_active")
    )


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"ingroups": "SALESLINE SUPPORT"}, "ingroups is 'SALESLINE SUPPORT', asked was 'SALESLINE'"),
        ({"calls_waiting": ""}, "calls_waiting '' is not a number"),
        ({"agents_in_dial": "x"}, "agents_in_dial 'x' is not a number"),
        ({"total_calls": None}, "total_calls None is not a number"),
    ],
)
def test_a_row_that_is_not_as_documented_is_rejected(columns: dict[str, Any], why: str) -> None:
    with pytest.raises(RecordRejected) as rejected:
        read_in_group("SALESLINE", IN_GROUP | columns)

    assert why == rejected.value.why


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3)), max_size=40))
def test_no_two_events_are_closer_than_the_interval_and_the_last_word_is_always_said(
    steps: list[tuple[int, int]],
) -> None:
    board, second, waiting = Wallboard(), 0, 2
    made = board.poll(0)
    for pause_s, waiting in steps:
        second += pause_s
        made += board.poll(second, calls_waiting=waiting)
    made += board.poll(second + MIN_INTERVAL_S, calls_waiting=waiting)

    seconds = [(event.observed_at - at(0)).total_seconds() for event in made]
    gaps = [later - earlier for earlier, later in pairwise(seconds)]
    assert [] == [gap for gap in gaps if gap < MIN_INTERVAL_S]
    values = [event.data["calls_waiting"] for event in made]
    assert waiting == values[-1]
    assert [] == [same for same in pairwise(values) if same[0] == same[1]]
    for event in made[1:]:
        assert event.occurred_at < event.observed_at
