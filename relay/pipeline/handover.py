"""
What must be over before a lane sends anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from relay.model.errors import JournalBusy
from relay.pipeline.endpoint_reports import BUSY_PAUSE_S
from relay.pipeline.lane_context import LaneContext


@dataclass(frozen=True, slots=True)
class Handover:
    """
    A lane follows another that sent what waited in another order, or in batches.

    Args:
        endpoint_no: of the lanes' endpoint.
        has_ended: set once the last attempt of the one before has ended; None: there was none.
    """

    endpoint_no: int
    has_ended: asyncio.Event | None

    async def finish(self, context: LaneContext, is_stopping: Callable[[], bool]) -> None:
        """
        Return once what came of the attempts of before is durable, and what waits has the order that the
        endpoint wants now; earlier where the lane is to stop: the next one goes on with it.
        """
        if self.has_ended is not None:
            await self.has_ended.wait()
            await context.settler.flushed()
        place: int | None = None
        while not is_stopping():
            try:
                place = await context.journal.reorder(self.endpoint_no, place, context.clock.now_ms())
            except JournalBusy:
                context.metrics.journal_errors.labels("reorder", "busy").inc()
                await context.clock.sleep(BUSY_PAUSE_S)
                continue
            if place is None:
                return
