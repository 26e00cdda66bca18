"""
Read a VoIPcloud PBX: the calls of users, queues and ring groups, and the system status.

Rows come newest first, and one that is written when a call ends appears below newer starts; so a pull
never stops at what is known but reads its whole window, in one page wherever that holds it (`reading`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Final, Self
from zoneinfo import ZoneInfo

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.clock import Clock
from relay.model.errors import SourceThrottled
from relay.sources.budget import BudgetSettings, RequestBudget
from relay.sources.clock_skew import ClockSkew, age_of
from relay.sources.port import COMMAND, OWN_QUOTA, POLL, STATUS, Answered, Pull, SendLog, Window
from relay.sources.voipcloud.answers import VoipcloudAnswers
from relay.sources.voipcloud.functions import read_function
from relay.sources.voipcloud.reading import Ask, CallReading, Page
from relay.sources.voipcloud.rows import CallList
from relay.sources.wire import Wire

SYSTEM_STATUS: Final = "system_status"
MAX_ROWS: Final = 10_000  # vendor/voipcloud_api: "limit value should be in the range from 1 to 10000"
MAX_WALK_ROWS: Final = 100_000
READ_AT_ONCE_BYTES: Final = 64 * 1024  # a larger answer is read beside the event loop
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

    The vendor shows at most `largest_page` rows in one answer; a longer list is walked up to `most_rows`.
    """

    source_id: str
    base_url: str
    token: str
    zone: ZoneInfo
    budget: BudgetSettings
    streams: tuple[str, ...] = CALL_STREAMS
    largest_page: int = MAX_ROWS
    most_rows: int = MAX_WALK_ROWS


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
        self._skew = ClockSkew()
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
        self._budget.allow(polls)

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Read the window of a call stream, in one page where it fits, or the system status as one row.
        """
        if stream == SYSTEM_STATUS:
            return await self._status(window)
        settings = self._settings
        calls = CallList(stream, settings.zone, settings.largest_page, settings.most_rows)
        ask: Ask = partial(self._calls, stream, window.purpose)
        if window.purpose == POLL:  # a read of the past must not keep polls waiting: it is cut instead
            ask = self._patient(ask)
        return await CallReading(ask, calls, window, self._clock.now()).read(names)

    async def call(
        self, function: str, params: Mapping[str, str], *, purpose: str = COMMAND, is_write: bool = False
    ) -> Answered:
        """
        Call a function once (`relay.sources.port.FunctionSource`).
        """
        requested_at, path = self._clock.now(), _API + function
        budget = self._budget.middleware(purpose)
        if is_write:
            answer = await self._wire.post(path, params, budget)
        else:
            answer = await self._wire.get(path, params, budget)
        answered_at = self._clock.now()
        async with self._counting_foreign_use():
            read = read_function(function, answer, self._answers, self._settings.token, answered_at)
        return Answered(read, requested_at, answered_at)

    async def quota_remaining(self) -> int | None:
        """
        Return how many requests the vendor's window has room for.
        """
        return await self._budget.remaining()

    async def _status(self, window: Window) -> Pull:
        requested_at = self._clock.now()
        answer = await self._wire.get(_PATHS[SYSTEM_STATUS], {}, self._budget.middleware(STATUS))
        answered_at = self._clock.now()
        async with self._counting_foreign_use():
            status = self._answers.document(answer, answered_at)
        as_of, skew = requested_at - age_of(answer), self._skew.after(answer, answered_at)
        return Pull(
            stream=SYSTEM_STATUS,
            rows=[{"status": status}],
            requested_at=as_of,
            window_start=window.start,
            covered_from=min(window.start, as_of + skew.least),
            covered_to=as_of + skew.least,
            skew=skew.likely,
        )

    async def _calls(self, stream: str, purpose: str, params: Mapping[str, str]) -> Page:
        requested_at = self._clock.now()
        answer = await self._wire.get(_PATHS[stream], params, self._budget.middleware(purpose))
        answered_at = self._clock.now()
        async with self._counting_foreign_use():
            if len(answer.body) > READ_AT_ONCE_BYTES:
                rows = await asyncio.to_thread(self._answers.rows, answer, answered_at)
            else:
                rows = self._answers.rows(answer, answered_at)
        return Page(rows, requested_at - age_of(answer), self._skew.after(answer, answered_at))

    def _patient(self, ask: Ask) -> Ask:
        """
        Let all requests of one read but the first wait for a place in the window, for one window at the most.

        Polls use the budget as it comes free, so a read of several pages would never find room for them.
        """
        deadline: datetime | None = None

        async def ask_in_turn(params: Mapping[str, str]) -> Page:
            nonlocal deadline
            while True:
                try:
                    page = await ask(params)
                except SourceThrottled as error:
                    if deadline is None or error.reason != OWN_QUOTA or error.until > deadline:
                        raise
                    await self._clock.sleep((error.until - self._clock.now()).total_seconds())
                else:
                    deadline = deadline or self._clock.now() + timedelta(seconds=self._settings.budget.per_s)
                    return page

        return ask_in_turn

    @asynccontextmanager
    async def _counting_foreign_use(self) -> AsyncIterator[None]:
        """
        Note in the vendor's refusal how many of its limit were ours.
        """
        try:
            yield
        except SourceThrottled as error:
            error.own_in_window = await self._budget.taken()
            raise
