"""
What polls of a simulated dialer must have shown, and what relay told of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from relay.model.times import from_rfc3339

Event = Mapping[str, Any]
Truth = Mapping[str, Any]


class Shown(NamedTuple):
    """
    What an agent did at one instant, in the words of events; nobody logged in: status LOGGED_OUT.
    """

    status: str
    sub_status: str | None
    call: str | None


@dataclass
class Life:
    """
    The true states of one agent in order: when each began, and what it was.
    """

    begins: list[datetime]
    states: list[Mapping[str, Any]]

    def at(self, instant: datetime) -> int:
        """
        Return the place of the state at an instant; -1: before the first.
        """
        return bisect_right(self.begins, instant) - 1

    def shown(self, place: int) -> Shown:
        """
        Return what a poll shows of a state.
        """
        if place < 0:
            return Shown("LOGGED_OUT", None, None)
        state = self.states[place]
        return Shown(state["status"] or "LOGGED_OUT", state["sub_status"] or None, state["call_id"] or None)


def lives_of(truth: Truth) -> dict[str, Life]:
    """
    Return the true life of each agent.
    """
    lives: dict[str, Life] = defaultdict(lambda: Life([], []))
    for state in truth["states"]:
        lives[state["agent"]].begins.append(from_rfc3339(state["at"]))
        lives[state["agent"]].states.append(state)
    return dict(lives)


@dataclass
class Spell:
    """
    A state that polls showed: from which poll to which, when it truly began and (None: not yet) ended, and
    when it began anew meanwhile, after something that no poll showed.
    """

    shown: Shown
    began_at: datetime
    ended_at: datetime | None
    first: int
    last: int
    began_anew: list[datetime] = field(default_factory=list)


def spells(life: Life, polls: Sequence[datetime]) -> list[Spell]:
    """
    Return what polls at some instants showed of an agent, as spells of one state each, without those before
    the first login.
    """
    found: list[Spell] = []
    for number, instant in enumerate(polls):
        place = life.at(instant)
        if place < 0:
            continue
        shown = life.shown(place)
        ended_at = life.begins[place + 1] if place + 1 < len(life.begins) else None
        if found and found[-1].shown == shown and found[-1].last == number - 1:
            found[-1].last, found[-1].ended_at = number, ended_at
            if place != life.at(polls[number - 1]):
                found[-1].began_anew.append(life.begins[place])
        else:
            found.append(Spell(shown, life.begins[place], ended_at, number, number))
    return found


def told_of(events: Sequence[Event], agent_id: str) -> list[Mapping[str, Any]]:
    """
    Return the data of an agent's events of status, in order.
    """
    types = ("agent.logged_in", "agent.logged_out", "agent.status_changed")
    return [
        event["data"] for event in events if event["type"] in types and event["data"]["agent_id"] == agent_id
    ]


def share_seen(truth: Truth, polls: Sequence[datetime]) -> tuple[int, int]:
    """
    Return how many of all true state changes led to a state that some poll showed, and how many there were.
    """
    seen = total = 0
    for life in lives_of(truth).values():
        shown = {life.at(instant) for instant in polls}
        total += len(life.begins)
        seen += len(shown - {-1})
    return seen, total
