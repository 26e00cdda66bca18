"""
What follows from time that passed: held ends go out, calls settle, pushes that nothing confirmed close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from relay.model.call import USER_CALLS
from relay.model.change import CallChange
from relay.model.coverage import DEEP, GAP, Read
from relay.model.errors import RevisionConflict
from relay.pipeline.poll_context import PollContext

SETTLED_AT_ONCE: Final = 100
REACH: Final = timedelta(days=3)  # calls that ended before are left as they are
PROOFS: Final = (DEEP, GAP)
TICK: Final = timedelta(milliseconds=1)

Reads = Mapping[str, Sequence[Read]]


class Ends:
    """
    Closes what is over, for one source.
    """

    def __init__(self, context: PollContext) -> None:
        self._context = context
        self._settled_with: dict[str, datetime | None] = {}

    async def step(self) -> datetime | None:
        """
        Do what is due; return when the next held end goes out whatever the streams show.
        """
        at = await self._release()
        deep = {name: self._context.streams[name].deep_at for name in self._context.call_streams}
        if deep != self._settled_with and None not in deep.values():
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

    async def _settle(self) -> None:
        """
        Settle every call whose time a deep read of each stream has proven, some calls at a time.
        """
        context, journal = self._context, self._context.journal
        lookback = max(
            (context.ledger.lookback(context.streams[name]) for name in context.call_streams),
            default=context.settings.lookback,
        )
        ended_from = context.now - REACH - lookback
        while True:
            calls = await journal.unsettled_calls(
                context.source_id, ended_from, context.now - lookback, SETTLED_AT_ONCE
            )
            if not calls.calls:
                return
            reads = await self._reads(ended_from, PROOFS)
            gaps = await journal.open_gaps(context.source_id)
            changes = context.assembler.settle(calls, reads, gaps, lookback)
            if not await self._append(changes):
                continue
            if len(calls.calls) < SETTLED_AT_ONCE:
                return
            if not changes:  # none of these may settle yet: look behind them
                ended_from = max(call.ended_at for call in calls.calls.values() if call.ended_at) + TICK

    async def _reads(self, since: datetime, tiers: Sequence[str] | None = None) -> Reads:
        found = await self._context.journal.reads(self._context.source_id, since, tiers)
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
