"""
All agents of a dialer in one request: what they do, and which calls they have.

A poll that cannot be read wholly changes nothing: nobody is logged out, and no call ends, because of it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from relay.journal.port import StreamState
from relay.model import vendor_answer as verdicts
from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected, RevisionConflict, SourceAbsent, SourceGarbled
from relay.model.subject_state import AGENT, SubjectChange, SubjectState
from relay.normalise.agent_rows import DEAD, INCALL, AgentSeen, read_logged_in_agents
from relay.normalise.agents import AgentDiff
from relay.normalise.call_watch import CallWatch, Holding, Sighting, Watched
from relay.normalise.dialer_calls import KnownDialerCall
from relay.normalise.dialer_ids import is_call_id
from relay.normalise.poll_times import PollTimes
from relay.pipeline.dialer.asking import ask
from relay.pipeline.dialer.call_book import CallBook, Telling, Told
from relay.pipeline.dialer.call_details import CallDetails, Details
from relay.pipeline.dialer.call_follow_ups import CallFollowUps
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import AGENTS
from relay.pipeline.dialer.intervals import middle
from relay.pipeline.poll_state import ABSENT_EVERY

DUTY: Final = 10  # a dialer is asked for a tenth of the time at the most
JITTER: Final = 0.05
WRITTEN_EVERY: Final = timedelta(seconds=10)  # how old the stored time of the last poll may be after a crash
DIAL: Final = "DIAL"
PARK: Final = "PARK"
WRITING: Final = frozenset({"DISPO", DEAD})  # the call is over, and its agent has not said what came of it


class AgentPoll:
    """
    Asks for all agents again and again.

    Args:
        context: the dialer.
        book: its calls.
        diff: says what two polls differ in.
        details: asks for what a poll does not show of a call.
        follow_ups: told of calls that are over.
    """

    stream = AGENTS

    def __init__(
        self,
        context: DialerContext,
        book: CallBook,
        diff: AgentDiff,
        details: CallDetails,
        follow_ups: CallFollowUps,
    ) -> None:
        self._context = context
        self._book = book
        self._diff = diff
        self._details = details
        self._follow_ups = follow_ups
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._known: dict[str, SubjectState] | None = None
        self._watch = CallWatch({})
        self._keys: dict[str, str] = {}  # of the calls being watched: what an id says depends on when
        self._polled_at: datetime | None = None  # the last good poll
        self._written_at: datetime | None = None  # and the last one the journal knows of
        self._one_by_one_until: datetime | None = None

    async def start(self, recent: Mapping[str, KnownDialerCall]) -> None:
        """
        Read back who was logged in, and take up which of the recent calls were under way.
        """
        context = self._context
        await self._read_agents()
        self._polled_at = self._written_at = context.streams[AGENTS].stored.polled_at
        open_calls: dict[str, Watched] = {}
        if self._polled_at is not None:
            for base_key, known in recent.items():
                call = known.facts
                if call.vendor_id is not None and call.ended_at is None and not call.is_pushed:
                    holders = (call.agent_id,) if call.agent_id else ()
                    is_answered = call.answered_at is not None
                    open_calls[call.vendor_id] = Watched(holders, is_answered, self._polled_at)
                    self._keys[call.vendor_id] = base_key
        self._watch = CallWatch(open_calls)

    async def step(self) -> timedelta:
        """
        Poll once; return how long to wait for the next.

        Raises:
            SourceError: no good answer.
        """
        context = self._context
        started = context.clock.monotonic()
        asked_at, seen = await self._ask()
        took_s = context.clock.monotonic() - started
        await self._take(seen, asked_at)
        every_s = max(context.settings.poll_every_s, DUTY * took_s)
        return timedelta(seconds=every_s * self._rng.uniform(1 - JITTER, 1 + JITTER))

    async def _ask(self) -> tuple[datetime, list[AgentSeen]]:
        now = self._context.clock.now()
        if self._one_by_one_until is None or now >= self._one_by_one_until:
            try:
                return await self._ask_for_all()
            except SourceAbsent:
                if not self._context.settings.agents:
                    raise
                self._one_by_one_until = now + ABSENT_EVERY
        return await self._ask_one_by_one()

    async def _ask_for_all(self) -> tuple[datetime, list[AgentSeen]]:
        params = {"show_sub_status": "YES", "stage": "pipe"}
        answered = await ask(self._context, AGENTS, "logged_in_agents", params)
        self._one_by_one_until = None
        rows = answered.answer.rows
        if answered.answer.verdict not in (verdicts.ROWS, verdicts.EMPTY):
            raise self._garbled(f"logged_in_agents answered {answered.answer.verdict}", answered.answer.raw)
        try:
            return answered.requested_at, read_logged_in_agents(rows)
        except RecordRejected as error:
            raise self._garbled(error.why, answered.answer.raw) from error

    async def _ask_one_by_one(self) -> tuple[datetime, list[AgentSeen]]:
        seen, asked_at = [], self._context.clock.now()
        for agent_id in self._context.settings.agents:
            agent = await self._details.agent(agent_id)
            if agent is not None:
                seen.append(agent)
        return asked_at, seen

    def _garbled(self, why: str, sample: str) -> SourceGarbled:
        return SourceGarbled(self._context.source_id, "bad_payload", why, sample[:200])

    async def _take(self, seen: Sequence[AgentSeen], asked_at: datetime) -> None:
        context = self._context
        at = context.at_dialer(asked_at)
        previous = None if self._polled_at is None else context.at_dialer(self._polled_at)
        watch, sightings = self._watch.after(_holdings(seen), {one.agent_id for one in seen}, at, previous)
        by_id = {one.agent_id: one for one in seen}
        details = await self._details.of_new(sightings, by_id)
        seen = [details.completed(one) for one in seen]
        telling = Telling(
            {self._key(one.call_id, at): self._told(one, by_id, details, at) for one in sightings}, asked_at
        )
        times = PollTimes(asked_at, self._polled_at, context.ledger.skew)
        changes: list[SubjectChange] = []
        while True:
            known = self._known if self._known is not None else await self._read_agents()
            changes = self._diff.diff(known, seen, times, context.mappings)
            last = self._stream_state(asked_at, has_news=bool(telling.of_calls or changes))
            if not last:
                break
            try:
                await self._book.tell(AGENTS, telling, partial(list, changes), **last)
                break
            except RevisionConflict:
                self._known = None
        for change in changes:
            known[change.state.name] = change.state
        if last:
            self._written_at = asked_at
            context.streams[AGENTS].stored = last["stream_state"]
        for sighting in sightings:
            if sighting.left is not None:
                self._follow_ups.add(self._key(sighting.call_id, at), sighting.call_id, sighting.agent_id)
        self._follow_ups.wrapping_up({one.agent_id for one in seen if one.sub_status in WRITING})
        self._keys = {vendor_id: self._key(vendor_id, at) for vendor_id in watch.calls}
        self._watch, self._polled_at = watch, asked_at

    def _stream_state(self, asked_at: datetime, *, has_news: bool) -> dict[str, StreamState]:
        """
        Return what else is written: the time of the poll, for a start after a crash; with what it shows, so
        that this is never told as of an older interval, else now and then.
        """
        is_fresh = self._written_at is not None and asked_at - self._written_at < WRITTEN_EVERY
        if is_fresh and not has_news:
            return {}
        stored = self._context.streams[AGENTS].stored
        return {"stream_state": replace(stored, polled_at=asked_at, had_good_answer=True)}

    def _key(self, vendor_id: str, at: datetime) -> str:
        return self._keys.get(vendor_id) or self._book.calls.base_key(vendor_id, at)

    def _told(
        self, sighting: Sighting, by_id: Mapping[str, AgentSeen], details: Details, at: datetime
    ) -> Told:
        def told(known: KnownDialerCall | None) -> DialerCall:
            call = known.facts if known else self._book.calls.new(sighting.call_id, at)
            if known and sighting.is_new and not known.call.is_end_published:
                call = call._replace(ended_at=None, ended_precision_s=None)  # it came back
            agent = by_id.get(sighting.agent_id or "")
            is_his = call.agent_id is None or (sighting.answered is not None and call.answered_at is None)
            if agent is not None and is_his:
                call = call.told(
                    agent_id=agent.agent_id,
                    agent_name=agent.agent_name,
                    campaign=agent.campaign,
                    lead_id=agent.lead_id,
                )
            call = details.told(sighting.call_id, call)
            if sighting.answered is not None and call.answered_at is None:
                answered_at, precision_s = middle(sighting.answered, call.started_at)
                call = call._replace(answered_at=answered_at, answered_precision_s=precision_s)
            if sighting.left is not None and call.ended_at is None:
                ended_at, precision_s = middle(sighting.left, call.answered_at or call.started_at)
                call = call._replace(ended_at=ended_at, ended_precision_s=precision_s)
            return call._replace(is_pushed=False, is_lost=False)

        return told

    async def _read_agents(self) -> dict[str, SubjectState]:
        states = await self._context.journal.subjects(self._context.source_id, (AGENT,))
        self._known = {state.name: state for state in states}
        return self._known


def _holdings(seen: Sequence[AgentSeen]) -> list[Holding]:
    return [
        Holding(
            one.agent_id,
            one.callerid,
            one.status == INCALL and one.sub_status != DIAL,
            one.status == INCALL and one.sub_status == DEAD,
            one.sub_status == PARK,
        )
        for one in seen
        if one.callerid is not None and is_call_id(one.callerid)
    ]
