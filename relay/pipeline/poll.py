"""
Poll: one phone system into the journal (rooms 1, 2 and 3), for ever.

A step asks the stream whose read is worth most and takes what it answered into the journal; between the
turns it takes what was put down for the source, reads the past, and lets held ends go.  A failure is an
outcome: it is counted, shown in the source's state, and asked again later.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from relay.model.errors import JournalBusy
from relay.pipeline.command_links import CommandLinks
from relay.pipeline.ends import Ends
from relay.pipeline.inbox import Inbox
from relay.pipeline.live import Live
from relay.pipeline.past import Past
from relay.pipeline.poll_context import PollContext
from relay.pipeline.source_gauges import show_source
from relay.pipeline.waiting import pause, pause_until_done

JOURNAL_PAUSE_S: Final = 0.2


class Poll:
    """
    The loop of one source, its only owner.

    Args:
        context: the source.
        inbox: what was put down for it.
        commands: finds the calls that commands caused.
    """

    def __init__(self, context: PollContext, inbox: Inbox, commands: CommandLinks) -> None:
        self._context = context
        self._clock = context.clock
        self._live = Live(context)
        self._ends = Ends(context)
        self._past = Past(context, self._ends)
        self._inbox = inbox
        self._commands = commands
        self._has_started = False
        self._release_at: datetime | None = None  # when a held end goes out, whether or not a stream is asked
        self._woken = asyncio.Event()
        self.name = f"poll {context.source_id}"

    @property
    def source_id(self) -> str:
        """
        Return which source it is.
        """
        return self._context.source_id

    def wake(self) -> None:
        """
        Look at once at what was put down for this source.
        """
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """
        Poll until told to stop; a request under way is then cut off and counts as sent.
        """
        while not stop.is_set():
            step = asyncio.create_task(self.step(stop))
            await pause_until_done(step, stop, grace_s=0)
            if not step.cancelled():
                step.result()

    async def step(self, stop: asyncio.Event) -> None:
        """
        Wait for the next thing to do, and do it.
        """
        try:
            if not self._has_started:
                await self._live.start()
                await self._commands.start()
                self._has_started = True
            turn_at = self._live.turn_at
            others = (self._release_at, self._past.next_at)
            await self._wait_until(min([turn_at, *(at for at in others if at is not None)]), stop)
            if not stop.is_set():
                await self._work(turn_at)
        except JournalBusy:
            # Nothing of this step is lost: the next poll reads the whole window again.
            self._context.metrics.journal_errors.labels("poll", "busy").inc()
            await self._clock.sleep(JOURNAL_PAUSE_S)

    async def _wait_until(self, at: datetime, stop: asyncio.Event) -> None:
        await pause(self._clock, (at - self._clock.now()).total_seconds(), stop, self._woken)
        if self._woken.is_set():
            self._woken.clear()
            self._past.look_again()

    async def _work(self, turn_at: datetime) -> None:
        # Only the phone system's first answer tells by what clock its pushes are to be read.
        is_further = self._live.has_tried_any and await self._inbox.step()
        if is_further:
            self._live.expect_news()
            self._live.look_at(self._inbox.looks)
            self._inbox.looks = []
        if self._clock.now() >= turn_at:
            await self._live.take_turn()
            is_further = True
        elif self._past.is_due:
            is_further |= await self._past.step()
        if self._live.has_tried_any and self._inbox.is_full:
            self._woken.set()  # the rest at once
        if self._live.has_tried_all:
            # Just started: what ended while relay was away may have legs in streams not read yet.
            self._release_at = await self._ends.step()
        if is_further:
            await self._commands.step()
            await self._show()

    async def _show(self) -> None:
        await show_source(self._context)
        remaining = await self._context.source.quota_remaining()
        if remaining is not None:
            self._context.metrics.poll_quota_remaining.labels(self._context.label()).set(remaining)
