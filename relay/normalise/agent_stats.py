"""
What a dialer counts of an agent in a window of time that is over: rows of `agent_stats_export`.

The server's averages are wrong (they are made of the row before) and not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.model import catalogue
from relay.model.errors import RecordRejected
from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.subject_state import AGENT, SubjectChange, SubjectState
from relay.model.times import from_rfc3339, rfc3339
from relay.normalise.agent_state import notes_of
from relay.normalise.poll_times import Moment
from relay.normalise.subject_events import News, new_subject, tell

_SECONDS: Final = re.compile(r"(?:(?:(\d{1,6}):)?(\d{1,6}):)?(\d{1,9})", re.ASCII)  # 5023, 83:43, 1:23:43
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)


class AgentStats(NamedTuple):
    """
    What one row says of one agent; None where it says nothing, or nothing that can be trusted.
    """

    agent_id: str
    agent_name: str | None
    user_group: str | None
    calls: int | None
    login_s: int | None
    talk_s: int | None
    wait_s: int | None
    pause_s: int | None
    wrapup_s: int | None
    dead_s: int | None
    sessions: int | None
    pauses: int | None


class StatsWindow(NamedTuple):
    """
    The window that was asked for, by the source's clock, and when it was asked, by ours.
    """

    start: datetime
    end: datetime
    asked_at: datetime


def read_stats(row: Mapping[str, Any]) -> AgentStats:
    """
    Read a row of `agent_stats_export`, each column a text by its name, times in any `time_format`.

    Older servers send no `dispo_time` and no `dead_time`.  Newer ones count the disposition of the agent's
    first record twice, in `dispo_time` and in `login_time`: both can be trusted only where it is 0.

    Raises:
        RecordRejected: it is not as documented.
    """
    agent_id = _text(row, "user")
    if agent_id is None:
        raise RecordRejected(row, "user is empty")
    dispo_s = _seconds(row, "dispo_time") if "dispo_time" in row else None
    return AgentStats(
        agent_id=agent_id,
        agent_name=_text(row, "full_name"),
        user_group=_text(row, "user_group"),
        calls=_count(row, "calls"),
        login_s=None if dispo_s else _seconds(row, "login_time"),
        talk_s=_seconds(row, "total_talk_time"),  # `talk_time` has the dead time in it
        wait_s=_seconds(row, "wait_time"),
        pause_s=_seconds(row, "pause_time"),
        wrapup_s=None if dispo_s else dispo_s,
        dead_s=_seconds(row, "dead_time") if "dead_time" in row else None,
        sessions=_count(row, "sessions"),
        pauses=_count(row, "pauses"),
    )


def stats_change(
    ids: IdMaker,
    source_id: str,
    state: SubjectState | None,
    stats: AgentStats,
    window: StatsWindow,
    mappings: Mappings,
) -> SubjectChange | None:
    """
    Return the agent after its statistics of a window, and the event that tells them.

    None where a window that ended then or later was told already.  The agent's record stays what its last
    event of another type published; of an agent that was never seen it is empty.
    """
    if state is None:
        state = new_subject(source_id, AGENT, stats.agent_id, window.asked_at)
    notes = notes_of(state)
    if notes.stats_until is not None and from_rfc3339(notes.stats_until) >= window.end:
        return None
    facts = {
        **stats._asdict(),
        "window_from": rfc3339(window.start),
        "window_to": rfc3339(window.end),
    }
    data = {**facts, "agent_external_id": mappings.external_ids.get(stats.agent_id)}
    news = News(catalogue.AGENT_STATS, data, facts, Moment(window.end, None), ())
    kept = notes._replace(stats_until=facts["window_to"]).to_json()
    change = tell(ids, state, news, kept, window.asked_at)
    return SubjectChange(change.state._replace(record=state.record), change.events, change.expected_revision)


def _text(row: Mapping[str, Any], column: str) -> str | None:
    value = row.get(column)
    if not isinstance(value, str):
        raise RecordRejected(row, f"{column} is missing")
    return value.strip() or None


def _count(row: Mapping[str, Any], column: str) -> int | None:
    value = _text(row, column)
    if value is not None and not _COUNT.fullmatch(value):
        raise RecordRejected(row, f"{column} {value!r} is not a number")
    return None if value is None else int(value)


def _seconds(row: Mapping[str, Any], column: str) -> int | None:
    value = _text(row, column)
    if value is None:
        return None
    found = _SECONDS.fullmatch(value)
    if found is None:
        raise RecordRejected(row, f"{column} {value!r} is no time")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (hours * 60 + minutes) * 60 + seconds
