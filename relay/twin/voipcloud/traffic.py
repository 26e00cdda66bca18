"""
When calls begin: the past that is there at the start, and the present.
"""

from __future__ import annotations

from math import ceil
from random import Random
from typing import Final

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.twin.voipcloud.callers import CallerBook
from relay.twin.voipcloud.office import MEMBERS, QUEUE, RING_GROUP, Office, User
from relay.twin.voipcloud.plan import USER_INBOUND, USER_OUTBOUND, CallPlan
from relay.twin.voipcloud.planner import SHARES, Planner
from relay.twin.voipcloud.settings import Traffic, TwinSettings
from relay.twin.voipcloud.variety import VariedPlanner

LOOK_BACK_DAYS: Final = 3  # the most whole days that a reader of day-granular dates asks for at once
ROWS_IN_LOOK_BACK: Final = 8_000  # below the vendor's largest page, with room for the calls of today
_DAY_S: Final = 86_400
_KINDS: Final = {USER_CALLS: USER_OUTBOUND, QUEUE_CALLS: QUEUE, RINGGROUP_CALLS: RING_GROUP}


class CallTraffic:
    """
    Yields the calls of one PBX in the order in which they begin.

    What comes next follows from the seed, the start and the calls asked for by `dial` alone, however
    seldom or often the time is moved on.
    """

    def __init__(self, settings: TwinSettings, office: Office, start: int) -> None:
        self._traffic = settings.traffic
        self._rng = _rng(settings.seed, "live")
        self._callers = CallerBook(_rng(settings.seed, "callers"))
        kinds = _kinds(office, settings.rules.absent)
        self._planner = _planner(settings.traffic, office, kinds, self._callers, self._rng)
        self.past = _past_calls(settings, office, kinds, start)
        for plan in self.past:  # a number that called a moment ago does not call again at once
            if plan.is_withheld:
                continue
            self._callers.keep(_outside_digits(plan), plan.ended_at)
        self._begun = self._dialled = self._above = 0
        self._is_stopped = False
        self._next_at = start + self._gap_s()

    @property
    def is_making_calls(self) -> bool:
        """
        Tell whether calls will begin of themselves.
        """
        limit = self._traffic.stop_after
        return not self._is_stopped and (limit is None or self._begun < limit)

    def until(self, at: int) -> list[CallPlan]:
        """
        Return the calls that began since the last time, up to and with the second `at`.
        """
        plans = []
        while self.is_making_calls and self._next_at < at + 1:
            plan = self._planner.plan(f"call-{self._begun + 1}", int(self._next_at))
            self._next_at += self._gap_s()
            if plan is not None:
                self._begun += 1
                plans.append(plan)
        return plans

    def stop(self) -> None:
        """
        Make no more calls.
        """
        self._is_stopped = True

    def resume(self, at: int) -> None:
        """
        Make calls again, the next one some time after `at`.
        """
        if self._is_stopped:
            self._is_stopped = False
            self._next_at = at + self._gap_s()

    def dial(self, at: int, user: User, to_number: str) -> CallPlan:
        """
        Begin an outbound call of a user now.
        """
        self._dialled += 1
        return self._planner.plan_dialled(f"dialled-{self._dialled}", at, user, to_number)

    def above(self, at: int, stream: str, calls: int) -> list[CallPlan]:
        """
        Begin calls whose rows of a stream show above all others now; fewer where there is nobody to call.
        """
        plans = []
        for _ in range(calls):
            self._above += 1
            plan = self._planner.plan_above(f"above-{self._above}", at, _KINDS[stream])
            if plan is not None:
                plans.append(plan)
        return plans

    def _gap_s(self) -> float:
        return self._rng.expovariate(1 / self._traffic.gap_s)


def _kinds(office: Office, absent: frozenset[str]) -> tuple[str, ...]:
    """
    Return the kinds of call that leave a row in a stream the tenant has.
    """
    has = {
        USER_INBOUND: USER_CALLS not in absent,
        USER_OUTBOUND: USER_CALLS not in absent,
        QUEUE: bool(office.queues) and QUEUE_CALLS not in absent,
        RING_GROUP: bool(office.ring_groups) and RINGGROUP_CALLS not in absent,
    }
    return tuple(kind for kind, is_there in has.items() if is_there)


def _planner(
    traffic: Traffic, office: Office, kinds: tuple[str, ...], callers: CallerBook, rng: Random
) -> Planner:
    planner = VariedPlanner if traffic.variety else Planner
    return planner(office, kinds, traffic.speed, callers, rng)


def _past_calls(settings: TwinSettings, office: Office, kinds: tuple[str, ...], start: int) -> list[CallPlan]:
    wanted = settings.traffic.past_calls
    if not wanted or not kinds:
        return []
    rng = _rng(settings.seed, "past")
    planner = _planner(settings.traffic, office, kinds, CallerBook(rng), rng)
    gap_s = _past_gap_s(settings, kinds)
    plans: list[CallPlan] = []
    begins_at = 0.0
    while len(plans) < wanted:
        begins_at += gap_s * rng.uniform(0.5, 1.5)
        plan = planner.plan(f"past-{len(plans) + 1}", int(begins_at))
        if plan is not None:
            plans.append(plan)
    # Planned from second 0 on, then moved as a whole: the last one ends just before the start.
    by_s = start - 1 - max(plan.ended_at for plan in plans)
    return [plan.moved(by_s) for plan in plans]


def _past_gap_s(settings: TwinSettings, kinds: tuple[str, ...]) -> float:
    """
    Return the gap at which the rows of the look-back days stay within one page, or the natural one.
    """
    phones = {kind: min(MEMBERS.get(kind, 1), settings.office.users) for kind in kinds}
    rows_a_call = sum(SHARES[kind] * phones[kind] for kind in kinds) / sum(SHARES[kind] for kind in kinds)
    if ceil(settings.traffic.past_calls * rows_a_call) <= ROWS_IN_LOOK_BACK:
        return settings.traffic.gap_s
    return max(settings.traffic.gap_s, LOOK_BACK_DAYS * _DAY_S * rows_a_call / ROWS_IN_LOOK_BACK)


def _outside_digits(plan: CallPlan) -> str:
    outside = plan.to_number if plan.kind == USER_OUTBOUND else plan.from_number
    return outside[-9:]


def _rng(seed: int, purpose: str) -> Random:
    return Random(f"{seed} {purpose}")  # noqa: S311 (calls that can be repeated, no secrets)
