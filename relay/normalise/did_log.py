"""
The log of an inbound number: which of its calls are new, and of which the length is known by now.

It has no ids: calls of one second and caller form a bag (DESIGN section 4, Identity).  Its last column is 0
until the call is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.model import catalogue
from relay.model.event import Event
from relay.model.ids import IdMaker
from relay.model.numbers import e164
from relay.model.subject_state import SubjectChange, SubjectState
from relay.model.times import rfc3339
from relay.normalise.dialer_logs import LoggedCall
from relay.normalise.poll_times import Moment
from relay.normalise.subject_events import News, keep, tell

KEPT_DAYS: Final = 3
_WHOLE_S: Final = 1


class DidCall(NamedTuple):
    """
    One call of the log; `is_told`: that there is one was told, and now its length is known.
    """

    logged: LoggedCall
    ordinal: int
    is_told: bool

    @property
    def key(self) -> tuple[str, str, int]:
        """
        Return what tells it from the others of its number.
        """
        return self.logged.wall_time, self.logged.phone, self.ordinal


def calls_of_day(state: SubjectState, day: str, rows: Sequence[LoggedCall]) -> list[DidCall]:
    """
    Return the calls of a day's log, oldest first, of which something is new since the state was stored.
    """
    told: dict[tuple[str, str], dict[int, int | None]] = defaultdict(dict)
    for at, phone, ordinal, length in state.notes.get(day, ()):
        told[at, phone][ordinal] = length
    bags: dict[tuple[str, str], list[LoggedCall]] = defaultdict(list)
    for row in rows:
        bags[row.wall_time, row.phone].append(row)
    return [call for key, bag in sorted(bags.items()) for call in _fresh_of(bag, told.get(key, {}))]


def _fresh_of(bag: Sequence[LoggedCall], told: Mapping[int, int | None]) -> list[DidCall]:
    """
    Return what is new of the calls of one second and caller, of which lengths were told by ordinal.
    """
    lasting = [row for row in bag if row.length_s is None]
    over = sorted((row for row in bag if row.length_s is not None), key=_length_of)
    for length in sorted((one for one in told.values() if one is not None), reverse=True):
        # The row that was told, also where its length has been corrected since.
        grown = next((row for row in over if _length_of(row) >= length), over[-1] if over else None)
        if grown is not None:
            over.remove(grown)
    still_open = [ordinal for ordinal in sorted(told) if told[ordinal] is None]
    fresh = []
    while over and len(still_open) > len(lasting):
        fresh.append(DidCall(over.pop(0), still_open.pop(0), is_told=True))
    new = (*over, *lasting[len(still_open) :])
    return fresh + [DidCall(row, ordinal, is_told=False) for ordinal, row in enumerate(new, len(told))]


def _length_of(row: LoggedCall) -> int:
    return row.length_s or 0


class DidEvents:
    """
    Makes the events of a number's log.
    """

    def __init__(self, ids: IdMaker, country: str) -> None:
        self._ids = ids
        self._country = country

    def told(
        self,
        state: SubjectState,
        day: str,
        calls: Sequence[DidCall],
        call_ids: Mapping[tuple[str, str, int], str],
        observed_at: datetime,
    ) -> SubjectChange:
        """
        Return a number after its new calls were told, in order.

        Args:
            state: the number as stored.
            day: of the log, YYYY-MM-DD.
            calls: what is new.
            call_ids: of those that were found among the dialer's calls.
            observed_at: when the log was asked for.
        """
        change = keep(state, dict(state.notes), observed_at)
        events: list[Event] = []
        for call in calls:
            change = self._told(change.state, day, call, call_ids.get(call.key), observed_at)
            events += change.events
        return SubjectChange(change.state, tuple(events), state.revision)

    def silent(
        self, state: SubjectState, day: str, calls: Sequence[DidCall], observed_at: datetime
    ) -> SubjectChange:
        """
        Return a number after calls that were over before publishing began: known, and never told.
        """
        notes: Mapping[str, Any] = state.notes
        for call in calls:
            notes = _noted(notes, day, call)
        return keep(state, dict(notes), observed_at)

    def _told(
        self, state: SubjectState, day: str, call: DidCall, call_id: str | None, observed_at: datetime
    ) -> SubjectChange:
        logged = call.logged
        data = {
            "did": state.name,
            "call_id": call_id,
            "from_raw": logged.phone or None,
            "from_e164": e164(logged.phone, self._country),
            "started_at": rfc3339(logged.logged_at),
            "duration_s": logged.length_s,
        }
        facts = data | {"ordinal": call.ordinal, "call_id": None}
        changed = ("duration_s",) if call.is_told else tuple(data) if state.revision else ()
        moment = Moment(logged.logged_at, _WHOLE_S)
        news = News(catalogue.DID_CALL_LOGGED, data, facts, moment, changed)
        return tell(self._ids, state, news, _noted(state.notes, day, call), observed_at)


def _noted(notes: Mapping[str, Any], day: str, call: DidCall) -> dict[str, Any]:
    at, phone, ordinal = call.key
    others = [one for one in notes.get(day, ()) if tuple(one[:3]) != call.key]
    days = {**notes, day: [*others, [at, phone, ordinal, call.logged.length_s]]}
    return {name: days[name] for name in sorted(days)[-KEPT_DAYS:]}
