"""
Calls that agents have, from poll to poll.
"""

from __future__ import annotations

from datetime import datetime

from relay.normalise.call_watch import CallWatch, Holding, Sighting, Watched
from tests.normalise.office import at

CALL, OTHER, THIRD = "V1201900000000000122", "V1201900000000000123", "V1201900000000000124"
QUEUE, INCALL, DEAD, PARK = (False, False), (True, False), (True, True), (True, False, True)
Holder = tuple[str, str, tuple[bool, ...]]
Span = tuple[datetime | None, datetime]


class Polls:
    """
    Polls one after the other; agents are shown where they hold a call or are named as idle.
    """

    def __init__(self, watch: CallWatch | None = None, previous: float | None = None) -> None:
        self.watch = watch or CallWatch({})
        self._previous_at = None if previous is None else at(previous)

    def poll(self, second: float, *holders: Holder, idle: tuple[str, ...] = ()) -> list[Sighting]:
        """
        Return what a poll tells.
        """
        holdings = [Holding(agent, call, *how) for agent, call, how in holders]
        agents = {*idle, *(agent for agent, _, _ in holders)}
        self.watch, sightings = self.watch.after(holdings, agents, at(second), self._previous_at)
        self._previous_at = at(second)
        return sightings


def new(
    answered: Span | None = None, left: Span | None = None, agent: str = "1001", call: str = CALL
) -> Sighting:
    """
    Return the first sight of a call.
    """
    return Sighting(call, agent, True, answered, left)


def known(
    answered: Span | None = None, left: Span | None = None, agent: str | None = "1001", call: str = CALL
) -> Sighting:
    """
    Return a later sight.
    """
    return Sighting(call, agent, False, answered, left)


def span(start: float | None, end: float) -> Span:
    """
    Return an interval of the story.
    """
    return (None if start is None else at(start)), at(end)


def test_a_call_that_is_handed_over_answered_parked_and_over() -> None:
    polls = Polls(previous=0)

    assert [new()] == polls.poll(1, ("1001", CALL, QUEUE))
    assert [known(answered=span(1, 2))] == polls.poll(2, ("1001", CALL, INCALL))
    assert [] == polls.poll(3, ("1001", CALL, INCALL))
    assert [known(left=span(3, 4))] == polls.poll(4, idle=("1001",))
    assert ([], {}) == (polls.poll(5, idle=("1001",)), polls.watch.calls)


def test_of_a_call_in_the_very_first_poll_nobody_knows_since_when() -> None:
    assert [new(answered=span(None, 1))] == Polls().poll(1, ("1001", CALL, INCALL))


def test_a_caller_who_hangs_up_ends_the_call_once() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", OTHER, INCALL))

    assert [known(left=span(1, 2))] == polls.poll(2, ("1001", CALL, DEAD), ("1002", OTHER, INCALL))
    assert [] == polls.poll(3, ("1001", CALL, DEAD), ("1002", OTHER, INCALL))
    assert [] == polls.poll(4, ("1002", OTHER, INCALL), idle=("1001",))
    assert [OTHER] == list(polls.watch.calls)


def test_a_call_seen_dead_at_first_sight_is_over() -> None:
    polls = Polls(previous=0)

    assert [new(answered=span(0, 1), left=span(0, 1))] == polls.poll(1, ("1001", CALL, DEAD))


def test_an_agent_missing_from_one_poll_ends_no_call() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL))

    assert [] == polls.poll(2)
    assert [] == polls.poll(3, ("1001", CALL, INCALL))
    assert [known(left=span(3, 4))] == polls.poll(4, idle=("1001",))


def test_an_agent_missing_from_two_polls_has_taken_the_call_along() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL))
    polls.poll(2)

    assert [known(left=span(1, 2))] == polls.poll(3)


def test_a_call_may_have_ended_at_any_time_until_its_agent_is_shown_again() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL))
    polls.poll(2)

    assert [known(left=span(1, 3))] == polls.poll(3, idle=("1001",))


def test_a_restart_of_the_dialers_database_ends_no_call() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", OTHER, INCALL))
    storm = (("1001", CALL, DEAD), ("1002", OTHER, DEAD))

    assert [[], []] == [polls.poll(2, *storm), polls.poll(3, *storm)]
    assert [known(left=span(3, 4))] == polls.poll(4, storm[1], idle=("1001",))
    assert [known(left=span(4, 5), agent="1002", call=OTHER)] == polls.poll(5, idle=("1001", "1002"))


def test_a_call_that_comes_right_after_such_a_restart_does_not_hide_it() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", OTHER, INCALL), idle=("1003",))

    sightings = polls.poll(2, ("1001", CALL, DEAD), ("1002", OTHER, DEAD), ("1003", THIRD, INCALL))
    assert [new(answered=span(1, 2), agent="1003", call=THIRD)] == sightings


def test_a_parked_call_does_not_hide_a_restart_and_outlives_it() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", OTHER, PARK), ("1003", THIRD, INCALL))

    assert [] == polls.poll(2, ("1001", CALL, DEAD), ("1002", OTHER, PARK), ("1003", THIRD, DEAD))
    assert [] == polls.poll(3, ("1001", CALL, DEAD), ("1002", OTHER, DEAD), ("1003", THIRD, DEAD))
    over = polls.poll(9, ("1001", CALL, DEAD), ("1003", THIRD, DEAD), idle=("1002",))
    assert [known(left=span(3, 9), agent="1002", call=OTHER)] == over


def test_a_call_that_was_being_handed_over_in_a_restart_is_not_ended_by_it() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", OTHER, INCALL), ("1003", THIRD, QUEUE))

    assert [] == polls.poll(2, ("1001", CALL, DEAD), ("1002", OTHER, DEAD), ("1003", THIRD, QUEUE))
    (answered,) = polls.poll(3, ("1001", CALL, DEAD), ("1002", OTHER, DEAD), ("1003", THIRD, DEAD))
    assert (span(2, 3), None) == (answered.answered, answered.left)


def test_a_caller_who_hangs_up_while_another_speaks_and_one_is_parked_is_no_restart() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", OTHER, PARK), ("1003", THIRD, INCALL))

    told = polls.poll(2, ("1001", CALL, DEAD), ("1002", OTHER, PARK), ("1003", THIRD, INCALL))
    assert [known(left=span(1, 2))] == told


def test_callers_who_hang_up_while_others_speak_are_no_restart() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", OTHER, INCALL), ("1003", THIRD, INCALL))

    sightings = polls.poll(2, ("1001", CALL, DEAD), ("1002", OTHER, DEAD), ("1003", THIRD, INCALL))
    assert {CALL, OTHER} == {one.call_id for one in sightings if one.left}


def test_a_call_that_seemed_dead_for_a_restart_may_go_on() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", OTHER, INCALL))
    polls.poll(2, ("1001", CALL, DEAD), ("1002", OTHER, DEAD))

    assert [] == polls.poll(3, ("1001", CALL, INCALL), ("1002", OTHER, DEAD))
    (left,) = polls.poll(4, ("1001", CALL, DEAD), ("1002", OTHER, DEAD))
    assert known(left=span(3, 4)) == left


def test_two_agents_in_one_call_are_one_call_of_the_first() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1002", CALL, INCALL))

    assert [] == polls.poll(2, ("1001", CALL, INCALL), ("1002", CALL, INCALL))
    assert ("1002", "1001") == polls.watch.calls[CALL].agent_ids
    assert [] == polls.poll(3, ("1001", CALL, INCALL), idle=("1002",))
    assert [known(left=span(3, 4))] == polls.poll(4, idle=("1001", "1002"))


def test_one_side_of_a_conference_that_is_dead_is_not_the_end() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, INCALL), ("1002", CALL, INCALL))

    assert [] == polls.poll(2, ("1001", CALL, DEAD), ("1002", CALL, INCALL))


def test_a_call_offered_to_one_agent_is_of_the_one_who_answers() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, QUEUE))

    assert [known(answered=span(1, 2), agent="1002")] == polls.poll(2, ("1002", CALL, INCALL), idle=("1001",))


def test_a_call_that_comes_back_is_new() -> None:
    polls = Polls(previous=0)
    polls.poll(1, ("1001", CALL, QUEUE))
    polls.poll(2, idle=("1001",))

    assert [new(answered=span(2, 3))] == polls.poll(3, ("1001", CALL, INCALL))


def test_a_call_read_back_without_an_agent_can_end() -> None:
    polls = Polls(CallWatch({CALL: Watched((), True, at(0))}), previous=0)

    assert [known(left=span(0, 5), agent=None)] == polls.poll(5, idle=("1001",))
