"""
Plans calls: who calls whom, whose phones ring, who answers, how long they talk.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from relay.model.call import ABANDONED, ANSWERED, INBOUND, MISSED, NO_ANSWER, OUTBOUND, TIMED_OUT
from relay.twin.voipcloud.callers import CallerBook
from relay.twin.voipcloud.desks import Desks
from relay.twin.voipcloud.office import QUEUE, RING_GROUP, Office, Team, User
from relay.twin.voipcloud.plan import USER_INBOUND, USER_OUTBOUND, CallPlan, Ring, TeamTurn

SHARES: Final = {USER_INBOUND: 0.25, USER_OUTBOUND: 0.25, QUEUE: 0.35, RING_GROUP: 0.15}
TEAMS: Final = (QUEUE, RING_GROUP)

_INBOUND_ANSWERED: Final = 0.75
_OUTBOUND_ANSWERED: Final = 0.7
_HANGS_UP_WAITING: Final = "hangs_up_waiting"  # before any phone rang
_HANGS_UP_RINGING: Final = "hangs_up_ringing"
NOBODY_COMES: Final = "nobody_comes"
_FATES: Final = {ANSWERED: 0.74, _HANGS_UP_WAITING: 0.08, _HANGS_UP_RINGING: 0.1, NOBODY_COMES: 0.08}
_NO_QUEUE: Final = 0.4  # calls of a queue that ring at once
_TALK_MEAN_S: Final = 75.0
_TALK_LONGEST_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Party:
    """
    The numbers of a call to be planned.
    """

    key: str
    from_number: str
    to_number: str


@dataclass(frozen=True, slots=True)
class Course:
    """
    How a call to a team goes: its seconds, and what fate had in mind.
    """

    started_at: int
    answered_at: int | None
    ended_at: int
    fate: str


class Planner:
    """
    Plans one call after the other, in the order in which they begin.

    The plan of a call depends on the calls planned before it and on the random numbers alone.
    """

    def __init__(
        self, office: Office, kinds: tuple[str, ...], speed: float, callers: CallerBook, rng: Random
    ) -> None:
        self._office = office
        self._kinds = kinds
        self._speed = speed
        self._callers = callers
        self._rng = rng
        self._desks = Desks()

    def plan(self, key: str, at: int) -> CallPlan | None:
        """
        Plan the call that begins at `at`.

        None where it cannot be made: no outside number left, or all phones taken and no team to wait for.
        """
        self._desks.forget_before(at)
        digits = self._callers.draw(at)
        if digits is None or not self._kinds:
            return None
        kind = self._rng.choices(self._kinds, [SHARES[kind] for kind in self._kinds])[0]
        plan = self._plan_kind(kind, key, self._callers.spell(digits), at)
        if plan is not None:
            self._callers.keep(digits, plan.ended_at)
        return plan

    def plan_dialled(self, key: str, at: int, user: User, to_number: str) -> CallPlan:
        """
        Plan an outbound call that was asked for; where the user's phone is taken nobody answers.
        """
        return self._outbound(Party(key, user.number, to_number), at, user)

    def plan_above(self, key: str, at: int, kind: str) -> CallPlan | None:
        """
        Plan a call whose row shows at `at` above all others: one of a user, or one that a team lost at once.

        None where nobody of the kind could be called, or no outside number is left.
        """
        digits = self._callers.draw(at)
        teams = self._teams(kind) if kind in TEAMS else ()
        if digits is None or (kind in TEAMS and not teams):
            return None
        outside = self._callers.spell(digits)
        if teams:
            course = Course(at - 1, None, at, _HANGS_UP_WAITING)
            plan = self._team_plan(key, outside, self._rng.choice(teams), course, ())
        else:
            user = self._rng.choice(self._office.users)
            plan = self._outbound(Party(key, user.number, outside), at, user)
        self._callers.keep(digits, plan.ended_at)
        return plan

    def _plan_kind(self, kind: str, key: str, outside: str, at: int) -> CallPlan | None:
        if kind in TEAMS:
            return self._team_call(key, outside, self._rng.choice(self._teams(kind)), at)
        free = self._desks.free(self._office.users, at, self._scaled(30) + 1)
        if not free:
            teams = [team for other in TEAMS if other in self._kinds for team in self._teams(other)]
            return self._team_call(key, outside, self._rng.choice(teams), at) if teams else None
        user = self._rng.choice(free)
        if kind == USER_OUTBOUND:
            return self._outbound(Party(key, user.number, outside), at, user)
        return self._inbound(Party(key, outside, user.number), at, user)

    def _inbound(self, party: Party, at: int, user: User) -> CallPlan:
        is_answered = self._rng.random() < _INBOUND_ANSWERED
        ring_s = self._between(3, 18) if is_answered else self._between(8, 30)
        return self._user_call(USER_INBOUND, party, at, user, ring_s, is_answered)

    def _outbound(self, party: Party, at: int, user: User) -> CallPlan:
        is_answered = self._rng.random() < _OUTBOUND_ANSWERED
        ring_s = self._between(5, 20) if is_answered else self._between(10, 30)
        room = self._desks.free_until(user.name, at)
        if room is None or room <= at + ring_s:
            is_answered = False
        return self._user_call(USER_OUTBOUND, party, at, user, ring_s, is_answered)

    def _user_call(
        self, kind: str, party: Party, at: int, user: User, ring_s: int, is_answered: bool
    ) -> CallPlan:
        answered_at = at + ring_s if is_answered else None
        ended_at = at + ring_s if answered_at is None else self._talk_end(user, answered_at)
        unanswered = MISSED if kind == USER_INBOUND else NO_ANSWER
        self._desks.take(user.name, at, ended_at)
        return CallPlan(
            key=party.key,
            kind=kind,
            direction=INBOUND if kind == USER_INBOUND else OUTBOUND,
            from_number=party.from_number,
            to_number=party.to_number,
            started_at=at,
            answered_at=answered_at,
            ended_at=ended_at,
            outcome=ANSWERED if is_answered else unanswered,
            rings=(Ring(user.name, at, answered_at, ended_at),),
        )

    def _team_call(self, key: str, outside: str, team: Team, at: int, fate: str | None = None) -> CallPlan:
        if fate is None:
            fate = self._rng.choices(tuple(_FATES), tuple(_FATES.values()))[0]
        ring_s = self._between(3, 18) if fate == ANSWERED else self._between(5, 30)
        patience_s = self._between(10, 90)
        wait_s = 0
        if team.kind == QUEUE and self._rng.random() > _NO_QUEUE:
            wait_s = self._between(1, 60)
        ring_at, free = at + wait_s, list[User]()
        if team.kind == RING_GROUP or fate != _HANGS_UP_WAITING:
            ring_at, free = self._desks.first_free(
                team.members, ring_at, ring_s + 1, ring_at + patience_s if team.kind == QUEUE else ring_at
            )
        if not free:
            return self._team_plan(
                key, outside, team, Course(at, None, at + max(1, wait_s, patience_s), fate), ()
            )
        answerer = self._rng.choice(free) if fate == ANSWERED else None
        picked_up_at = ring_at + ring_s
        ended_at = self._talk_end(answerer, picked_up_at) if answerer else picked_up_at
        rings = tuple(
            Ring(user.name, ring_at, picked_up_at, ended_at)
            if user is answerer
            else Ring(user.name, ring_at, None, picked_up_at)
            for user in free
        )
        course = Course(at, picked_up_at if answerer else None, ended_at, fate)
        return self._team_plan(key, outside, team, course, rings)

    def _team_plan(
        self, key: str, outside: str, team: Team, course: Course, rings: tuple[Ring, ...]
    ) -> CallPlan:
        gave_up = TIMED_OUT if course.fate == NOBODY_COMES else ABANDONED
        for ring in rings:
            self._desks.take(ring.user_name, ring.started_at, ring.ended_at)
        turn = TeamTurn(
            kind=team.kind,
            team_name=team.name,
            started_at=course.started_at,
            answered_at=course.answered_at,
            ended_at=course.ended_at,
            outcome=gave_up if course.answered_at is None else ANSWERED,
            answered_by=next((ring.user_name for ring in rings if ring.answered_at is not None), None),
        )
        return CallPlan(
            key=key,
            kind=team.kind,
            direction=INBOUND,
            from_number=outside,
            to_number=team.number,
            started_at=turn.started_at,
            answered_at=turn.answered_at,
            ended_at=turn.ended_at,
            outcome=turn.outcome,
            rings=rings,
            turns=(turn,),
        )

    def _talk_end(self, user: User, answered_at: int) -> int:
        talk_s = self._scaled(min(5.0 + self._rng.expovariate(1 / _TALK_MEAN_S), _TALK_LONGEST_S))
        room = self._desks.free_until(user.name, answered_at) or answered_at + 1
        return min(answered_at + talk_s, room)  # the phone may be promised to a queue that is about to ring

    def _teams(self, kind: str) -> tuple[Team, ...]:
        return self._office.queues if kind == QUEUE else self._office.ring_groups

    def _between(self, shortest_s: float, longest_s: float) -> int:
        return self._scaled(self._rng.uniform(shortest_s, longest_s))

    def _scaled(self, seconds: float) -> int:
        # Never 0: a talk of 0 s would be no talk, and a phone that rang 0 s would not have rung.
        return max(1, round(seconds / self._speed))
