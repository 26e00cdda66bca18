"""
Read the past with what the polls leave of the budget: old gaps first, then backfills and reconciliations.
"""

from __future__ import annotations

from relay.model.errors import SourceThrottled
from relay.model.times import EPOCH
from relay.pipeline.asking import AGAIN
from relay.pipeline.ends import Ends
from relay.pipeline.old_gaps import OldGaps
from relay.pipeline.past_jobs import PastJobs
from relay.pipeline.poll_context import PollContext


class Past:
    """
    The reader of the past of one source; a request, or some calls to settle, a step.

    Args:
        context: the source.
        ends: settles the calls of what was read.
    """

    def __init__(self, context: PollContext, ends: Ends) -> None:
        self._context = context
        self._ends = ends
        self._gaps = OldGaps(context, ends)
        self._jobs = PastJobs(context, ends)
        self._not_before = EPOCH  # there is no place in the budget till then, whoever wakes the loop
        self.next_at = context.clock.now()

    @property
    def is_due(self) -> bool:
        """
        Tell whether there may be something to do now.
        """
        return self._context.clock.now() >= self.next_at

    def look_again(self) -> None:
        """
        Look at once whether there is a job.
        """
        self.next_at = max(self._context.clock.now(), self._not_before)

    async def step(self) -> bool:
        """
        Take the oldest gap, or what it left to settle, or the job under way a step further.

        Returns:
            whether anything came further; if not, there is nothing to do for a minute.
        """
        now = self._context.clock.now()
        self.next_at = now + AGAIN
        if self._context.is_refused:
            return False
        try:
            is_further = await self._gaps.step() or await self._ends.settle_past() or await self._jobs.step()
        except SourceThrottled as error:
            self.next_at = self._not_before = max(error.until, now)
            return False
        if is_further:
            self.next_at = now
        return is_further
