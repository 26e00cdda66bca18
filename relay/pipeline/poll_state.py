"""
What the poll loop knows of a source between polls: how its streams answer, and when to ask again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from relay.journal.port import StreamState
from relay.model.coverage import DEEP, WINDOW
from relay.model.errors import SourceAbsent, SourceError, SourceRefused, SourceThrottled
from relay.model.times import EPOCH
from relay.pipeline.pace import PaceSettings
from relay.pipeline.tiers import HEAD_ROWS
from relay.sources.port import OWN_QUOTA

UP: Final = "up"
DEGRADED: Final = "degraded"
ABSENT: Final = "absent"
RATE_LIMITED: Final = "rate_limited"
AUTH_FAILED: Final = "auth_failed"
IP_BLOCKED: Final = "ip_blocked"
ACCOUNT_TROUBLES: Final = (IP_BLOCKED, AUTH_FAILED, RATE_LIMITED)
_WORST_FIRST: Final = (*ACCOUNT_TROUBLES, DEGRADED)

NOT_RUNNING: Final = "not_running"
WINDOW_OVERRUN: Final = "window_overrun"
INCOMPLETE: Final = "incomplete"

POLLS_TO_ABSENT: Final = 3
INCOMPLETE_TO_DEGRADED: Final = 2
ABSENT_EVERY: Final = timedelta(minutes=15)
FIRST_BACK_OFF_S: Final = 2.0
LONGEST_BACK_OFF_S: Final = 300.0
_MOST_DOUBLINGS: Final = 16  # beyond the longest back-off, and far from what no float holds


@dataclass(frozen=True, slots=True)
class PollSettings:
    """
    When a source is asked, and how far back.

    `pace` is what the vendor allows; after a refusal it is probed once per `pace.per_s`.  `lookback` is the
    least that is read again; every part of it at least every `deep_every_s`.  Time that is not read within
    `gap_after_s` is a gap.
    """

    pace: PaceSettings
    status_every_s: float
    lookback: timedelta
    deep_every_s: float
    gap_after_s: float


@dataclass(slots=True)
class StreamPoll:
    """
    One stream: its stored state, when it is asked next, and what is wrong with it (None: nothing).

    `reason` is why time went unread, if any did: NOT_RUNNING until the first answer, then the last failure,
    or the budget.  `deep_at` and
    `window_at` are the last reads of these tiers since the start, by the phone system's clock.
    """

    name: str
    every: timedelta
    stored: StreamState
    next_at: datetime
    asked_at: datetime = EPOCH
    is_call_stream: bool = True
    trouble: str | None = None
    reason: str = NOT_RUNNING
    failures_in_a_row: int = 0
    incomplete_in_a_row: int = 0
    deep_at: datetime | None = None
    window_at: datetime | None = None
    must_be_deep: bool = False
    needs_names: bool = False
    has_open_calls: bool = False
    head_rows: int = HEAD_ROWS

    @property
    def is_absent(self) -> bool:
        """
        Tell whether the tenant does not have this stream.
        """
        return self.stored.state == ABSENT

    def succeeded(self, now: datetime) -> None:
        """
        Note a good answer.
        """
        self.stored = replace(self.stored, state=UP, not_found_in_a_row=0, had_good_answer=True)
        self.failures_in_a_row = 0
        # An answer that may leave rows out again does not end the trouble that such answers are.
        self.trouble = DEGRADED if self.incomplete_in_a_row >= INCOMPLETE_TO_DEGRADED else None
        self.reason = OWN_QUOTA  # what else goes unread from now on waits for the budget
        self.next_at = now + self.every

    def was_whole(self) -> None:
        """
        Note an answer that left nothing out.
        """
        self.incomplete_in_a_row, self.trouble = 0, None

    def was_read(self, tier: str, as_of: datetime) -> None:
        """
        Note a complete read.
        """
        self.must_be_deep = False
        if tier == DEEP:
            self.deep_at = as_of
        if tier in (DEEP, WINDOW):
            self.window_at = as_of

    def was_incomplete(self) -> None:
        """
        Note an answer that left out what is known to be there: it is asked again, whole, and soon.
        """
        self.incomplete_in_a_row += 1
        self.must_be_deep = True
        self.reason = INCOMPLETE
        if self.incomplete_in_a_row >= INCOMPLETE_TO_DEGRADED:
            self.trouble = DEGRADED

    def failed(self, error: SourceError, now: datetime, settings: PollSettings, rng: random.Random) -> None:
        """
        Note a failure and decide when to ask again.
        """
        if isinstance(error, SourceThrottled) and error.reason == OWN_QUOTA:
            self.next_at = error.until  # waiting for our own budget is no trouble of the source
            return
        self.failures_in_a_row += 1
        self.reason = error.reason
        if isinstance(error, SourceAbsent) and not self.stored.had_good_answer:
            self._not_found(now)
            return
        self.trouble = trouble_of(error)
        self.stored = replace(self.stored, state=DEGRADED)
        if isinstance(error, SourceThrottled):
            # Whatever the vendor says: "at once" must not burn the requests of a window.
            back_off_s = max(settings.pace.full_pause_s, self._back_off_s())
            self.next_at = max(error.until, now + timedelta(seconds=back_off_s))
        elif isinstance(error, SourceRefused):
            self.next_at = now + timedelta(seconds=settings.pace.per_s)
        else:
            back_off_s = self._back_off_s() * rng.uniform(0.5, 1.0)
            self.next_at = now + max(self.every, timedelta(seconds=back_off_s))

    def _back_off_s(self) -> float:
        doublings = min(self.failures_in_a_row - 1, _MOST_DOUBLINGS)
        return float(min(LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2**doublings))

    def _not_found(self, now: datetime) -> None:
        count = self.stored.not_found_in_a_row + 1
        is_absent = count >= POLLS_TO_ABSENT
        self.stored = replace(self.stored, state=ABSENT if is_absent else DEGRADED, not_found_in_a_row=count)
        self.trouble = None if is_absent else DEGRADED
        self.next_at = now + (ABSENT_EVERY if is_absent else self.every)


def trouble_of(error: SourceError) -> str:
    """
    Return the state a source is in after such an error.
    """
    if isinstance(error, SourceThrottled):
        return RATE_LIMITED
    if isinstance(error, SourceRefused):
        return IP_BLOCKED if error.reason == IP_BLOCKED else AUTH_FAILED
    return DEGRADED


def state_of(streams: Iterable[StreamPoll]) -> str:
    """
    Return the state of a source: the worst of what is wrong with its streams.
    """
    troubles = {stream.trouble for stream in streams}
    return next((state for state in _WORST_FIRST if state in troubles), UP)
