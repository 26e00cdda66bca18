"""
What a source promises, and what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from relay.model.vendor_answer import VendorAnswer

# Whose share of a source's budget a request uses.
POLL: Final = "poll"
STATUS: Final = "status"
BACKFILL: Final = "backfill"
COMMAND: Final = "command"
PURPOSES: Final = (POLL, STATUS, BACKFILL, COMMAND)

REFUSED_FOR: Final = timedelta(minutes=15)  # a dialer that locks a user does so for as long

OWN_QUOTA: Final = "quota"  # reason of a SourceThrottled that relay's own budget raised, not the vendor

# Why a pull of several pages covers less than its window, beside the reasons of requests that failed.
ROWS_MOVED: Final = "rows_moved"  # rows were removed or sorted anew between its pages, time and again
TOO_MANY_ROWS: Final = "too_many_rows"  # more than may be held in memory, or too many in one second
NAMES_INCOMPLETE: Final = "names_incomplete"  # the names known do not account for every row


@dataclass(frozen=True, slots=True)
class Window:
    """
    What to read of a stream: everything that started from `start` on, and before `end` (None: up to now).

    `rows` is how many of the newest rows will do (None: all of them, however many requests that takes);
    `purpose` decides whose share of the budget is used.
    """

    start: datetime
    end: datetime | None = None
    rows: int | None = None
    purpose: str = POLL


@dataclass(frozen=True, slots=True)
class Pull:
    """
    What one validated read showed: `rows` are the vendor's, untouched, newest first.

    `requested_at` is when its first request was sent.  Every row that started in [covered_from, covered_to)
    and was visible then is among them: `covered_from` is later than the window's start where the page was
    cut at its old end, `covered_to` is the window's end, or `requested_at` by the phone system's clock.
    `skew` is that clock minus ours, as far as the answer tells it.  `restarts` counts walks over several
    pages that were begun again because rows had moved meanwhile; times are those of the last walk.
    `cut_by` says in one word why less than the window is covered (None: it is all there, or only the newest
    rows were asked for): the reason of the request that failed, or one of the words above.
    """

    stream: str
    rows: list[dict[str, Any]]
    requested_at: datetime
    window_start: datetime
    covered_from: datetime
    covered_to: datetime
    skew: timedelta = timedelta(0)
    requests: int = 1
    restarts: int = 0
    cut_by: str | None = None


class Source(Protocol):
    """
    One account of one phone system.

    Entered before the first pull and left by whoever entered it.  A pull sends one budgeted request, or
    several where a window holds more than the vendor shows at once; a cancelled pull may have been counted
    by the vendor.  Rows are never filtered by what was read before:
    a call that finishes late appears below newer ones, so only the journal can tell new from known.
    """

    source_id: str
    call_streams: tuple[str, ...]
    status_streams: tuple[str, ...]

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Read a stream.

        Args:
            stream: one of the streams above.
            window: what to read of it.
            names: users, queues or ring groups known in it, to split by where the vendor shows no more rows.

        Raises:
            SourceError: no usable answer; see `relay.model.errors` for what each kind asks of the caller.
        """
        ...

    def allow(self, polls: int | None) -> None:
        """
        Let polls use only so many requests of a window from now on; None: as configured.
        """
        ...

    async def quota_remaining(self) -> int | None:
        """
        Return how many requests the vendor's window has room for; None where it sets no limit.
        """
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """
    What a function of a phone system answered, and when it was asked for and answered by our clock.
    """

    answer: VendorAnswer
    requested_at: datetime
    answered_at: datetime


class FunctionSource(Protocol):
    """
    A phone system that is asked by the name of a function, for data or to do something.
    """

    @property
    def source_id(self) -> str:
        """
        Return which account it is.
        """
        ...

    async def call(
        self, function: str, params: Mapping[str, str], *, purpose: str = POLL, is_write: bool = False
    ) -> Answered:
        """
        Call a function once.  Whatever has a body is an answer, a refusal too; a write is never sent twice.

        Args:
            function: its name in the vendor's document.
            params: its parameters as the vendor wants them; user and password are added.
            purpose: whose share of the request budget is used, where there is one.
            is_write: it changes something, so that it may have been done although no answer came.

        Raises:
            SourceThrottled: the request budget has no room; nothing was sent.
            SourceRefused: a command while the login is refused; nothing was sent.
            SourceUnreachable: no answer.  `was_sent` False tells that nothing can have been done.
        """
        ...


class NumberLookup(Protocol):
    """
    Whoever knows whether a phone number has a subscriber.
    """

    async def look_up(self, number: str) -> str:
        """
        Return one of `relay.model.number_status.NUMBER_STATUSES` for a number in E.164, within the time of
        one request; UNKNOWN also where nobody answers.  Raises nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """
    What one purpose may have of a request window of `per_s` seconds.

    At most `limit` requests of all purposes, `own_limit` of this one, and `shared_limit` of this one and
    those of `shared_with` together (nobody: it does not apply); a request takes at most `deadline_s`.
    """

    limit: int
    own_limit: int
    per_s: float
    deadline_s: float
    shared_with: tuple[str, ...] = ()
    shared_limit: int = 0


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
        `per_s` after reservation + `deadline_s`.  All limits of the share hold, decided in one step.
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
