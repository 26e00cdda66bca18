"""
The gauges of in-groups and user groups, and the difference between two polls of one of them.

A server adds several groups of one request up into one row, so each is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from relay.model import catalogue
from relay.model.errors import RecordRejected
from relay.model.ids import IdMaker
from relay.model.subject_state import IN_GROUP, USER_GROUP, SubjectChange, SubjectState
from relay.model.times import from_rfc3339, rfc3339
from relay.normalise.poll_times import PollTimes
from relay.normalise.subject_events import News, keep, new_subject, tell

_EVENT: Final = {
    IN_GROUP: catalogue.IN_GROUP_STATUS_CHANGED,
    USER_GROUP: catalogue.USER_GROUP_STATUS_CHANGED,
}


class GroupSeen(NamedTuple):
    """
    A group as one poll shows it; None for what the server does not tell.
    """

    group_id: str
    kind: str
    calls_total: int | None
    calls_waiting: int
    calls_active: int | None
    agents_logged_in: int
    agents_ready: int
    agents_in_call: int
    agents_paused: int
    agents_in_dispo: int
    agents_in_dead_call: int | None
    agents_in_dial: int | None


GAUGES: Final = GroupSeen._fields[2:]


def read_in_group(group_id: str, row: Mapping[str, Any]) -> GroupSeen:
    """
    Read the row of `in_group_status` about one group, each column a text by its name.

    Raises:
        RecordRejected: it is not as documented, or about another group.
    """
    total, waiting = _count(row, "total_calls"), _count(row, "calls_waiting")
    return _read(group_id, row, "ingroups")._replace(
        kind=IN_GROUP,
        calls_total=total,
        # Both are counted one after the other; what does not fit together is not told.
        calls_active=total - waiting if total >= waiting else None,
    )


def read_user_group(group_id: str, row: Mapping[str, Any]) -> GroupSeen:
    """
    Read the row of `user_group_status` about one group, each column a text by its name.

    Raises:
        RecordRejected: it is not as documented, or about another group.
    """
    return _read(group_id, row, "usergroups")._replace(
        kind=USER_GROUP, agents_in_dead_call=_count(row, "agents_in_dead_calls")
    )


class GroupDiff:
    """
    Makes events of what changed between two polls of a group.

    Args:
        source_id: the dialer.
        ids: makes the ids of events.
        min_interval: the least time between two events of one group.
    """

    def __init__(self, source_id: str, ids: IdMaker, min_interval: timedelta) -> None:
        self._source_id = source_id
        self._ids = ids
        self._min_interval = min_interval

    def diff(self, state: SubjectState | None, seen: GroupSeen, poll: PollTimes) -> SubjectChange | None:
        """
        Return a group with the event that tells its gauges, with other notes and no event, or None.

        The first sight is an event.  What changes too soon after an event is told by the first poll after
        the interval, unless it is as published again by then; when it changed is kept in the notes.
        `poll` has the times of this group's polls.
        """
        now = poll.asked_at
        if state is None:
            state = new_subject(self._source_id, seen.kind, seen.group_id, now)
        notes = state.notes
        record = seen._asdict()
        if record == state.record:
            settled = {"told_at": notes["told_at"]}
            return None if notes == settled else keep(state, settled, now)
        if "gauges" not in notes or notes["gauges"] != [*seen[2:]]:
            previous = poll.previous_asked_at if state.revision else None
            notes = _changed(notes, seen, previous, now)
        told_at = from_rfc3339(notes["told_at"]) if state.revision else None
        if told_at is not None and timedelta(0) <= now - told_at < self._min_interval:
            return None if notes == state.notes else keep(state, notes, now)
        start = notes["from"] and from_rfc3339(notes["from"])
        news = News(
            type=_EVENT[seen.kind],
            data=record,
            facts=record,
            moment=poll.between(start, from_rfc3339(notes["to"])),
            changed=tuple(name for name in GAUGES if record[name] != state.record[name])
            if state.record
            else (),
        )
        return tell(self._ids, state, news, {"told_at": rfc3339(now)}, now)


def _changed(
    notes: Mapping[str, Any], seen: GroupSeen, previous: datetime | None, now: datetime
) -> dict[str, Any]:
    """
    Return the notes of gauges that are new since the poll before.
    """
    return {
        "told_at": notes.get("told_at"),
        "gauges": [*seen[2:]],
        "from": previous and rfc3339(previous),
        "to": rfc3339(now),
    }


def _read(group_id: str, row: Mapping[str, Any], name_column: str) -> GroupSeen:
    name = row.get(name_column)
    if name != group_id:
        raise RecordRejected(row, f"{name_column} is {name!r}, asked was {group_id!r}")
    return GroupSeen(
        group_id=group_id,
        kind="",
        calls_total=None,
        calls_waiting=_count(row, "calls_waiting"),
        calls_active=None,
        agents_logged_in=_count(row, "agents_logged_in"),
        agents_ready=_count(row, "agents_waiting"),
        agents_in_call=_count(row, "agents_in_calls"),
        agents_paused=_count(row, "agents_paused"),
        agents_in_dispo=_count(row, "agents_in_dispo"),
        agents_in_dead_call=None,
        # Older servers have no such column.
        agents_in_dial=_count(row, "agents_in_dial") if "agents_in_dial" in row else None,
    )


def _count(row: Mapping[str, Any], column: str) -> int:
    value = row.get(column)
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9):
        raise RecordRejected(row, f"{column} {value!r} is not a number")
    return int(value)
