"""
The log of an inbound number: which of its calls are new, and of which the length is known by now.

It has no ids: calls of one second and caller form a bag (DESIGN section 4, Identity).  Its last column is 0
until the call is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
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
_LATE: Final = timedelta(seconds=1)


class DidCall(NamedTuple):
    """
    One call of the log; `is_told` once its event with a length went out.
    """

    logged: LoggedCall
    ordinal: int
    is_told: bool

    @property
    def key(self) -> tuple[str, str, int]:
        """
        Return what tells it from the others of its number.
        """
        return rfc3339(self.logged.logged_at), self.logged.phone, self.ordinal


def calls_of_day(state: SubjectState, day: str, rows: Sequence[LoggedCall]) -> list[DidCall]:
    """
    Return the calls of a day's log, oldest first, of which something is new since the state was stored.
    """
    told = {(at, phone, ordinal): length for at, phone, ordinal, length in state.notes.get(day, ())}
    bags: dict[tuple[str, str], list[LoggedCall]] = defaultdict(list)
    for row in rows:
        bags[rfc3339(row.logged_at), row.phone].append(row)
    fresh = []
    for (at, phone), bag in sorted(bags.items()):
        # Of calls of one second those that are over come first, so that a length once told stays where it is.
        bag.sort(key=lambda row: (row.length_s is None, row.length_s or 0))
        for ordinal, row in enumerate(bag):
            is_known = (at, phone, ordinal) in told
            length = told.get((at, phone, ordinal))
            if not is_known or (length is None and row.length_s is not None):
                fresh.append(DidCall(row, ordinal, is_known))
    return fresh


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
        observed_at: Any,
    ) -> SubjectChange | None:
        """
        Return a number after its new calls were told, in order; None where there is none.

        Args:
            state: the number as stored.
            day: of the log, YYYY-MM-DD.
            calls: what is new.
            call_ids: of those that were found among the dialer's calls.
            observed_at: when the log was asked for.
        """
        if not calls:
            return None
        change = keep(state, dict(state.notes), observed_at)
        events: list[Event] = []
        for call in calls:
            change = self._told(change.state, day, call, call_ids.get(call.key), observed_at)
            events += change.events
        return SubjectChange(change.state, tuple(events), state.revision)

    def _told(
        self, state: SubjectState, day: str, call: DidCall, call_id: str | None, observed_at: Any
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
        moment = Moment(logged.logged_at, int(_LATE.total_seconds()))
        news = News(catalogue.DID_CALL_LOGGED, data, facts, moment, changed)
        return tell(self._ids, state, news, _noted(state.notes, day, call), observed_at)


def _noted(notes: Mapping[str, Any], day: str, call: DidCall) -> dict[str, Any]:
    at, phone, ordinal = call.key
    others = [one for one in notes.get(day, ()) if tuple(one[:3]) != call.key]
    days = {**notes, day: [*others, [at, phone, ordinal, call.logged.length_s]]}
    return {name: days[name] for name in sorted(days)[-KEPT_DAYS:]}
