"""
What people and phone systems ask of the owner of a source: pushes, replays, backfills, reconciliations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

# Kinds of inbox items.
PUSH: Final = "push"
REPLAY_REJECTS: Final = "replay_rejects"
COMMAND_DONE: Final = "command_done"
INBOX_KINDS: Final = (PUSH, REPLAY_REJECTS, COMMAND_DONE)

# Kinds and states of jobs.
BACKFILL: Final = "backfill"
RECONCILE: Final = "reconcile"
JOB_KINDS: Final = (BACKFILL, RECONCILE)
WAITING: Final = "waiting"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
JOB_STATES: Final = (WAITING, RUNNING, DONE, FAILED, CANCELLED)


@dataclass(frozen=True, slots=True)
class InboxItem:
    """
    Something put down for a source's owner; taken away by the append that holds its effect.
    """

    item_id: int
    source_id: str
    kind: str
    body: Mapping[str, Any]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class SourceJob:
    """
    A stretch of the past to be read: [start, end) of every call stream.

    `read_to` tells how far each stream was read (none: nothing yet), so that a job goes on after a restart.
    `events` were published by it; `missing` of them a reconciliation found missing.  `reason` says why it
    failed.
    """

    job_id: int
    source_id: str
    kind: str
    start: datetime
    end: datetime
    state: str
    made_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    read_to: Mapping[str, datetime] = field(default_factory=dict)
    requests: int = 0
    rows: int = 0
    events: int = 0
    missing: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """
    A call whose published id is not the one that a rebuild from its rows would choose.
    """

    source_id: str
    natural_id: str
    call_id: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """
    How many requests of a window polls may use now: less than configured after a 429.
    """

    polls: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StoredReject:
    """
    A row that could not be read, as kept.
    """

    source_id: str
    stream: str
    digest: bytes
    row: Any
    why: str
    first_seen_at: datetime
