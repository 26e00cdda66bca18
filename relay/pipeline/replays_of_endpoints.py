"""
Replays: events that people have sent to an endpoint again.

A replay goes through the journal a little at a time and makes deliveries, which go out in the endpoint's lane
for resends.  It stays just ahead of what was delivered: the rest waits in the journal as what it is, events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relay.journal.port import OperatingJournal
from relay.model.clock import Clock
from relay.model.endpoint import DISABLED, PAUSED
from relay.model.errors import JournalBusy, NotFound
from relay.model.replay import (
    ENDPOINT_DELETED,
    ENDPOINT_DISABLED,
    ENDPOINT_PAUSED,
    Replay,
    ReplayStand,
)
from relay.model.source_work import DONE, FAILED, WAITING
from relay.pipeline.waiting import pause
from relay.telemetry.metrics import Metrics

MAX_PENDING: Final = 500  # of one replay, those that wait for a retry too
SECONDS_AHEAD: Final = 2.0  # what could be sent at once is no more than its rate gives in such a time
LEAST_AHEAD: Final = 10
MADE_AT_ONCE: Final = 200  # nobody else can write meanwhile
TURN_S: Final = 0.2
LOOK_S: Final = 0.5  # what nobody tells of: outcomes, an endpoint that is resumed
NEVER_S: Final = 86_400.0
BUSY_PAUSE_S: Final = 0.2

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Allowance:
    """
    How many deliveries a replay may make by now: a bucket that its rate fills.
    """

    tokens: float
    filled_at: float


class ReplaysOfEndpoints:
    """
    Works on all replays that have not ended, each in its turn.

    Args:
        journal: keeps them.
        resent: told of an endpoint that has deliveries to be sent again.
        clock: the time.
        metrics: counts a busy journal.
    """

    name = "replays of endpoints"

    def __init__(
        self, journal: OperatingJournal, resent: Callable[[str], None], clock: Clock, metrics: Metrics
    ) -> None:
        self._journal = journal
        self._resent = resent
        self._clock = clock
        self._metrics = metrics
        self._woken = asyncio.Event()
        self._allowances: dict[int, _Allowance] = {}

    def wake(self) -> None:
        """
        Look at once for a new replay.
        """
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """
        Work until told to stop; what is left is gone on with at the next start.
        """
        while not stop.is_set():
            self._woken.clear()
            try:
                wait_s = await self.step()
            except JournalBusy:
                self._metrics.journal_errors.labels("replay", "busy").inc()
                wait_s = BUSY_PAUSE_S
            await pause(self._clock, wait_s, stop, self._woken)

    async def step(self) -> float:
        """
        Take every replay a little further; return after how many seconds there is more to do.
        """
        stands = await self._journal.unfinished_replays(self._clock.now())
        for job_id in self._allowances.keys() - {stand.replay.job_id for stand in stands}:
            del self._allowances[job_id]
        return min([await self._advance(stand) for stand in stands], default=NEVER_S)

    async def _advance(self, stand: ReplayStand) -> float:
        replay = stand.replay
        if stand.is_deleted or stand.endpoint_state == DISABLED:
            await self._end(replay, FAILED, ENDPOINT_DELETED if stand.is_deleted else ENDPOINT_DISABLED)
            return NEVER_S
        if stand.endpoint_state == PAUSED:
            if replay.reason != ENDPOINT_PAUSED:
                await self._journal.note_replay(replay, WAITING, ENDPOINT_PAUSED, self._clock.now())
            return LOOK_S
        if replay.at_seq >= replay.to_seq:
            if stand.pending:
                return LOOK_S
            await self._end(replay, DONE, None)
            return NEVER_S
        ahead = max(LEAST_AHEAD, round(replay.rate_per_s * SECONDS_AHEAD))
        room = min(MAX_PENDING - stand.pending, ahead - stand.due)
        if room <= 0:
            return TURN_S
        allowance = self._allowance(replay)
        if allowance.tokens < 1:
            return max((1 - allowance.tokens) / replay.rate_per_s, TURN_S)
        return await self._make(replay, min(room, int(allowance.tokens), MADE_AT_ONCE), allowance)

    async def _make(self, replay: Replay, limit: int, allowance: _Allowance) -> float:
        started = self._clock.monotonic()
        try:
            chosen = await self._journal.choose(replay, limit)
        except NotFound:  # its endpoint was deleted just now: the next look says so
            return LOOK_S
        if await self._journal.enter(replay, chosen, self._clock.now()) and chosen.events:
            allowance.tokens -= len(chosen.events)
            self._resent(replay.endpoint_id)
            return TURN_S if allowance.tokens < 1 else 0.0
        # The next events are looked at no sooner than these took: half of the time is for others.
        return self._clock.monotonic() - started

    async def _end(self, replay: Replay, state: str, reason: str | None) -> None:
        await self._journal.note_replay(replay, state, reason, self._clock.now())
        told = {"replay": replay.job_id, "endpoint": replay.endpoint_id, "state": state, "reason": reason}
        log.info("a replay has ended", extra=told)

    def _allowance(self, replay: Replay) -> _Allowance:
        """
        Return the bucket of a replay, filled until now; it holds what its rate gives between two looks.
        """
        now, most = self._clock.monotonic(), max(1.0, replay.rate_per_s * LOOK_S)
        known = self._allowances.setdefault(replay.job_id, _Allowance(most, now))
        gained = (now - known.filled_at) * replay.rate_per_s
        known.tokens, known.filled_at = min(most, known.tokens + gained), now
        return known
