"""
What normalise hands to the journal, and what the journal hands to normalise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.model.call import Call, Leg
from relay.model.event import Event
from relay.model.source_work import Alias


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """
    What the journal knows near some rows: whole calls with all their legs.
    """

    calls: Mapping[str, Call]
    legs: Sequence[Leg]


@dataclass(frozen=True, slots=True)
class CallChange:
    """
    A call after a change, the legs that are new or changed, and the events that say so.

    `expected_revision` is the revision the call had when it was normalised (0: nothing published).
    `also` are changes that must be written in the same transaction: the other side of a merge.
    `aliases` are kept where a rebuild would choose another id for the call.
    """

    call: Call
    legs: tuple[Leg, ...]
    events: tuple[Event, ...]
    expected_revision: int
    also: tuple[CallChange, ...] = ()
    aliases: tuple[Alias, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceHead:
    """
    A source's own subject and state, as last appended.
    """

    source_id: str
    publish_from: datetime
    state: str
    system_status: Any
    revision: int
    last_event_id: str | None
    watermark: datetime | None = None  # everything that started before it was read completely and is final


@dataclass(frozen=True, slots=True)
class SourceChange:
    """
    A source's head after a change, and the events on its own subject.
    """

    head: SourceHead
    events: tuple[Event, ...]
    expected_revision: int


@dataclass(frozen=True, slots=True)
class Reject:
    """
    A row that could not be read, kept for replay after a fix.
    """

    digest: bytes
    row: Any
    why: str
