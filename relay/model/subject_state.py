"""
What is known of an agent, a group, a list, a lead, … : the last state of a subject that is no call.

An event of such a subject follows from the difference between what was known and what a source shows now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.model.event import Event

# Kinds of subjects, the first part of their names (DESIGN section 1).
AGENT: Final = "agent"
IN_GROUP: Final = "in_group"
USER_GROUP: Final = "user_group"
DID: Final = "did"
LIST: Final = "list"
LEAD: Final = "lead"
USER: Final = "user"
COMMAND: Final = "command"
SUBJECT_KINDS: Final = (AGENT, IN_GROUP, USER_GROUP, DID, LIST, LEAD, USER, COMMAND)
GROUP_KINDS: Final = (IN_GROUP, USER_GROUP)


class SubjectState(NamedTuple):
    """
    A subject as last stored.

    `name` is the vendor's (agent id, group id, …).  `revision` and `last_event_id` are those of its last
    event (0 and None: nothing published).  `record` is what that event published, `notes` what relay keeps
    besides to understand the next poll; both hold JSON values.
    """

    subject: str
    source_id: str
    kind: str
    name: str
    revision: int
    last_event_id: str | None
    record: dict[str, Any]
    notes: dict[str, Any]
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SubjectChange:
    """
    A subject after a change, and the events that say so.

    `expected_revision` is the revision it had when it was normalised (0: nothing published).
    """

    state: SubjectState
    events: tuple[Event, ...]
    expected_revision: int
