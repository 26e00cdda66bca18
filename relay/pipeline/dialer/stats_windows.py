"""
What agents did, in windows of time that are over.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from relay.model import vendor_answer as verdicts
from relay.model.errors import RecordRejected, RevisionConflict, SourceGarbled
from relay.model.ids import IdMaker
from relay.model.subject_state import AGENT
from relay.model.times import EPOCH
from relay.normalise.agent_stats import AgentStats, StatsWindow, read_stats, stats_change
from relay.pipeline.dialer.asking import ask
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import AGENT_STATS


class StatsWindows:
    """
    Asks for each window once, some time after its end; those that went by while relay was away are asked
    for one after the other.

    Args:
        context: the dialer.
        every: length of a window; windows begin at multiples of it.
        ids: makes the ids of events.
    """

    stream = AGENT_STATS

    def __init__(self, context: DialerContext, every: timedelta, ids: IdMaker) -> None:
        self._context = context
        self._every = every
        self._ids = ids

    async def step(self) -> timedelta:
        """
        Ask for the oldest window not read yet; return how long to wait for the next.

        Raises:
            SourceError: no good answer.
        """
        context = self._context
        start = self._next_start()
        end = start + self._every
        due = end + timedelta(seconds=context.settings.stats_settle_s)
        if due > context.now:
            return due - context.now
        stats, window = await self._ask(start, end)
        stream = context.streams[AGENT_STATS]
        stored = replace(stream.stored, polled_at=end, had_good_answer=True)
        while True:
            states = await context.journal.subjects(context.source_id, (AGENT,))
            known = {state.name: state for state in states}
            made = [
                stats_change(
                    self._ids, context.source_id, known.get(one.agent_id), one, window, context.mappings
                )
                for one in stats
            ]
            changes = [change for change in made if change is not None]
            try:
                await context.append(AGENT_STATS, subjects=changes, stream_state=stored)
                break
            except RevisionConflict:
                continue  # made anew from what is there now
        stream.stored = stored  # not before it is written: else the window would be left out
        return timedelta(0)

    async def _ask(self, start: datetime, end: datetime) -> tuple[list[AgentStats], StatsWindow]:
        context, zone = self._context, self._context.rules.zone
        params = {
            "datetime_start": f"{start.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            # The last second is part of the dialer's window.
            "datetime_end": f"{(end - timedelta(seconds=1)).astimezone(zone):%Y-%m-%d %H:%M:%S}",
            "time_format": "S",
            "stage": "pipe",
        }
        answered = await ask(context, AGENT_STATS, "agent_stats_export", params)
        if answered.answer.verdict not in (verdicts.ROWS, verdicts.EMPTY):
            raise SourceGarbled(context.source_id, "bad_payload", answered.answer.verdict, "")
        try:
            stats = [read_stats(row) for row in answered.answer.rows]
        except RecordRejected as error:
            raise SourceGarbled(context.source_id, "bad_payload", error.why, "") from error
        if len({one.agent_id for one in stats}) < len(stats):
            why = "agent_stats_export: an agent stands in two rows"
            raise SourceGarbled(context.source_id, "bad_payload", why, "")
        return stats, StatsWindow(start, end, answered.requested_at)

    def _next_start(self) -> datetime:
        stream = self._context.streams[AGENT_STATS]
        if stream.stored.polled_at is None:  # kept, or the first window would always be the present one
            begin = EPOCH + (self._context.now - EPOCH) // self._every * self._every
            stream.stored = replace(stream.stored, polled_at=begin)
            return begin
        return stream.stored.polled_at
