"""
The phone system itself: calls begin, phones ring, rows appear, as the time goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.office import QUEUE, RING_GROUP, build_office
from relay.twin.voipcloud.plan import CallPlan, Ring, truth_at
from relay.twin.voipcloud.rows import stamp_in, summary_row, user_row
from relay.twin.voipcloud.settings import TwinSettings
from relay.twin.voipcloud.stream_rows import PageQuery, StreamRows
from relay.twin.voipcloud.traffic import CallTraffic

SUMMARY_STREAMS: Final = {QUEUE: QUEUE_CALLS, RING_GROUP: RINGGROUP_CALLS}


class Pbx:
    """
    Shows what a phone system shows at a second, and what is true.

    Seconds are whole ones since 1970; time that goes back is taken as standing still.
    """

    def __init__(self, settings: TwinSettings, start: int) -> None:
        self._settings = settings
        self._stamp = stamp_in(ZoneInfo(settings.shape.timezone), settings.shape.has_naive_times)
        self.office = build_office(settings.office)
        self.streams = {stream: StreamRows() for stream in (USER_CALLS, RINGGROUP_CALLS, QUEUE_CALLS)}
        self._traffic = CallTraffic(settings, self.office, start)
        self._at = start
        self._row_numbers = count(1)
        self._due_order = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._open_calls: dict[int, CallPlan] = {}
        self._ended_calls: dict[int, bytes] = {}
        self._begin(self._traffic.past)
        self.advance(start)

    @property
    def is_done(self) -> bool:
        """
        Tell whether every call has ended and none will begin of itself.
        """
        return not self._traffic.is_making_calls and not self._open_calls

    @property
    def is_making_calls(self) -> bool:
        """
        Tell whether calls will begin of themselves.
        """
        return self._traffic.is_making_calls

    def advance(self, at: int) -> None:
        """
        Let everything happen that happens up to the second `at`.
        """
        self._at = max(self._at, at)
        self._begin(self._traffic.until(self._at))
        while self._due and self._due[0][0] <= self._at:
            heappop(self._due)[2]()

    def make_calls(self, is_wanted: bool) -> None:
        """
        Stop new calls, or let them begin again; calls under way go on.
        """
        if is_wanted:
            self._traffic.resume(self._at)
        else:
            self._traffic.stop()

    def dial(self, user_number: str, to_number: str) -> bool:
        """
        Begin an outbound call of a user now; False where there is no such user.
        """
        user = self.office.user_by_number(user_number)
        if user is None:
            return False
        self._begin([self._traffic.dial(self._at, user, to_number)])
        self.advance(self._at)
        return True

    def page(self, stream: str, query: PageQuery) -> bytes:
        """
        Return rows of a stream as one JSON array.
        """
        return b"[" + b",".join(self.streams[stream].page(query, self._at)) + b"]"

    def truth_json(self) -> bytes:
        """
        Return every call that has begun as one JSON array, in the order of their beginnings.
        """
        calls = dict(self._ended_calls)
        for number, plan in self._open_calls.items():
            calls[number] = orjson.dumps(self._truth_of(plan).as_json())
        return b"[" + b",".join(calls[number] for number in sorted(calls)) + b"]"

    def truth(self) -> list[TruthCall]:
        """
        Return every call that has begun, in the order of their beginnings.
        """
        return [TruthCall.from_json(call) for call in orjson.loads(self.truth_json())]

    def _begin(self, plans: list[CallPlan]) -> None:
        for plan in plans:
            number = next(self._row_numbers)
            self._open_calls[number] = plan
            for ring in plan.rings:
                row_number = next(self._row_numbers)
                self._at_second(ring.started_at, partial(self._start_ringing, row_number, plan, ring))
                self._at_second(ring.ended_at, partial(self._finish_ringing, row_number, plan, ring))
            self._at_second(plan.ended_at, partial(self._end, number, plan))

    def _at_second(self, second: int, happen: Callable[[], None]) -> None:
        heappush(self._due, (second, next(self._due_order), happen))

    def _start_ringing(self, number: int, plan: CallPlan, ring: Ring) -> None:
        render = partial(self._user_row, plan, ring)
        self.streams[USER_CALLS].open(number, ring.started_at, ring.user_name, render)

    def _finish_ringing(self, number: int, plan: CallPlan, ring: Ring) -> None:
        row = self._user_row(plan, ring, ring.ended_at)
        self.streams[USER_CALLS].finish(number, ring.started_at, ring.user_name, row)

    def _end(self, number: int, plan: CallPlan) -> None:
        if plan.team_name is not None:
            row = summary_row(plan, self._stamp)
            self.streams[SUMMARY_STREAMS[plan.kind]].finish(number, plan.started_at, plan.team_name, row)
        del self._open_calls[number]
        self._ended_calls[number] = orjson.dumps(self._truth_of(plan).as_json())

    def _user_row(self, plan: CallPlan, ring: Ring, at: int) -> dict[str, object]:
        return user_row(plan, ring, at, self._stamp)

    def _truth_of(self, plan: CallPlan) -> TruthCall:
        return truth_at(plan, self._at, self._legs_of(plan))

    def _legs_of(self, plan: CallPlan) -> int:
        absent = self._settings.rules.absent
        phones = sum(ring.started_at <= self._at for ring in plan.rings) if USER_CALLS not in absent else 0
        has_summary = plan.ended_at <= self._at and SUMMARY_STREAMS.get(plan.kind, USER_CALLS) not in absent
        return phones + int(has_summary and plan.team_name is not None)
