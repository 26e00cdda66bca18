"""
The floor of a dialer that is polled by hand: vendor rows in, events out, state kept as the journal would.

Every state is written as JSON and read back between two polls, so each poll could be the first of a new
process.  Seconds are counted from `office.T0`, 19:00 on the server's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from relay.model.event import Event
from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.subject_state import SubjectChange, SubjectState
from relay.normalise.agent_rows import AgentSeen, read_logged_in_agents
from relay.normalise.agents import AgentDiff
from relay.normalise.poll_times import PollTimes
from tests.normalise.office import at, check

ZONE: Final = ZoneInfo("America/New_York")
IDS: Final = IdMaker(b"key of the dialer's events")
NO_MAPPINGS: Final = Mappings()
Row = dict[str, Any]


def agent(
    user: str,
    status: str,
    sub_status: str = "",
    *,
    call: str = "",
    lead: str = "0",
    calls: int | str = 0,
    pause: str = "",
    **columns: str,
) -> Row:
    """
    Return a row of `logged_in_agents` with sub-status.
    """
    return {
        "user": user, "campaign_id": "TESTCAMP", "session_id": "8600051", "status": status, "lead_id": lead,
        "callerid": call, "calls_today": str(calls), "full_name": "Alice Adams", "user_group": "AGENTS",
        "user_level": "1", "pause_code": pause, "sub_status": sub_status, **columns,
    }  # fmt: skip


def published_call_id(callerid: str, near: datetime) -> str | None:
    """
    Stand for the id that call events have: the vendor's and the day it is near to.
    """
    return None if callerid == "none" else f"{callerid.lower()}_{near:%Y%m%d}"


class Floor:
    """
    Polls agents and keeps what the journal keeps: with `is_restarted` only what is read back from it.
    """

    def __init__(self, *, is_restarted: bool = True) -> None:
        self._is_restarted = is_restarted
        self.differ = AgentDiff("dialer", ZONE, IDS, published_call_id)
        self.states: dict[str, SubjectState] = {}
        self.previous: datetime | None = None
        self.mappings = NO_MAPPINGS
        self.skew = timedelta(0)
        self.silent = 0
        self._event_ids: set[str] = set()

    def poll(self, second: float, *rows: Row) -> list[Event]:
        """
        Poll once, at a second of the story, and return the events.
        """
        return self.see(at(second), read_logged_in_agents(rows))

    def see(self, now: datetime, seen: Sequence[AgentSeen] | None) -> list[Event]:
        """
        Take what a poll showed; None for one that could not be read.
        """
        poll = PollTimes(now, self.previous, self.skew)
        changes = self.differ.diff(self.states, seen, poll, self.mappings)
        if seen is not None:
            self.previous = now
        return [event for change in changes for event in self.take(change)]

    def take(self, change: SubjectChange) -> tuple[Event, ...]:
        """
        Append a change as the journal would, and return its events.
        """
        known = self.states.get(change.state.name)
        revision = 0 if known is None else known.revision
        assert revision == change.expected_revision
        for event in change.events:
            revision += 1
            assert (revision, change.state.subject) == (event.revision, event.subject)
            assert event.id not in self._event_ids
            self._event_ids.add(event.id)
            check(event)
        self.silent += not change.events
        last_id = change.events[-1].id if change.events else known and known.last_event_id
        assert (revision, last_id) == (change.state.revision, change.state.last_event_id)
        self.states[change.state.name] = stored(change.state) if self._is_restarted else change.state
        return change.events


def stored(state: SubjectState) -> SubjectState:
    """
    Return a state as the journal gives it back.
    """
    record, notes = orjson.loads(orjson.dumps([state.record, state.notes]))
    return state._replace(record=record, notes=notes)


def told(events: Iterable[Event], *names: str) -> list[tuple[Any, ...]]:
    """
    Return the types of events without their family, and some fields of their data.
    """
    return [(event.type.partition(".")[2], *(event.data[name] for name in names)) for event in events]
