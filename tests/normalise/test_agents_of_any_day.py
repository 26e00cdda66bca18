"""
Any day of any agents, polled every second, some polls unreadable: what is told is what can be known.
"""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.catalogue import AGENT_LOGGED_OUT
from relay.model.event import Event
from relay.model.times import from_rfc3339
from tests.normalise.dialer_floor import Floor
from tests.normalise.dialer_truth import (
    AT_ANSWER,
    AT_QUEUE,
    EARLY,
    LATE,
    NEVER,
    POLL_MS,
    Story,
    runs_of,
    seen_at,
    stories,
)
from tests.normalise.office import at

COUNTED = (AT_QUEUE, AT_ANSWER, EARLY, LATE)
FLOORS = st.tuples(stories(1, COUNTED), stories(2, COUNTED)).map(list)
BAD_POLLS = st.sets(st.integers(1, 30), max_size=6)


def good_polls(tales: list[Story], bad: set[int]) -> list[int]:
    """
    Return when the polls were that could be read.
    """
    end = max(tale.end_ms for tale in tales)
    last = end // POLL_MS
    return [number * POLL_MS for number in range(last + 1) if number not in bad or number > last - 3]


def told_of(tales: list[Story], good: list[int], floor: Floor | None = None) -> list[Event]:
    """
    Return the events of polls every second.
    """
    floor = floor or Floor()
    made = []
    for ms in range(0, good[-1] + 1, POLL_MS):
        made += floor.see(at(ms / 1000), seen_at(tales, ms) if ms in good else None)
    return made


def of_agent(tale: Story, made: list[Event]) -> list[Event]:
    """
    Return the events of one agent.
    """
    return [event for event in made if event.data["agent_id"] == tale.agent_id]


def moves_of(tale: Story, made: list[Event]) -> list[Event]:
    """
    Return the events of one agent that tell of another status or sub-status.
    """
    moves: list[Event] = []
    for event in of_agent(tale, made):
        shown = event.data["status"], event.data["sub_status"]
        if not moves or shown != (moves[-1].data["status"], moves[-1].data["sub_status"]):
            moves.append(event)
    return moves


def was_left_in_between(events: list[Event], begin: Event, end: Event) -> bool:
    """
    Tell whether a status was left and taken up anew between its begin and its end.
    """
    return any("since" in event.changed for event in events[events.index(begin) + 1 : events.index(end)])


@settings(max_examples=60, deadline=None)
@given(FLOORS, BAD_POLLS)
def test_every_status_that_a_poll_shows_is_told_once_in_order_and_near_enough(
    tales: list[Story], bad: set[int]
) -> None:
    good = good_polls(tales, bad)
    made = told_of(tales, good)

    for tale in tales:
        runs = runs_of(tale, good)
        moves = moves_of(tale, made)
        statuses = [
            (None if event.type == AGENT_LOGGED_OUT else event.data["status"], event.data["sub_status"] or "")
            for event in moves
        ]
        assert [run.status for run in runs] == statuses
        for run, event in list(zip(runs, moves, strict=True))[1:]:
            assert event.precision_s is not None
            assert abs((event.occurred_at - at(run.begin_ms / 1000)).total_seconds()) <= event.precision_s


@settings(max_examples=60, deadline=None)
@given(FLOORS, BAD_POLLS)
def test_a_dwell_is_as_near_to_the_truth_as_the_polls_at_both_its_ends(
    tales: list[Story], bad: set[int]
) -> None:
    good = good_polls(tales, bad)
    made = told_of(tales, good)

    for tale in tales:
        moves = moves_of(tale, made)
        assert [None] == [event.data["dwell_s"] for event in moves[:1]]
        for begin, end in list(pairwise(moves))[:1]:  # nobody saw it begin
            assert end.data["dwell_s"] is None or was_left_in_between(of_agent(tale, made), begin, end)
        runs = runs_of(tale, good)
        for run, (begin, end) in list(zip(runs, pairwise(moves), strict=False))[1:]:
            assert begin.precision_s is not None
            assert end.precision_s is not None
            assert run.end_ms is not None
            dwell_s, truth_s = end.data["dwell_s"], (run.end_ms - run.begin_ms) / 1000
            # Half a second more: it is told in whole seconds.
            tolerance_s = begin.precision_s + end.precision_s + 0.5
            if was_left_in_between(of_agent(tale, made), begin, end):
                # A hidden call cuts it in two: only the second part is told.
                assert 0 <= dwell_s <= truth_s + tolerance_s
            else:
                assert abs(dwell_s - truth_s) <= tolerance_s


@settings(max_examples=120, deadline=None)
@given(FLOORS, BAD_POLLS)
def test_the_skipped_calls_add_up_to_those_that_no_poll_showed(tales: list[Story], bad: set[int]) -> None:
    good = good_polls(tales, bad)
    made = told_of(tales, good)

    for tale in tales:
        skipped = [event.data["skipped_transitions"] or 0 for event in of_agent(tale, made)]
        assert tale.hidden_calls(good) == sum(skipped)
        assert min(skipped) >= 0


@settings(max_examples=60, deadline=None)
@given(st.tuples(stories(1, (*COUNTED, NEVER, NEVER)), stories(2, COUNTED)).map(list), BAD_POLLS)
def test_no_call_is_said_to_be_skipped_that_was_not(tales: list[Story], bad: set[int]) -> None:
    good = good_polls(tales, bad)
    made = told_of(tales, good)

    for tale in tales:
        skipped = [event.data["skipped_transitions"] or 0 for event in of_agent(tale, made)]
        assert tale.hidden_calls(good) >= sum(skipped)


@settings(max_examples=30, deadline=None)
@given(FLOORS, BAD_POLLS)
def test_the_same_polls_tell_the_same_with_and_without_restarts(tales: list[Story], bad: set[int]) -> None:
    good = good_polls(tales, bad)
    at_once = Floor(is_restarted=False)

    first, again = told_of(tales, good), told_of(tales, good)
    without_restarts = told_of(tales, good, at_once)

    assert [event.to_json(at(0)) for event in first] == [event.to_json(at(0)) for event in again]
    assert [event.to_json(at(0)) for event in first] == [event.to_json(at(0)) for event in without_restarts]


@settings(max_examples=30, deadline=None)
@given(FLOORS, BAD_POLLS)
def test_what_an_event_says_changed_is_what_differs_from_the_one_before(
    tales: list[Story], bad: set[int]
) -> None:
    made = told_of(tales, good_polls(tales, bad))

    for tale in tales:
        for before, after in pairwise(of_agent(tale, made)):
            aside = {"previous_status", "dwell_s", "skipped_transitions"}
            differing = {name for name in after.data if after.data[name] != before.data[name]} - aside
            assert differing == set(after.changed) - aside
            assert after.changed
            assert before.data["status"] == after.data["previous_status"]
            assert from_rfc3339(before.data["since"]) <= from_rfc3339(after.data["since"])
