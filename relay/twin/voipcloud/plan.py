"""
A call planned whole when it begins: everything the PBX will ever show of it follows from the plan and the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relay.model.call import ANSWERED
from relay.model.times import from_ms
from relay.twin.truth import TruthCall


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
        return CallPlan(
            self.key,
            self.kind,
            self.direction,
            self.from_number,
            self.to_number,
            self.team_name,
            self.started_at + by_s,
            _moved(self.answered_at, by_s),
            self.ended_at + by_s,
            self.outcome,
            tuple(
                Ring(ring.user_name, ring.started_at + by_s, _moved(ring.answered_at, by_s), ring.ended_at + by_s)
                for ring in self.rings
            ),
        )
