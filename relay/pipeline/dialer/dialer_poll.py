"""
The loop of one dialer: one request at a time, whichever is due.

A failure is an outcome: it is counted, shown in the source's state, and asked again later.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from relay.journal.port import StreamState
from relay.model.errors import JournalBusy, JournalUnusable, SourceError, SourceGarbled, SourceRefused
from relay.model.times import EPOCH
from relay.pipeline.dialer.agent_poll import AgentPoll
from relay.pipeline.dialer.call_follow_ups import CallFollowUps
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_inbox import DialerInbox
from relay.pipeline.dialer.dialer_settings import AGENTS, CALLS, PAST, VERSION
from relay.pipeline.pace import PaceSettings
from relay.pipeline.poll_state import DEGRADED, UP, PollSettings, StreamPoll, state_of
from relay.pipeline.waiting import pause, pause_until_done
from relay.sources.port import REFUSED_FOR

JOURNAL_PAUSE_S: Final = 0.2
FAILURES_TO_DEGRADED: Final = 3  # one broken answer among good ones is counted, and no state of the source
MAPPED_EVERY: Final = timedelta(seconds=10)  # where nobody tells that the mappings changed
NEVER: Final = timedelta(days=365)

log = logging.getLogger(__name__)


class Chore(Protocol):
    """
    Something that is asked again and again.
    """

    stream: str

    async def step(self) -> timedelta:
        """
        Ask once; return how long to wait for the next time.

        Raises:
            SourceError: no good answer.
        """
        ...


class DialerPoll:
    """
    The loop of one dialer, its only owner.

    Args:
        context: the dialer.
        chores: what is asked for, the most urgent first.
        inbox: what was put down for it.
        agents: asks for all agents (None: this kind has none).
        follow_ups: asks about calls that are over (None likewise).
    """

    def __init__(
        self,
        context: DialerContext,
        chores: Sequence[Chore],
        inbox: DialerInbox,
        agents: AgentPoll | None = None,
        follow_ups: CallFollowUps | None = None,
    ) -> None:
        self._context = context
        urgent: Sequence[Chore] = () if agents is None else (agents,)
        self._chores = {chore.stream: chore for chore in (*urgent, *chores)}
        self._inbox = inbox
        self._agents = agents
        self._follow_ups = follow_ups
        self._settings = _settings(context)
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._woken = asyncio.Event()
        self._mapped_at: datetime | None = None
        self._has_started = False
        self._is_trouble_gone = False
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
        Poll until told to stop; a request under way is then cut off.
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
                await self._start()
                self._has_started = True
            wait_s = (self._due_at() - self._context.clock.now()).total_seconds()
            await pause(self._context.clock, wait_s, stop, self._woken)
            if stop.is_set():
                return
            await self._read_inbox()
            if self._follow_ups is not None and self._follow_ups.release_at <= self._context.clock.now():
                await self._follow_ups.release()
            await self._do_what_is_due()
        except JournalBusy:
            # Nothing is lost: what was not written is asked for again.
            self._woken.set()
            self._context.metrics.journal_errors.labels("poll", "busy").inc()
            await self._context.clock.sleep(JOURNAL_PAUSE_S)

    async def _start(self) -> None:
        context, now = self._context, self._context.clock.now()
        head, stored = await context.ledger.head(), await context.ledger.stream_states()
        names = [*self._chores, *([CALLS] if self._follow_ups else ())]
        for name in names:
            stream = StreamPoll(
                name, timedelta(0), stored.get(name, StreamState()), now, is_call_stream=False
            )
            if head.state != UP and stream.stored.state == DEGRADED:
                stream.trouble = head.state  # as it was told: its next good answer says that it is over
            context.streams[name] = stream
        # What was in trouble is asked for no more: the first good answer of another says that it is over.
        self._is_trouble_gone = head.state != UP and not any(one.trouble for one in context.streams.values())
        context.metrics.set_source_state(context.label, head.state)
        if self._follow_ups is not None:
            recent = await self._follow_ups.recent()
            self._follow_ups.start(recent)
            if self._agents is not None:
                await self._agents.start(recent)
        self._woken.set()

    async def _read_inbox(self) -> None:
        now = self._context.clock.now()
        if self._woken.is_set() or self._mapped_at is None or now - self._mapped_at >= MAPPED_EVERY:
            self._woken.clear()
            if PAST in self._context.streams:  # a job may be what the loop was woken for
                past = self._context.streams[PAST]
                past.next_at = past.next_at if past.trouble else now
            self._context.mappings = await self._context.mapping_journal.mappings(self._context.source_id)
            self._mapped_at = now
        # Each time: what another process puts down wakes nobody here.
        if await self._inbox.step():
            self._woken.set()  # the rest at once

    def _due_at(self) -> datetime:
        due_at = min(self._due_of(name) for name in self._context.streams)
        return due_at if self._follow_ups is None else min(due_at, self._follow_ups.release_at)

    def _due_of(self, name: str) -> datetime:
        stream = self._context.streams[name]
        if name != CALLS or self._follow_ups is None:
            return stream.next_at
        due_at = self._follow_ups.due_at
        return max(stream.next_at, due_at or self._context.clock.now() + NEVER)

    async def _do_what_is_due(self) -> None:
        now = self._context.clock.now()
        due = {name: due_at for name in self._context.streams if (due_at := self._due_of(name)) <= now}
        if not due:
            return
        name = self._first_of(due)
        stream = self._context.streams[name]
        had_trouble, stream.asked_at = stream.trouble is not None, now
        try:
            wait = await self._step_of(name)
        except SourceError as error:
            await self._failed(stream, error)
            return
        except (JournalBusy, JournalUnusable):
            raise
        except Exception as error:  # a bug met by one answer must end neither the loop nor the other streams
            log.exception("an answer could not be taken", extra={"source": self.source_id, "stream": name})
            self._context.metrics.poll_requests.labels(self._context.label, name, "bug").inc()
            await self._failed(stream, SourceGarbled(self.source_id, "bug", repr(error), ""))
            return
        was_new = not stream.stored.had_good_answer or stream.stored.state != UP
        stream.incomplete_in_a_row = 0
        stream.succeeded(now)
        stream.next_at = self._context.clock.now() + wait
        if had_trouble or was_new or self._is_trouble_gone:
            self._is_trouble_gone = False
            await self._note(stream, None)
            if had_trouble:
                log.info("stream answers again", extra={"source": self.source_id, "stream": name})

    def _first_of(self, due: Mapping[str, datetime]) -> str:
        """
        Return what to ask for first: after a start the clock, by which all else is read; then agents, on time
        whatever else waits.  Of the others none waits for ever.
        """
        if VERSION in due and self._context.streams[VERSION].asked_at == EPOCH:
            return VERSION
        return AGENTS if AGENTS in due else min(due, key=lambda name: due[name])

    async def _step_of(self, name: str) -> timedelta:
        if name == CALLS and self._follow_ups is not None:
            await self._follow_ups.step()
            return timedelta(0)
        return await self._chores[name].step()

    async def _failed(self, stream: StreamPoll, error: SourceError) -> None:
        context, now = self._context, self._context.clock.now()
        before, state_before = stream.trouble, stream.stored.state
        stream.failed(error, now, self._settings, self._rng)
        if stream.trouble == DEGRADED and stream.failures_in_a_row < FAILURES_TO_DEGRADED:
            stream.trouble = before
            stream.stored = replace(stream.stored, state=state_before)
        if stream.is_absent and stream.name == AGENTS:  # without agents nothing is left
            stream.trouble = DEGRADED
        if isinstance(error, SourceRefused):
            for other in context.streams.values():
                other.next_at = max(other.next_at, now + REFUSED_FOR)
        if stream.trouble != before or stream.stored.state != state_before:
            log.warning(
                "stream fails", extra={"source": self.source_id, "stream": stream.name, "reason": str(error)}
            )
            await self._note(stream, error.reason)

    async def _note(self, stream: StreamPoll, reason: str | None) -> None:
        context = self._context
        context.metrics.set_source_state(context.label, state_of(context.streams.values()))
        await context.ledger.note(context.streams, stream, reason, None)


def _settings(context: DialerContext) -> PollSettings:
    """
    Return when to ask again after a failure: a dialer sets no limit, but locks a user who fails to log in.
    """
    per_s = REFUSED_FOR.total_seconds()
    pace = PaceSettings(1, per_s, context.settings.poll_every_s, 0.0)
    return PollSettings(pace, per_s, timedelta(0), per_s, per_s)
