"""
A call planned whole when it begins: all the PBX will ever show of it follows from the plan and the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from relay.model.call import ANSWERED, INBOUND
from relay.model.times import from_ms
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.office import QUEUE, RING_GROUP


@dataclass(frozen=True, slots=True)
class Ring:
    """
    One phone that rings from `started_at` until it is answered, or until `ended_at`.  Seconds since 1970.
    """

    user_name: str
    started_at: int
    answered_at: int | None
    ended_at: int


@dataclass(frozen=True, slots=True)
class CallPlan:
    """
    One conversation from its first second to its last.  Seconds since 1970.
    """

    key: str
    kind: str
    direction: str
    from_number: str
    to_number: str
    team_name: str | None
    started_at: int
    answered_at: int | None
    ended_at: int
    outcome: str
    rings: tuple[Ring, ...]

    @property
    def answered_by(self) -> str | None:
        """
        Return the user who speaks, or None where nobody answers.
        """
        return next((ring.user_name for ring in self.rings if ring.answered_at is not None), None)

    @property
    def agent_name(self) -> str | None:
        """
        Return who answered, or the one user whose phone rang alone.
        """
        if self.outcome == ANSWERED:
            return self.answered_by
        return self.rings[0].user_name if len(self.rings) == 1 else None

    def moved(self, by_s: int) -> CallPlan:
        """
        Return the same call at another time.
        """
        return replace(
            self,
            started_at=self.started_at + by_s,
            answered_at=_moved(self.answered_at, by_s),
            ended_at=self.ended_at + by_s,
            rings=tuple(
                Ring(
                    ring.user_name,
                    ring.started_at + by_s,
                    _moved(ring.answered_at, by_s),
                    ring.ended_at + by_s,
                )
                for ring in self.rings
            ),
        )


def truth_at(plan: CallPlan, at: int, legs: int) -> TruthCall:
    """
    Return what is true of a call at a second: nothing of its future shows.
    """
    has_ended = plan.ended_at <= at
    is_answered = plan.answered_at is not None and plan.answered_at <= at
    return TruthCall(
        key=plan.key,
        kind=plan.kind,
        direction=plan.direction,
        from_number=plan.from_number,
        to_number=plan.to_number,
        did=plan.to_number if plan.direction == INBOUND else None,
        started_at=_instant(plan.started_at),
        answered_at=_instant(plan.answered_at) if plan.answered_at is not None and is_answered else None,
        ended_at=_instant(plan.ended_at) if has_ended else None,
        duration_s=plan.ended_at - plan.started_at if has_ended else None,
        talk_s=_talk_s(plan) if has_ended else None,
        wait_s=_wait_s(plan) if has_ended or is_answered else None,
        answered=is_answered,
        outcome=plan.outcome if has_ended else None,
        agent_name=plan.agent_name if has_ended or is_answered else None,
        queue=plan.team_name if plan.kind == QUEUE else None,
        ring_group=plan.team_name if plan.kind == RING_GROUP else None,
        legs=legs,
    )


def _talk_s(plan: CallPlan) -> int:
    return 0 if plan.answered_at is None else plan.ended_at - plan.answered_at


def _wait_s(plan: CallPlan) -> int:
    return (plan.ended_at if plan.answered_at is None else plan.answered_at) - plan.started_at


def _moved(at: int | None, by_s: int) -> int | None:
    return None if at is None else at + by_s


def _instant(at: int) -> datetime:
    return from_ms(at * 1000)
