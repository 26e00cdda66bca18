"""
Makes agents, groups, leads and their events for tests of the journal.
"""

from __future__ import annotations

from typing import Any

from relay.model.event import Event
from relay.model.ids import subject
from relay.model.subject_state import SubjectChange, SubjectState
from tests.journal.making import IDS, NOW


def subject_event(text: str, revision: int, type_: str = "agent.status_changed") -> Event:
    """
    Make one event of a subject.
    """
    return Event(
        id=IDS.milestone(text, str(revision)),
        type=type_,
        source_id="dialer",
        subject=text,
        revision=revision,
        occurred_at=NOW,
        observed_at=NOW,
        precision_s=1,
        data={},
    )


def subject_change(
    name: str,
    kind: str = "agent",
    source_id: str = "dialer",
    revision: int = 1,
    record: dict[str, Any] | None = None,
) -> SubjectChange:
    """
    Make a subject that comes to a revision by one event; with revision 0 without one.
    """
    text = subject(kind, source_id, name)
    events = (subject_event(text, revision),) if revision else ()
    state = SubjectState(
        subject=text,
        source_id=source_id,
        kind=kind,
        name=name,
        revision=revision,
        last_event_id=events[0].id if events else None,
        record=record or {"status": "READY"},
        notes={"calls_today": 3},
        changed_at=NOW,
    )
    return SubjectChange(state, events, max(revision - 1, 0))
