"""
Calls that take turns a plain office does not know: overflow, transfer, withheld numbers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from relay.model.call import ANSWERED, INBOUND
from relay.twin.voipcloud.office import QUEUE, Team
from relay.twin.voipcloud.plan import USER_INBOUND, WITHHELD, CallPlan, Ring
from relay.twin.voipcloud.planner import NOBODY_COMES, SHARES, TEAMS, Planner

OVERFLOW_SHARE: Final = 0.04  # of the calls to teams; only queues overflow
TRANSFER_SHARE: Final = 0.03  # of the answered inbound calls
WITHHELD_SHARE: Final = 0.02  # of the inbound calls
OVERFLOW_WITHIN_S: Final = 3
TRANSFER_WITHIN_S: Final = 2
_OF_QUEUES: Final = OVERFLOW_SHARE * sum(SHARES[kind] for kind in TEAMS) / SHARES[QUEUE]


class VariedPlanner(Planner):
    """
    Plans the calls of an office where queues overflow, users transfer and callers withhold their number.

    Overflow: nobody comes in the queue, and another team takes over within 3 s; its phones are those that
    did not just ring.  Transfer: another phone rings within 2 s of the first talk's end, and is answered;
    that talk is a second row of a user, and the row of a queue ends with the first.
    """

    def _plan_kind(self, kind: str, key: str, outside: str, at: int) -> CallPlan | None:
        if kind == QUEUE and self._rng.random() < _OF_QUEUES:
            return self._overflow(key, outside, at)
        plan = super()._plan_kind(kind, key, outside, at)
        if plan is None or plan.direction != INBOUND:
            return plan
        if self._rng.random() < WITHHELD_SHARE:
            return replace(plan, from_number=self._rng.choice(WITHHELD))
        if plan.outcome == ANSWERED and self._rng.random() < TRANSFER_SHARE:
            return self._transferred(plan)
        return plan

    def _overflow(self, key: str, outside: str, at: int) -> CallPlan:
        first_team = self._rng.choice(self._teams(QUEUE))
        first = self._team_call(key, outside, first_team, at, NOBODY_COMES)
        others = [team for kind in TEAMS if kind in self._kinds for team in self._teams(kind)]
        others.remove(first_team)
        if not others:
            return first
        next_team = self._next_team(self._rng.choice(others), first)
        next_at = first.ended_at + self._rng.randint(0, OVERFLOW_WITHIN_S)
        then = self._team_call(key, outside, next_team, next_at)
        return replace(
            then,
            kind=first.kind,
            started_at=first.started_at,
            rings=first.rings + then.rings,
            turns=first.turns + then.turns,
        )

    def _next_team(self, team: Team, first: CallPlan) -> Team:
        # Every row shows the number that was called, which is that of the first team.
        rang = {ring.user_name for ring in first.rings}
        members = tuple(user for user in team.members if user.name not in rang)
        return replace(team, number=first.to_number, members=members)

    def _transferred(self, plan: CallPlan) -> CallPlan:
        rings_at = plan.ended_at + self._rng.randint(0, TRANSFER_WITHIN_S)
        ring_s = self._between(2, 10)
        rang = {ring.user_name for ring in plan.rings}
        others = [user for user in self._office.users if user.name not in rang]
        free = self._desks.free(others, rings_at, ring_s + 1)
        if not free or USER_INBOUND not in self._kinds:
            return plan
        user = self._rng.choice(free)
        answered_at = rings_at + ring_s
        ring = Ring(user.name, rings_at, answered_at, self._talk_end(user, answered_at))
        self._desks.take(user.name, rings_at, ring.ended_at)
        return replace(plan, ended_at=ring.ended_at, rings=(*plan.rings, ring))
