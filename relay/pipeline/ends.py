"""
What follows from time that passed: held ends go out, calls settle, pushes that nothing confirmed close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from relay.journal.port import NearKeys
from relay.model.call import USER_CALLS
from relay.model.change import CallChange, Neighbourhood
from relay.model.coverage import BACKFILL, DEEP, GAP, RECONCILE, Interval, Read
from relay.model.errors import RevisionConflict
from relay.model.times import EPOCH
from relay.pipeline.poll_context import PollContext

SETTLED_AT_ONCE: Final = 100
REACH: Final = timedelta(days=3)  # calls that ended before are looked at when their past was read
PROOFS: Final = (DEEP, GAP, BACKFILL, RECONCILE)
MARGIN: Final = timedelta(hours=1)  # calls of a stretch of time may reach so far beyond its edges
TICK: Final = timedelta(milliseconds=1)

Reads = Mapping[str, Sequence[Read]]


class Ends:
    """
    Closes what is over, for one source.
    """

    def __init__(self, context: PollContext) -> None:
        self._context = context
        self._settled_with: dict[str, datetime | None] = {}
        # Calls that ended longer ago wait to be settled; after a start nobody knows which.
        self._unsettled: Interval | None = Interval(EPOCH, context.now - REACH)

    def will_settle(self, stretch: Interval) -> None:
        """
        Note that a stretch of the past was read, so that its calls may be settled now.
        """
        waiting = self._unsettled or stretch
        self._unsettled = Interval(min(waiting.start, stretch.start), max(waiting.end, stretch.end + MARGIN))

    async def settle_past(self) -> bool:
        """
        Settle some calls of the past; return whether there are more to look at.
        """
        if self._unsettled is None or not self._context.were_all_read:
            return False
        self._unsettled = await self._settle_some(self._unsettled)
        return self._unsettled is not None

    async def step(self) -> datetime | None:
        """
        Do what is due; return when the next held end goes out whatever the streams show.
        """
        at = await self._release()
        deep = {name: self._context.streams[name].deep_at for name in self._context.call_streams}
        if deep != self._settled_with and self._context.were_all_read:
            await self._close_unconfirmed()
            await self._settle()
            self._settled_with = deep
        return at

    async def _release(self) -> datetime | None:
        context = self._context
        while True:
            held = await context.journal.held_calls(context.source_id)
            if not held.calls:
                return None
            earliest = min(call.ended_at or context.now for call in held.calls.values())
            reads = await self._reads(max(earliest, context.now - REACH))
            changes = context.assembler.release(held, reads, context.clock.now())
            if await self._append(changes):
                return context.assembler.next_release(held, changes)

    async def _close_unconfirmed(self) -> None:
        """
        Close what only a push told of and no complete read has shown a look-back later.
        """
        context, lookback = self._context, self._lookback()
        started_from = context.now - lookback - REACH
        while True:
            calls = await context.journal.provisional_calls(
                context.source_id, started_from, context.now - lookback, SETTLED_AT_ONCE
            )
            if not calls.calls:
                return
            reads = await self._reads(context.now - lookback - REACH, PROOFS)
            changes = context.assembler.unconfirmed(calls, reads, lookback)
            if not await self._append(changes):
                continue
            told = sorted(
                leg.facts.started_at
                for leg in calls.legs
                if leg.is_unproven and leg.facts.started_at >= started_from
            )
            if len(told) < SETTLED_AT_ONCE:
                return
            if not changes:  # nothing proves any of these: look behind them
                last = told[SETTLED_AT_ONCE - 1]
                started_from = last if last > started_from else last + TICK

    async def _settle(self) -> None:
        """
        Settle every call whose time a deep read of each stream has proven, some calls at a time.
        """
        now, lookback = self._context.now, self._lookback()
        rest: Interval | None = Interval(now - REACH - lookback, now - lookback)
        while rest is not None:
            rest = await self._settle_some(rest)

    async def _settle_some(self, ended: Interval) -> Interval | None:
        """
        Settle some of the calls that ended in a stretch of time; return the rest of it, None when done.
        """
        context, lookback = self._context, self._lookback()
        calls = await context.journal.unsettled_calls(
            context.source_id, ended.start, ended.end, SETTLED_AT_ONCE
        )
        if not calls.calls:
            return None
        ends = [call.ended_at for call in calls.calls.values() if call.ended_at]
        lasted = Interval(min(call.started_at for call in calls.calls.values()), max(ends))
        reads = await self._reads(min(ends), PROOFS, lasted)
        gaps = await context.journal.open_gaps(context.source_id)
        changes = context.assembler.settle(await self._with_bags(calls), reads, gaps, lookback)
        if not await self._append(changes):
            return ended
        if len(calls.calls) < SETTLED_AT_ONCE:
            return None
        # Where none of these may settle yet: what lies behind them.
        return ended if changes else Interval(max(ends) + TICK, ended.end)

    def _lookback(self) -> timedelta:
        context = self._context
        lookbacks = [context.ledger.lookback(context.streams[name]) for name in context.call_streams]
        return max(lookbacks, default=context.settings.lookback)

    async def _with_bags(self, calls: Neighbourhood) -> Neighbourhood:
        """
        Return calls with those that hold other legs of their bags: a rebuild would rank them together.
        """
        context = self._context
        bags = NearKeys(
            base_keys={leg.facts.base_key for leg in calls.legs},
            native_ids=(),
            link_keys=(),
            started_from=EPOCH,
            ended_from=EPOCH,
            started_to=EPOCH,
        )
        near = await context.journal.neighbourhood(context.source_id, bags)
        return Neighbourhood({**near.calls, **calls.calls}, near.legs)

    async def _reads(
        self, since: datetime, tiers: Sequence[str] | None = None, touching: Interval | None = None
    ) -> Reads:
        found = await self._context.journal.reads(self._context.source_id, since, tiers, touching)
        return {name: found.get(name, ()) for name in self._context.call_streams}

    async def _append(self, changes: Sequence[CallChange]) -> bool:
        """
        Append changes; return False where a call had moved on and all must be looked at again.
        """
        try:
            await self._context.ingest.append_calls(self._context.source_id, USER_CALLS, changes)
        except RevisionConflict:
            self._context.metrics.journal_errors.labels("append", "conflict").inc()
            return False
        return True
