"""
What a source promises, and what it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

OWN_QUOTA: Final = "quota"  # reason of a SourceThrottled that relay's own budget raised, not the vendor


@dataclass(frozen=True, slots=True)
class Window:
    """
    What to read: everything of a stream that started at `start` or later (UTC).
    """

    start: datetime


@dataclass(frozen=True, slots=True)
class Pull:
    """
    What one complete, validated answer showed.

    `rows` are the vendor's rows, untouched and in the vendor's order; `requested_at` is when the request
    was sent.  The answer proves that [covered_from, requested_at] was read as visible at `requested_at`;
    `covered_from` is later than the window's start where the page was cut at its old end.  `skew` is the
    phone system's clock minus ours, as far as the answer tells it.
    """

    stream: str
    rows: list[dict[str, Any]]
    requested_at: datetime
    window_start: datetime
    covered_from: datetime
    skew: timedelta = timedelta(0)


class Source(Protocol):
    """
    One account of one phone system.

    Entered before the first pull and left by whoever entered it.  A pull sends one budgeted request; a
    cancelled pull may have been counted by the vendor.  Rows are never filtered by what was read before:
    a call that finishes late appears below newer ones, so only the journal can tell new from known.
    """

    source_id: str
    call_streams: tuple[str, ...]
    status_streams: tuple[str, ...]

    async def pull(self, stream: str, window: Window) -> Pull:
        """
        Read a stream.

        Raises:
            SourceError: no usable answer; see `relay.model.errors` for what each kind asks of the caller.
        """
        ...

    async def quota_remaining(self) -> int | None:
        """
        Return how many requests the vendor's window has room for; None where it sets no limit.
        """
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """
    What one purpose may have of a request window of `per_s` seconds.

    At most `limit` requests of all purposes, and `own_limit` of this one; a request takes at most
    `deadline_s`.
    """

    limit: int
    own_limit: int
    per_s: float
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Reservation:
    """
    A place in the request window, kept durably before the request is sent.
    """

    send_id: int


@dataclass(frozen=True, slots=True)
class NoRoom:
    """
    The window is full; a place is free at `until` at the earliest.
    """

    until: datetime


class SendLog(Protocol):
    """
    The durable log of budgeted requests: survives crashes, so no window ever holds more than allowed.
    """

    async def reserve(
        self, source_id: str, purpose: str, share: Share, now: datetime
    ) -> Reservation | NoRoom:
        """
        Take a place for a request, durably, or tell when one is free.

        A place is taken until `per_s` after its outcome was noted, or, where a crash left none, until
        `per_s` after reservation + `deadline_s`.  Both limits of the share hold.
        """
        ...

    async def note(self, send_id: int, outcome: str, *, per_s: float, now: datetime) -> None:
        """
        Note the outcome of a reserved request: its place is free `per_s` later.  The first note stays.
        """
        ...

    async def in_window(self, source_id: str, now: datetime) -> int:
        """
        Return how many places are taken now.
        """
        ...
