"""
The lists of leads that a dialer says are active, and what two answers differ in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from relay.model import catalogue
from relay.model.errors import RecordRejected
from relay.model.ids import IdMaker
from relay.model.subject_state import LIST, SubjectChange, SubjectState
from relay.normalise.poll_times import PollTimes
from relay.normalise.subject_events import News, keep, new_subject, tell

_MISSING: Final = "missing_once"


class ListDiff:
    """
    Makes list.changed of what changed between two answers.

    Args:
        source_id: the dialer.
        ids: makes the ids of events.
    """

    def __init__(self, source_id: str, ids: IdMaker) -> None:
        self._source_id = source_id
        self._ids = ids

    def diff(
        self, known: Mapping[str, SubjectState], rows: Sequence[Mapping[str, Any]], poll: PollTimes
    ) -> list[SubjectChange]:
        """
        Return the lists that appeared, changed, or are active no more: missing from two answers in a row.

        Args:
            known: the lists as stored, by number.
            rows: the active ones: list_id, list_name, campaign_id.
            poll: when they were asked for.

        Raises:
            RecordRejected: a column is missing.
        """
        shown = {_text(row, "list_id"): row for row in rows}
        changes = [self._shown(known.get(list_id), list_id, row, poll) for list_id, row in shown.items()]
        changes += [
            self._not_shown(state, poll)
            for list_id, state in known.items()
            if list_id not in shown and state.record.get("active") is True
        ]
        return [change for change in changes if change is not None]

    def _shown(
        self, state: SubjectState | None, list_id: str, row: Mapping[str, Any], poll: PollTimes
    ) -> SubjectChange | None:
        record = {
            "list_id": list_id,
            "list_name": _text(row, "list_name") or None,
            "campaign": _text(row, "campaign_id") or None,
            "active": True,
        }
        state = state or new_subject(self._source_id, LIST, list_id, poll.asked_at)
        if record == state.record:
            return keep(state, {}, poll.asked_at) if state.notes else None
        return self._told(state, record, poll)

    def _not_shown(self, state: SubjectState, poll: PollTimes) -> SubjectChange:
        if not state.notes.get(_MISSING):
            return keep(state, {_MISSING: True}, poll.asked_at)
        return self._told(state, state.record | {"active": False}, poll)

    def _told(self, state: SubjectState, record: dict[str, Any], poll: PollTimes) -> SubjectChange:
        changed = tuple(name for name in record if record[name] != state.record.get(name))
        moment = poll.between(poll.previous_asked_at, poll.asked_at)
        is_first = not state.revision
        news = News(catalogue.LIST_CHANGED, record, record, moment, () if is_first else changed)
        return tell(self._ids, state, news, {}, poll.asked_at)


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        raise RecordRejected(dict(row), f"{column} is missing")
    return value.strip()
