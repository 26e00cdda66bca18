"""
What one poll makes of one agent: what was published, and kept, becomes what the poll shows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from relay.model import catalogue
from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.subject_state import SubjectChange, SubjectState
from relay.model.times import from_rfc3339, rfc3339
from relay.normalise.agent_rows import DISPO, LOGGED_OUT, AgentSeen
from relay.normalise.agent_state import FACTS, NEWS, AgentNotes, Record, changed_names, notes_of
from relay.normalise.hidden_calls import CallBooks, account, open_books
from relay.normalise.poll_times import Moment, PollTimes, seconds_near
from relay.normalise.subject_events import News, keep, tell

CallIdOf = Callable[[str, datetime], str | None]

_NOTHING_IN_HAND: Final = dict.fromkeys(("sub_status", "pause_code", "call_id", "phone_number", "lead_id"))


class AgentChanges:
    """
    Makes the changes of one poll.

    Args:
        ids: makes the ids of events.
        zone: of the server.
        call_id_of: the id of a call in call events, from the vendor's id and a time near to it.
        poll: when it was asked, and the last good one before it.
        mappings: agents in the words of the CRM.
    """

    def __init__(
        self, ids: IdMaker, zone: ZoneInfo, call_id_of: CallIdOf, poll: PollTimes, mappings: Mappings
    ) -> None:
        self._ids = ids
        self._zone = zone
        self._call_id_of = call_id_of
        self._poll = poll
        self._mappings = mappings

    def appeared(self, state: SubjectState, seen: AgentSeen) -> SubjectChange:
        """
        Return the login of an agent who was logged out, or never seen.
        """
        notes, poll = notes_of(state), self._poll
        moment = poll.between(poll.previous_asked_at, poll.asked_at)
        hidden, books = self._account(notes, seen, notes.shown_at)
        record = self._record(state, seen, notes) | {
            "since": rfc3339(moment.at),
            "dwell_s": _dwell_s(state, notes, moment),
            "skipped_transitions": hidden,
        }
        kept = AgentNotes(
            row=seen,
            is_begin_known=moment.precision_s is not None,
            books=books,
            unshown_from=poll.previous_asked_at if books.unshown else None,
            stats_until=notes.stats_until,
        )
        changed = changed_names(state.record, record)
        return self._tell(state, catalogue.AGENT_LOGGED_IN, record, moment, changed, kept)

    def shown(self, state: SubjectState, seen: AgentSeen) -> SubjectChange:
        """
        Return what is new of an agent who is logged in, or was missing once and is back.
        """
        notes, was = notes_of(state), state.record
        shown_at = notes.shown_at if notes.missing_from else self._poll.previous_asked_at
        hidden, books = self._account(notes, seen, shown_at)
        kept = notes._replace(
            row=seen,
            books=books,
            unshown_from=shown_at if books.unshown else None,
            is_unsure=notes.is_unsure or hidden is None,
            missing_from=None,
            shown_at=None,
        )
        record = self._record(state, seen, notes)
        is_news = any(record[name] != was[name] for name in NEWS)
        if not is_news and not hidden:
            return keep(state, kept.to_json(), self._poll.asked_at)
        start = shown_at if is_news else notes.unshown_from or shown_at
        moment = self._poll.between(start, self._poll.asked_at)
        record["since"] = was["since"]
        record["dwell_s"] = None
        record["skipped_transitions"] = hidden or (None if kept.is_unsure else 0)
        kept = kept._replace(is_unsure=False)
        is_other = (record["status"], record["sub_status"]) != (was["status"], was["sub_status"])
        if is_other:
            record["dwell_s"] = _dwell_s(state, notes, moment)
        if is_other or hidden or _is_another_wrapup(was, record):  # the same again: left, and taken up anew
            record["since"] = rfc3339(moment.at)
            kept = kept._replace(is_begin_known=moment.precision_s is not None)
        # A call that is found hidden a poll after the counter told of it has nothing else to show.
        changed = changed_names(was, record) or ("skipped_transitions",)
        return self._tell(state, catalogue.AGENT_STATUS_CHANGED, record, moment, changed, kept)

    def missing(self, state: SubjectState) -> SubjectChange:
        """
        Return the logout of an agent who was missing from the last good poll too; else a note that it is.
        """
        notes, was, poll = notes_of(state), state.record, self._poll
        if notes.missing_from is None:
            kept = notes._replace(missing_from=poll.asked_at, shown_at=poll.previous_asked_at)
            return keep(state, kept.to_json(), poll.asked_at)
        moment = poll.between(notes.shown_at, notes.missing_from)
        record = (
            was
            | _NOTHING_IN_HAND
            | {
                "agent_external_id": self._mappings.external_ids.get(state.name),
                "status": LOGGED_OUT,
                "calls_today": notes.row.calls_today if notes.row else None,
                "previous_status": was["status"],
                "since": rfc3339(moment.at),
                "dwell_s": _dwell_s(state, notes, moment),
                "skipped_transitions": 1 if notes.books.unshown else None,
            }
        )
        kept = notes._replace(
            is_begin_known=moment.precision_s is not None,
            books=notes.books._replace(unshown=False),
            unshown_from=None,
            is_unsure=False,
        )
        changed = changed_names(was, record)
        return self._tell(state, catalogue.AGENT_LOGGED_OUT, record, moment, changed, kept)

    def _account(
        self, notes: AgentNotes, seen: AgentSeen, shown_at: datetime | None
    ) -> tuple[int | None, CallBooks]:
        """
        Return the calls that are proven hidden since the last sight (None: nothing can be known), and the
        books after that.
        """
        rise = self._rise(notes.row, seen, shown_at)
        if rise is not None:
            return account(notes.books, seen, rise)
        is_new_call = seen.callerid is not None and seen.callerid not in notes.books.told
        was_hidden = notes.books.unshown and not is_new_call
        return (1 if was_hidden else None), open_books(notes.books, seen)

    def _rise(self, before: AgentSeen | None, seen: AgentSeen, shown_at: datetime | None) -> int | None:
        """
        Return how far the counter rose since the last sight; None where it counts something else now.
        """
        if before is None or shown_at is None or before.calls_today is None or seen.calls_today is None:
            return None
        days = {
            (at + self._poll.skew).astimezone(self._zone).date() for at in (shown_at, self._poll.asked_at)
        }
        is_same = (
            len(days) == 1 and before.campaign == seen.campaign and before.calls_today <= seen.calls_today
        )
        return seen.calls_today - before.calls_today if is_same else None

    def _record(self, state: SubjectState, seen: AgentSeen, notes: AgentNotes) -> Record:
        """
        Return the record of what a poll shows, the times in it left open.
        """
        was, before = state.record, notes.row
        is_same_call = before is not None and seen.callerid is not None and seen.callerid == before.callerid
        # The id of the call goes when the call ends; lead and number stay until the disposition is chosen.
        is_same_lead = before is not None and seen.callerid is None and seen.lead_id == before.lead_id
        is_same_number = is_same_call or (is_same_lead and seen.lead_id is not None)
        call_id: str | None = was.get("call_id") if is_same_call else None
        if seen.callerid is not None and call_id is None:
            call_id = self._call_id_of(seen.callerid, self._poll.source_now)
        return {
            "agent_id": seen.agent_id,
            "agent_name": seen.agent_name,
            "agent_external_id": self._mappings.external_ids.get(seen.agent_id),
            "status": seen.status,
            "sub_status": seen.sub_status,
            "pause_code": seen.pause_code,
            "campaign": seen.campaign,
            "user_group": seen.user_group,
            "call_id": call_id,
            "phone_number": seen.phone_number or (was.get("phone_number") if is_same_number else None),
            "lead_id": seen.lead_id,
            "calls_today": seen.calls_today,
            "previous_status": was.get("status"),
        }

    def _tell(
        self,
        state: SubjectState,
        event_type: str,
        record: Record,
        moment: Moment,
        changed: tuple[str, ...],
        notes: AgentNotes,
    ) -> SubjectChange:
        facts = {name: record[name] for name in FACTS}
        # Without a poll before, nobody saw it happen.
        is_inferred = moment.precision_s is None and event_type != catalogue.AGENT_STATUS_CHANGED
        news = News(event_type, record, facts, moment, changed, is_inferred)
        return tell(self._ids, state, news, notes.to_json(), self._poll.asked_at)


def _is_another_wrapup(was: Record, record: Record) -> bool:
    return bool(was["sub_status"] == DISPO and was["lead_id"] != record["lead_id"])


def _dwell_s(state: SubjectState, notes: AgentNotes, moment: Moment) -> int | None:
    """
    Return how long the status lasted that is over now; None where its begin was not seen.
    """
    if not notes.is_begin_known or moment.precision_s is None:
        return None
    return seconds_near(from_rfc3339(state.record["since"]), moment.at)
