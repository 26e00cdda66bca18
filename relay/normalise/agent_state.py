"""
What is kept of an agent between two polls: what was published, and what the next poll is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.model.subject_state import SubjectState
from relay.model.times import from_rfc3339, rfc3339_or_null
from relay.normalise.agent_rows import LOGGED_OUT, AgentSeen
from relay.normalise.hidden_calls import CallBooks

Record = dict[str, Any]

# What the dialer says; an event's id follows from these alone.
FACTS: Final = (
    "agent_id", "agent_name", "status", "sub_status", "pause_code", "campaign", "user_group", "call_id",
    "phone_number", "lead_id", "calls_today",
)  # fmt: skip
# What `changed` may name, in the order of the record.
COMPARED: Final = (
    "agent_name", "agent_external_id", "status", "sub_status", "pause_code", "campaign", "user_group",
    "call_id", "phone_number", "lead_id", "calls_today", "since",
)  # fmt: skip
# A difference in one of these is news by itself: not the counter, not the words of the CRM.
NEWS: Final = tuple(name for name in FACTS if name not in {"agent_id", "calls_today"})


class AgentNotes(NamedTuple):
    """
    What relay keeps of an agent besides what was published.

    `row` is what the last poll that showed the agent said of it (None: never seen).  `is_begin_known`: the
    begin of the present status was seen.  `books` and `unshown_from` (the poll before a rise that no call
    explains yet) count hidden calls; `is_unsure`: since the last event there was a time of which nothing can
    be said.  `missing_from` is the first good poll without the agent, `shown_at` the last one with it; both
    stay until it is back.  `stats_until`: the end of the last window of statistics that was published.
    """

    row: AgentSeen | None = None
    is_begin_known: bool = False
    books: CallBooks = CallBooks()
    unshown_from: datetime | None = None
    is_unsure: bool = False
    missing_from: datetime | None = None
    shown_at: datetime | None = None
    stats_until: str | None = None

    def to_json(self) -> dict[str, Any]:
        """
        Return what the journal keeps; only what is not as at the beginning.
        """
        kept = {
            "row": self.row and list(self.row),
            "is_begin_known": self.is_begin_known,
            "told": list(self.books.told),
            "uncounted": self.books.uncounted,
            "unshown": self.books.unshown,
            "unshown_from": rfc3339_or_null(self.unshown_from),
            "is_unsure": self.is_unsure,
            "missing_from": rfc3339_or_null(self.missing_from),
            "shown_at": rfc3339_or_null(self.shown_at),
            "stats_until": self.stats_until,
        }
        return {name: value for name, value in kept.items() if value}


def notes_of(state: SubjectState | None) -> AgentNotes:
    """
    Return what was kept of an agent; nothing where it is new.
    """
    notes: Mapping[str, Any] = {} if state is None else state.notes
    row = notes.get("row")
    return AgentNotes(
        row=AgentSeen(*row) if row else None,
        is_begin_known=notes.get("is_begin_known", False),
        books=CallBooks(tuple(notes.get("told", ())), notes.get("uncounted"), notes.get("unshown", False)),
        unshown_from=_time(notes, "unshown_from"),
        is_unsure=notes.get("is_unsure", False),
        missing_from=_time(notes, "missing_from"),
        shown_at=_time(notes, "shown_at"),
        stats_until=notes.get("stats_until"),
    )


def is_settled_as(notes: Mapping[str, Any], seen: AgentSeen) -> bool:
    """
    Tell whether a poll shows an agent exactly as the last one did, and nothing waits to be decided.

    This is asked of every agent at every poll, so it reads the notes as they are stored.
    """
    return notes.get("row") == [*seen] and "unshown" not in notes and "missing_from" not in notes


def is_logged_in(state: SubjectState | None) -> bool:
    """
    Tell whether the last event about an agent showed it logged in.
    """
    return state is not None and state.record.get("status", LOGGED_OUT) != LOGGED_OUT


def changed_names(before: Record, after: Record) -> tuple[str, ...]:
    """
    Return the published fields that differ; none where there was no record.
    """
    return tuple(name for name in COMPARED if before[name] != after[name]) if before else ()


def _time(notes: Mapping[str, Any], name: str) -> datetime | None:
    text = notes.get(name)
    return None if text is None else from_rfc3339(text)
