"""
What the API shows of a call at a second: a pure function of its plan and the time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from relay.model.call import ABANDONED, ANSWERED, INBOUND, TIMED_OUT
from relay.twin.voipcloud.office import QUEUE
from relay.twin.voipcloud.plan import CallPlan, Ring, TeamTurn

Stamp = Callable[[int], str]
_STATUS: Final = {ANSWERED: "answered", ABANDONED: "abandoned", TIMED_OUT: "timedout"}


def stamp_in(zone: ZoneInfo, is_naive: bool) -> Stamp:
    """
    Return how the tenant writes times: ISO 8601 in its zone, with the offset or without.
    """

    def stamp(at: int) -> str:
        local = datetime.fromtimestamp(at, zone)
        return (local.replace(tzinfo=None) if is_naive else local).isoformat()

    return stamp


def user_row(plan: CallPlan, ring: Ring, at: int, stamp: Stamp) -> dict[str, Any]:
    """
    Return the user-call row of one phone that began to ring by `at`.
    """
    until = min(at, ring.ended_at)
    talk_s = 0 if ring.answered_at is None else max(0, until - ring.answered_at)
    return {
        "from_number": plan.from_number,
        "to_number": plan.to_number,
        "user_name": ring.user_name,
        "is_inbound": int(plan.direction == INBOUND),
        "call_start_at": stamp(ring.started_at),
        "call_duration": until - ring.started_at,
        "call_finished_at": stamp(ring.ended_at) if ring.ended_at <= at else None,
        "conversation_duration": talk_s,
    }


def summary_row(plan: CallPlan, turn: TeamTurn, stamp: Stamp) -> dict[str, Any]:
    """
    Return the queue-call or ring-group-call row, which exists only once the team is done with the call.
    """
    return {
        "queue_name" if turn.kind == QUEUE else "ring_group_name": turn.team_name,
        "callerid": plan.from_number,
        "inbound_number": plan.to_number,
        "call_start_at": stamp(turn.started_at),
        "call_answered_at": None if turn.answered_at is None else stamp(turn.answered_at),
        "call_finished_at": stamp(turn.ended_at),
        "answered_by_user_name": turn.answered_by,
        "status": _STATUS[turn.outcome],
    }
