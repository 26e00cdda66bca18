"""
Read a VoIPcloud PBX: the calls of users, queues and ring groups, and the system status.

Rows come newest first, and one that is written when a call ends appears below newer starts; so a pull
never stops at what is known but reads the whole look-back window in one page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.clock import Clock
from relay.model.times import from_vendor
from relay.sources.budget import BudgetSettings, RequestBudget
from relay.sources.port import POLL, STATUS, Pull, SendLog, Window
from relay.sources.voipcloud.answers import VoipcloudAnswers
from relay.sources.wire import Wire, clock_skew

SYSTEM_STATUS: Final = "system_status"
MAX_ROWS: Final = 10_000  # vendor/voipcloud_api: "limit value should be in the range from 1 to 10000"
READ_AT_ONCE_BYTES: Final = 64 * 1024  # a larger answer is read beside the event loop
ONE_SECOND: Final = timedelta(seconds=1)
ONE_DAY: Final = timedelta(days=1)
_API: Final = "/api/integration/v1/"
_PATHS: Final = {
    USER_CALLS: _API + "get-user-calls",
    QUEUE_CALLS: _API + "get-queue-calls",
    RINGGROUP_CALLS: _API + "get-ringgroup-calls",
    SYSTEM_STATUS: _API + "get-system-status",
}


@dataclass(frozen=True, slots=True)
class VoipcloudSettings:
    """
    One account.  `streams` are the call streams to read.
    """

    source_id: str
    base_url: str
    token: str
    zone: ZoneInfo
    budget: BudgetSettings
    streams: tuple[str, ...] = CALL_STREAMS


class VoipcloudSource:
    """
    One VoIPcloud account, as `relay.sources.port.Source`.
    """

    def __init__(self, settings: VoipcloudSettings, log: SendLog, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._wire = Wire(
            settings.source_id, settings.base_url, {"token": settings.token}, settings.budget.deadline_s
        )
        self._answers = VoipcloudAnswers(settings.source_id, settings.budget.per_s, settings.token)
        self._budget = RequestBudget(settings.source_id, settings.budget, log, clock)
        self.source_id = settings.source_id
        self.call_streams = settings.streams
        self.status_streams: tuple[str, ...] = (SYSTEM_STATUS,)

    async def __aenter__(self) -> Self:
        await self._wire.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    def allow(self, polls: int | None) -> None:
        """
        Let polls use only so many requests of a window from now on; None: as configured.
        """

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Read the window of a call stream in one page, or the system status as one row.
        """
        requested_at = self._clock.now()
        if stream == SYSTEM_STATUS:
            answer = await self._wire.get(_PATHS[stream], {}, self._budget.middleware(STATUS))
        else:
            params = self._params(window, requested_at)
            answer = await self._wire.get(_PATHS[stream], params, self._budget.middleware(POLL))
        answered_at = self._clock.now()
        skew = clock_skew(answer, answered_at)
        if stream == SYSTEM_STATUS:
            status = self._answers.document(answer, answered_at)
            at = requested_at + skew
            return Pull(stream, [{"status": status}], requested_at, window.start, window.start, at, skew)
        if len(answer.body) > READ_AT_ONCE_BYTES:
            rows = await asyncio.to_thread(self._answers.rows, answer, answered_at)
        else:
            rows = self._answers.rows(answer, answered_at)
        covered_from = self._covered_from(rows, window, requested_at)
        return Pull(stream, rows, requested_at, window.start, covered_from, requested_at + skew, skew)

    async def quota_remaining(self) -> int | None:
        """
        Return how many requests the vendor's window has room for.
        """
        return await self._budget.remaining()

    def _params(self, window: Window, now: datetime) -> dict[str, str]:
        # Dates are days of an undocumented zone: a day more on either side holds the window in any.
        zone = self._settings.zone
        return {
            "from_date": (window.start.astimezone(zone) - ONE_DAY).date().isoformat(),
            "to_date": (now.astimezone(zone) + ONE_DAY).date().isoformat(),
            "limit": str(MAX_ROWS),
            "offset": "0",
        }

    def _covered_from(self, rows: list[dict[str, Any]], window: Window, requested_at: datetime) -> datetime:
        if len(rows) < MAX_ROWS:
            return window.start
        # Newest first: a full page was cut at its old end, maybe inside a second; one whose times cannot
        # be read proves nothing.
        oldest = min((at for at in map(self._start, rows) if at is not None), default=requested_at)
        return min(max(window.start, oldest + ONE_SECOND), requested_at)

    def _start(self, row: dict[str, Any]) -> datetime | None:
        try:
            return from_vendor(row["call_start_at"], self._settings.zone)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
