"""
Sizes and backlogs of the journal, for gauges and people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JournalStats:
    """
    What the gauges show.  `pending` counts unsettled deliveries; instants are None where there is none.
    """

    last_seq: int
    events: int
    size_bytes: int
    wal_bytes: int
    oldest_event_at: datetime | None
    pending: int
    oldest_pending_at: datetime | None
    endpoints: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Backlog:
    """
    What a publisher has not committed yet: how many events, and when the oldest of them was recorded.
    """

    events: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class EndpointBacklog:
    """
    What waits for an endpoint, resends apart: how many, the seq of the oldest event and when it was recorded.

    `told` is the level, in percent, that people were told of last; 0: none.
    """

    pending: int
    oldest_seq: int
    oldest_ms: int | None
    told: int
