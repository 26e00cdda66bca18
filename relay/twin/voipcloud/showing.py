"""
How the rows and the truth of a call look now: its plan, under the names and the time format of today.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.twin.voipcloud.fault_kinds import NaiveTimes, Rename
from relay.twin.voipcloud.faults import Faults
from relay.twin.voipcloud.office import QUEUE, RING_GROUP, Office
from relay.twin.voipcloud.plan import CallPlan, truth_at
from relay.twin.voipcloud.row_faults import USER, ShownNames, shown_names
from relay.twin.voipcloud.rows import stamp_in, summary_row, user_row
from relay.twin.voipcloud.settings import TwinSettings

SUMMARY_STREAMS: Final = {QUEUE: QUEUE_CALLS, RING_GROUP: RINGGROUP_CALLS}


class Showing:
    """
    Writes rows and truth; `adopt` after a fault changed how.
    """

    def __init__(self, settings: TwinSettings, office: Office) -> None:
        self._shape = settings.shape
        self._absent = settings.rules.absent
        self._office = office
        self._names: ShownNames = {}
        self._stamp = stamp_in(ZoneInfo(self._shape.timezone), self._shape.has_naive_times)

    def adopt(self, faults: Faults) -> None:
        """
        Take over the names and the format that the faults ask for.
        """
        is_naive = self._shape.has_naive_times or faults.get(NaiveTimes) is not None
        self._stamp = stamp_in(ZoneInfo(self._shape.timezone), is_naive)
        self._names = shown_names(faults.get(Rename), self._office)

    def user_row(self, plan: CallPlan, index: int, at: int) -> tuple[str, dict[str, Any]]:
        """
        Return the name and the row of one phone at a second.
        """
        ring = plan.rings[index]
        name = self._shown(USER, ring.user_name)
        return name, {**user_row(plan, ring, at, self._stamp), "user_name": name}

    def pushed_user(self, plan: CallPlan, index: int, at: int) -> dict[str, Any]:
        """
        Return what a push tells of one phone at a second: its row, and when it was answered.
        """
        answered_at = plan.rings[index].answered_at
        is_answered = answered_at is not None and answered_at <= at
        told = self._stamp(answered_at) if answered_at is not None and is_answered else None
        return {**self.user_row(plan, index, at)[1], "call_answered_at": told}

    def summary_row(self, plan: CallPlan, index: int) -> tuple[str, dict[str, Any]]:
        """
        Return the name and the row of one queue's or ring group's turn.
        """
        turn = plan.turns[index]
        name = self._shown(turn.kind, turn.team_name)
        shown = replace(turn, team_name=name, answered_by=self._shown(USER, turn.answered_by))
        return name, summary_row(plan, shown, self._stamp)

    def truth(self, plan: CallPlan, at: int) -> bytes:
        """
        Return what is true of a call at a second, under today's names, as JSON.
        """
        truth = truth_at(plan, at, self._legs_of(plan, at))
        is_known = truth.answered or USER_CALLS not in self._absent  # whose phone rang stands there alone
        shown = replace(
            truth,
            agent_name=self._shown(USER, truth.agent_name if is_known else None),
            queue=self._shown(QUEUE, truth.queue),
            ring_group=self._shown(RING_GROUP, truth.ring_group),
        )
        return orjson.dumps(shown.as_json())

    def _shown(self, kind: str, name: str | None) -> Any:
        return name if name is None else self._names.get((kind, name), name)

    def _legs_of(self, plan: CallPlan, at: int) -> int:
        phones = 0 if USER_CALLS in self._absent else sum(ring.started_at <= at for ring in plan.rings)
        return phones + sum(
            turn.ended_at <= at and SUMMARY_STREAMS[turn.kind] not in self._absent for turn in plan.turns
        )


def rows_of(number: int, plan: CallPlan) -> Iterator[tuple[str, int, int]]:
    """
    Yield stream, row number and start of the rows of call `number`: phones first, then the teams' turns.

    The first turn bears the number of the call itself.
    """
    for index, ring in enumerate(plan.rings, 1):
        yield USER_CALLS, number + index, ring.started_at
    for index, turn in enumerate(plan.turns):
        row = number + len(plan.rings) + index if index else number
        yield SUMMARY_STREAMS[turn.kind], row, turn.started_at
