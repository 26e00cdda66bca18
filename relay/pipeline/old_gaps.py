"""
Read what could not be read in its time: the gaps that are too old for the polls.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from relay.model.coverage import GAP, Gap, Interval
from relay.model.errors import RevisionConflict, SourceError, SourceThrottled
from relay.model.times import EPOCH
from relay.pipeline.asking import AGAIN, ask
from relay.pipeline.ends import Ends
from relay.pipeline.page import Page
from relay.pipeline.poll_context import PollContext
from relay.pipeline.source_ledger import OLD_GAP
from relay.pipeline.span import Span
from relay.sources import port
from relay.sources.port import Window

LONGEST_PAUSE: Final = timedelta(days=1)
MOST_DOUBLINGS: Final = 12


class OldGaps:
    """
    The old gaps of one source; a stretch a step.

    Args:
        context: the source.
        ends: settles the calls of what was read.
    """

    def __init__(self, context: PollContext, ends: Ends) -> None:
        self._context = context
        self._ends = ends
        self._span = Span()
        self._asked: dict[tuple[str, datetime], tuple[int, datetime]] = {}  # tries, and when to try again

    async def step(self) -> bool:
        """
        Read a stretch of the oldest gap; return whether that made it smaller.

        Raises:
            SourceThrottled: there is no place left for the past.
        """
        context = self._context
        view, now = await context.ledger.view(), context.clock.now()
        stretches = ((gap.stream, gap.start, gap.end) for gap in view.open_gaps if self._is_mine(gap, now))
        name, start, gap_end = next(stretches, (None, EPOCH, None))
        if name is None or gap_end is None:
            return False
        # Asked again after a pause that grows, so that one that cannot be read holds up nothing else.
        tries = self._asked[name, start][0] + 1 if (name, start) in self._asked else 1
        pause = min(AGAIN * 2 ** min(tries - 1, MOST_DOUBLINGS), LONGEST_PAUSE)
        self._asked[name, start] = tries, now + pause
        end = min(gap_end, start + self._span.length)
        try:
            window = Window(start, end, purpose=port.BACKFILL)
            pull = await ask(context, name, window, only_look_since=start)
        except SourceThrottled:
            del self._asked[name, start]
            raise
        except SourceError:
            self._span.failed()
            return False  # counted by who asked; the gap stays open
        stream = context.streams[name]
        conclude = context.ledger.concluding(view, context.streams, stream, pull)
        try:
            result = await context.ingest.take(context.source_id, Page(pull, GAP), stream.stored, conclude)
        except RevisionConflict:
            context.metrics.journal_errors.labels("append", "conflict").inc()
            return False
        stream.stored = result.state
        self._span.fit(pull)
        if result.read is None or pull.covered_from >= end:
            return False
        del self._asked[name, start]
        self._ends.will_settle(Interval(start, end))
        return True

    def _is_mine(self, gap: Gap, now: datetime) -> bool:
        if now < self._asked.get((gap.stream, gap.start), (0, EPOCH))[1]:
            return False
        is_old = gap.start < self._context.now - OLD_GAP
        return is_old and gap.end is not None and gap.stream in self._context.call_streams
