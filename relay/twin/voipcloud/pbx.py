"""
The phone system itself: calls begin, phones ring, rows appear, as the time goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, Final

import orjson

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.fault_kinds import (
    CorrectedDurations,
    EmptyOnce,
    Fault,
    GarbledRow,
    InsertionDrift,
    NaiveTimes,
    Rename,
    StalePage,
    Twins,
)
from relay.twin.voipcloud.faults import Faults
from relay.twin.voipcloud.office import QUEUE, RING_GROUP, build_office
from relay.twin.voipcloud.plan import CallPlan
from relay.twin.voipcloud.settings import TwinSettings
from relay.twin.voipcloud.showing import SUMMARY_STREAMS, Showing, rows_of
from relay.twin.voipcloud.stream_rows import NamedRow, PageQuery, StreamRows
from relay.twin.voipcloud.traffic import CallTraffic

USER_RINGING: Final = "user_ringing"
USER_ANSWERED: Final = "user_answered"
USER_COMPLETED: Final = "user_completed"
SUMMARY_TRIGGERS: Final = {QUEUE: "queue_summary", RING_GROUP: "ringgroup_summary"}

# Told that something happened: which trigger, in which call, and the row as it is then.
Trigger = Callable[[str, str, dict[str, Any]], None]


class Pbx:
    """
    Shows what a phone system shows at a second, and what is true.

    Seconds are whole ones since 1970; time that goes back is taken as standing still.  `faults` are the
    switches of what goes wrong in its rows.
    """

    def __init__(
        self,
        settings: TwinSettings,
        start: int,
        faults: Faults | None = None,
        trigger: Trigger | None = None,
    ) -> None:
        self._at = start
        self._trigger = trigger
        self.faults = faults or Faults(lambda: self._at)
        self.office = build_office(settings.office)
        self.streams = {
            stream: StreamRows(stream, self.faults, settings.seed)
            for stream in (USER_CALLS, RINGGROUP_CALLS, QUEUE_CALLS)
        }
        self._rng = Random(f"{settings.seed} faults")  # noqa: S311 (choices that can be repeated)
        self._has_phones = USER_CALLS not in settings.rules.absent
        self._showing = Showing(settings, self.office)
        self._emptied: set[str] = set()
        self._traffic = CallTraffic(settings, self.office, start)
        self._row_numbers = count(1)
        self._due_order = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._plans: dict[int, CallPlan] = {}
        self._open_calls: set[int] = set()
        self._ended_calls: dict[int, bytes] = {}
        self.faults.watch(self._on_switch)
        for plan in self._traffic.past:
            self._begin(plan)
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

    def advance(self, at: int) -> int:
        """
        Let everything happen that happens up to the second `at`; return the second it is now.
        """
        self._at = max(self._at, at)
        for plan in self._traffic.until(self._at):
            self._begin(plan)
            self._double(plan)
        while self._due and self._due[0][0] <= self._at:
            heappop(self._due)[2]()
        return self._at

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
        self._begin(self._traffic.dial(self._at, user, to_number))
        self.advance(self._at)
        return True

    def page(self, stream: str, query: PageQuery) -> bytes:
        """
        Return rows of a stream as one JSON array.
        """
        if self._is_emptied(stream):
            return b"[]"
        drift = self.faults.get(InsertionDrift)
        if drift is not None and query.offset:
            for plan in self._traffic.above(self._at, stream, drift.calls):
                self._begin(plan)
            self.advance(self._at)
        return b"[" + b",".join(self.streams[stream].page(query, self._at)) + b"]"

    def truth_json(self) -> bytes:
        """
        Return every call that has begun as one JSON array, in the order of their beginnings.

        The facts are those that the rows show, or will show, without the faults that only hide or spoil.
        """
        calls = []
        for number, plan in self._plans.items():
            if number in self._open_calls:
                if plan.started_at <= self._at:
                    calls.append(self._showing.truth(plan, self._at))
            else:
                if number not in self._ended_calls:
                    self._ended_calls[number] = self._showing.truth(plan, self._at)
                calls.append(self._ended_calls[number])
        return b"[" + b",".join(calls) + b"]"

    def truth(self) -> list[TruthCall]:
        """
        Return every call that has begun, in the order of their beginnings.
        """
        return [TruthCall.from_json(call) for call in orjson.loads(self.truth_json())]

    def _begin(self, planned: CallPlan) -> None:
        for plan in planned.apart(self._has_phones):
            number = next(self._row_numbers)
            self._plans[number] = plan
            self._open_calls.add(number)
            for index, ring in enumerate(plan.rings):
                row = next(self._row_numbers)
                self._at_second(ring.started_at, partial(self._start_ringing, row, number, index))
                if ring.answered_at is not None and self._trigger is not None:
                    told = partial(self._tell_user, USER_ANSWERED, number, index, ring.answered_at)
                    self._at_second(ring.answered_at, told)
                self._at_second(ring.ended_at, partial(self._finish_ringing, row, number, index))
            for index, turn in enumerate(plan.turns):
                row = next(self._row_numbers) if index else number
                self._at_second(turn.ended_at, partial(self._finish_turn, row, number, index))
            self._at_second(plan.ended_at, partial(self._end, number))

    def _double(self, plan: CallPlan) -> None:
        twins = self.faults.get(Twins)
        if twins is None or plan.turns or plan.is_withheld or len(plan.rings) > 1:
            return
        if self._rng.random() < twins.share:
            twin = replace(plan, key=f"{plan.key}/twin")
            self._begin(twin if twins.is_same_row else twin.corrected(1))

    def _at_second(self, second: int, happen: Callable[[], None]) -> None:
        heappush(self._due, (second, next(self._due_order), happen))

    def _start_ringing(self, row: int, number: int, index: int) -> None:
        ring = self._plans[number].rings[index]
        self.streams[USER_CALLS].open(row, ring.started_at, partial(self._user_row, number, index))
        self._tell_user(USER_RINGING, number, index, ring.started_at)

    def _finish_ringing(self, row: int, number: int, index: int) -> None:
        ended_at = self._plans[number].rings[index].ended_at
        self.streams[USER_CALLS].finish(row, ended_at)
        self._tell_user(USER_COMPLETED, number, index, ended_at)

    def _finish_turn(self, row: int, number: int, index: int) -> None:
        turn = self._plans[number].turns[index]
        render = partial(self._summary_row, number, index)
        self.streams[SUMMARY_STREAMS[turn.kind]].add(row, turn.started_at, turn.ended_at, render)
        if self._trigger is not None:
            self._trigger(SUMMARY_TRIGGERS[turn.kind], self._plans[number].key, render(self._at)[1])

    def _end(self, number: int) -> None:
        self._open_calls.discard(number)
        wrong = self.faults.get(CorrectedDurations)
        if wrong is not None and self._rng.random() < wrong.share:
            at = self._plans[number].ended_at + wrong.after_s
            self._at_second(at, partial(self._correct, number))

    def _correct(self, number: int) -> None:
        wrong = self.faults.get(CorrectedDurations)
        if wrong is None:
            return
        self._plans[number] = plan = self._plans[number].corrected(wrong.by_s)
        self._ended_calls.pop(number, None)
        for stream, row, started_at in rows_of(number, plan):
            self.streams[stream].refresh_one(row, started_at)

    def _is_emptied(self, stream: str) -> bool:
        if stream in self._emptied or self.faults.of_stream(EmptyOnce, stream) is None:
            return False
        self._emptied.add(stream)
        return True

    def _on_switch(self, kind: type[Fault]) -> None:
        if kind in (Rename, NaiveTimes):
            self._showing.adopt(self.faults)
            self._ended_calls.clear()
            for rows in self.streams.values():
                rows.refresh()
        if kind is EmptyOnce:
            self._emptied.clear()
        garbled = self.faults.get(GarbledRow)
        for stream, rows in self.streams.items():
            if kind is StalePage and self.faults.of_stream(StalePage, stream) is not None:
                rows.freeze(self._at)
            elif kind is StalePage:
                rows.thaw()
            if kind is GarbledRow and garbled is not None and garbled.stream == stream:
                rows.garble(rows.finished if garbled.row is None else garbled.row)
            elif kind is GarbledRow:
                rows.garble(None)

    def _tell_user(self, trigger: str, number: int, index: int, at: int) -> None:
        if self._trigger is not None:
            plan = self._plans[number]
            self._trigger(trigger, plan.key, self._showing.pushed_user(plan, index, at))

    def _user_row(self, number: int, index: int, at: int) -> NamedRow:
        return self._showing.user_row(self._plans[number], index, at)

    def _summary_row(self, number: int, index: int, _at: int) -> NamedRow:
        return self._showing.summary_row(self._plans[number], index)
