"""
A call planned whole when it begins: all the PBX will ever show of it follows from the plan and the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from relay.model.call import ANSWERED, INBOUND, MISSED
from relay.model.times import from_ms
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.office import QUEUE, RING_GROUP

USER_INBOUND: Final = "user_inbound"
USER_OUTBOUND: Final = "user_outbound"
WITHHELD: Final = ("anonymous", "")  # what stands where a caller shows no number


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
class TeamTurn:
    """
    The time that a call spends with one queue or ring group: what its summary row tells.
    """

    kind: str
    team_name: str
    started_at: int
    answered_at: int | None
    ended_at: int
    outcome: str
    answered_by: str | None


@dataclass(frozen=True, slots=True)
class CallPlan:
    """
    One conversation from its first second to its last.  Seconds since 1970.

    `turns` are empty where a user is called, and several where one team hands over to the next.  Several
    `rings` may be answered: the first is that of who answered, the call was then handed on to the others.
    """

    key: str
    kind: str
    direction: str
    from_number: str
    to_number: str
    started_at: int
    answered_at: int | None
    ended_at: int
    outcome: str
    rings: tuple[Ring, ...]
    turns: tuple[TeamTurn, ...] = ()

    @property
    def is_withheld(self) -> bool:
        """
        Tell whether the caller shows no number.
        """
        return self.from_number in WITHHELD

    @property
    def answered_by(self) -> str | None:
        """
        Return the user who answers, or None where nobody does.
        """
        names = [ring.user_name for ring in self.rings if ring.answered_at is not None]
        names += [turn.answered_by for turn in self.turns if turn.answered_by is not None]
        return names[0] if names else None

    @property
    def agent_name(self) -> str | None:
        """
        Return who answered, or the one user whose phone rang alone.
        """
        if self.outcome == ANSWERED:
            return self.answered_by
        return self.rings[0].user_name if len(self.rings) == 1 else None

    @property
    def talk_s(self) -> int:
        """
        Return how long was spoken, with everybody whom the call was handed on to.
        """
        phones = [ring.ended_at - ring.answered_at for ring in self.rings if ring.answered_at is not None]
        teams = [turn.ended_at - turn.answered_at for turn in self.turns if turn.answered_at is not None]
        return sum(phones) if phones else sum(teams[:1])

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
                replace(
                    ring,
                    started_at=ring.started_at + by_s,
                    answered_at=_moved(ring.answered_at, by_s),
                    ended_at=ring.ended_at + by_s,
                )
                for ring in self.rings
            ),
            turns=tuple(
                replace(
                    turn,
                    started_at=turn.started_at + by_s,
                    answered_at=_moved(turn.answered_at, by_s),
                    ended_at=turn.ended_at + by_s,
                )
                for turn in self.turns
            ),
        )

    def corrected(self, by_s: int) -> CallPlan:
        """
        Return the same call with another end, in all rows that tell it; unchanged where nobody would talk.
        """
        told: list[Ring | TeamTurn] = [*self.rings, *self.turns]
        last = [one for one in told if one.ended_at == self.ended_at]
        if any(one.answered_at is None or one.ended_at + by_s <= one.answered_at for one in last):
            return self
        return replace(
            self,
            ended_at=self.ended_at + by_s,
            rings=tuple(
                replace(ring, ended_at=ring.ended_at + by_s) if ring.ended_at == self.ended_at else ring
                for ring in self.rings
            ),
            turns=tuple(
                replace(turn, ended_at=turn.ended_at + by_s) if turn.ended_at == self.ended_at else turn
                for turn in self.turns
            ),
        )

    def apart(self, has_phones: bool) -> tuple[CallPlan, ...]:
        """
        Return what can be known of a call whose caller shows no number: a call for each of its rows.

        No number links the rows of its phones with each other or with that of the queue, so relay publishes
        each as a call of its own (DESIGN section 4), and that is the truth of them: those of the phones where
        their stream `has_phones`.  Any other call is one.
        """
        if not self.is_withheld or len(self.rings) + len(self.turns) < 2:
            return (self,)
        turns = [
            replace(
                self,
                key=f"{self.key}/turn-{number}",
                kind=turn.kind,
                started_at=turn.started_at,
                answered_at=turn.answered_at,
                ended_at=turn.ended_at,
                outcome=turn.outcome,
                rings=(),
                turns=(turn,),
            )
            for number, turn in enumerate(self.turns, 1)
        ]
        phones = [
            replace(
                self,
                key=f"{self.key}/phone-{number}",
                kind=USER_INBOUND,
                started_at=ring.started_at,
                answered_at=ring.answered_at,
                ended_at=ring.ended_at,
                outcome=MISSED if ring.answered_at is None else ANSWERED,
                rings=(ring,),
                turns=(),
            )
            for number, ring in enumerate(self.rings if has_phones else (), 1)
        ]
        return (*turns, *phones)


def truth_at(plan: CallPlan, at: int, legs: int) -> TruthCall:
    """
    Return what is true of a call at a second: nothing of its future shows.

    The queue and the ring group are the last of their kind that the call had come to.
    """
    has_ended = plan.ended_at <= at
    is_answered = plan.answered_at is not None and plan.answered_at <= at
    teams = {turn.kind: turn.team_name for turn in plan.turns if turn.started_at <= at}
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
        talk_s=plan.talk_s if has_ended else None,
        wait_s=_wait_s(plan) if has_ended or is_answered else None,
        answered=is_answered,
        outcome=plan.outcome if has_ended else None,
        agent_name=plan.agent_name if has_ended or is_answered else None,
        queue=teams.get(QUEUE),
        ring_group=teams.get(RING_GROUP),
        legs=legs,
    )


def _wait_s(plan: CallPlan) -> int:
    return (plan.ended_at if plan.answered_at is None else plan.answered_at) - plan.started_at


def _moved(at: int | None, by_s: int) -> int | None:
    return None if at is None else at + by_s


def _instant(at: int) -> datetime:
    return from_ms(at * 1000)
