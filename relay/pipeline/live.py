"""
Live polling: whose turn it is, how far back it reads, and what follows from the answer.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from relay.journal.port import SourceView, StreamState
from relay.model.call import USER_CALLS
from relay.model.errors import RevisionConflict, SourceError, SourceThrottled
from relay.model.times import EPOCH
from relay.pipeline.asking import ask
from relay.pipeline.pace import Pace
from relay.pipeline.page import Page, PageResult
from relay.pipeline.poll_context import PollContext
from relay.pipeline.poll_state import ACCOUNT_TROUBLES, StreamPoll, state_of
from relay.pipeline.tiers import SLACK, Turn, head_rows, next_read
from relay.pipeline.turns import COUNTED, Rates, next_turn
from relay.sources.port import OWN_QUOTA, Pull, Window

RATES_EVERY: Final = timedelta(hours=1)
STATUS_TIER: Final = "status"
MOST_LOOKS: Final = 30

log = logging.getLogger(__name__)


class Live:
    """
    Asks the streams of one source in turn, and brings what they say into the journal.
    """

    def __init__(self, context: PollContext) -> None:
        self._context = context
        self._clock = context.clock
        self._metrics = context.metrics
        self._streams = context.streams
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._pace = Pace(context.settings.pace, len(context.source.call_streams), self._clock.now())
        self._rates = Rates({})
        self._rates_at = EPOCH
        self._next_poll_at = self._clock.now()
        self._tried: set[str] = set()
        self._looks: list[datetime] = []  # when the users' calls are asked for besides, soonest first
        self._label = self._metrics.start_source(
            context.source_id, (*context.source.call_streams, *context.source.status_streams)
        )

    async def start(self) -> None:
        """
        Read back how the streams stood, and what the vendor allowed.
        """
        context, now = self._context, self._clock.now()
        stored = await context.ledger.stream_states()
        self._pace.allowance = await context.journal.allowance(context.source_id)
        self._allow()
        self._metrics.set_source_state(self._label, (await context.ledger.head()).state)
        status_every = timedelta(seconds=context.settings.status_every_s)
        for name in context.source.call_streams:
            self._streams[name] = StreamPoll(name, timedelta(0), stored.get(name, StreamState()), now)
        for name in context.source.status_streams:
            self._streams[name] = StreamPoll(
                name, status_every, stored.get(name, StreamState()), now, is_call_stream=False
            )

    @property
    def turn_at(self) -> datetime:
        """
        Return when the next stream may be asked.
        """
        now = self._clock.now()
        turn_at = min(max(self._may_ask_at(stream), now) for stream in self._streams.values())
        users = self._streams.get(USER_CALLS)
        if not self._looks or users is None:
            return turn_at
        return min(turn_at, max(self._looks[0], users.next_at, now))

    @property
    def has_tried_any(self) -> bool:
        """
        Tell whether a stream was asked since the start.
        """
        return bool(self._tried)

    @property
    def has_tried_all(self) -> bool:
        """
        Tell whether every call stream was asked since the start, or need not be.
        """
        return self._tried.issuperset(self._context.call_streams)

    def expect_news(self) -> None:
        """
        Poll at full speed again: something happens, a push says.
        """
        self._pace.saw_news(self._clock.now())
        earliest = self._clock.now() + timedelta(seconds=self._pace.pause_s(self._clock.now()))
        self._next_poll_at = min(self._next_poll_at, earliest)

    def look_at(self, times: Iterable[datetime]) -> None:
        """
        Ask for the users' calls at some times besides, where the budget allows: a command makes one.
        """
        now = self._clock.now()
        self._looks = sorted([*self._looks, *(at for at in times if at > now)])[:MOST_LOOKS]

    async def take_turn(self) -> None:
        """
        Ask the stream whose read is worth most now.
        """
        now = self._clock.now()
        await self._refresh_rates(now)
        due = [stream for stream in self._streams.values() if self._may_ask_at(stream) <= now]
        with_open = frozenset(stream.name for stream in due if stream.has_open_calls)
        statuses = [stream for stream in due if not stream.is_call_stream]
        stream = self._looked_for(now)
        if stream is None:
            stream = statuses[0] if statuses else next_turn(due, self._rates, with_open, now)
        if stream is None:
            return
        if stream.is_call_stream:
            self._next_poll_at = now + timedelta(seconds=self._pace.pause_s(now))
        await self._ask(stream)
        # What refuses one stream of an account refuses them all: there is nothing to wait for in the others.
        is_refused = stream.trouble in ACCOUNT_TROUBLES
        self._tried.update(self._streams if is_refused else (stream.name,))
        self._metrics.set_source_state(self._label, state_of(self._streams.values()))

    def _may_ask_at(self, stream: StreamPoll) -> datetime:
        return max(stream.next_at, self._next_poll_at) if stream.is_call_stream else stream.next_at

    def _looked_for(self, now: datetime) -> StreamPoll | None:
        users = self._streams.get(USER_CALLS)
        if users is None or not self._looks or self._looks[0] > now or users.next_at > now:
            return None
        self._looks = [at for at in self._looks if at > now]
        return users

    async def _ask(self, stream: StreamPoll) -> None:
        context = self._context
        view = await context.ledger.view()
        turn = self._turn(stream, view)
        names = await self._names(stream) if stream.needs_names else ()
        asked_at = self._clock.now()
        try:
            since = self._only_look_since(stream, turn, view)
            pull = await ask(context, stream.name, turn.window, names, only_look_since=since)
        except SourceError as error:
            if error.reason != OWN_QUOTA:
                stream.asked_at = asked_at  # else it was not asked, and keeps its turn
            await self._failed(stream, error)
            return
        stream.asked_at = asked_at
        if stream.is_call_stream:  # a read of several pages has used the turns of others
            pause_s = self._pace.pause_s(asked_at) * pull.requests
            self._next_poll_at = max(asked_at + timedelta(seconds=pause_s), self._clock.now())
        context.ledger.skew = pull.skew
        had_trouble = stream.trouble is not None
        stream.succeeded(self._clock.now())
        if stream.is_call_stream:
            await self._take(stream, turn, pull, view)
        else:
            await context.ledger.note(self._streams, stream, None, pull)
        if had_trouble and stream.trouble is None:
            log.info("stream answers again", extra={"source": context.source_id, "stream": stream.name})
        if self._pace.recovered(self._clock.now()):
            await self._keep_allowance()

    def _turn(self, stream: StreamPoll, view: SourceView) -> Turn:
        ledger = self._context.ledger
        if not stream.is_call_stream:
            return Turn(STATUS_TIER, Window(self._clock.now()))
        return next_read(
            ledger.standing(view, stream),
            view.head.publish_from + ledger.skew,
            ledger.lookback(stream),
            timedelta(seconds=self._context.settings.deep_every_s),
            ledger.now,
        )

    def _only_look_since(self, stream: StreamPoll, turn: Turn, view: SourceView) -> datetime | None:
        """
        Return since when nobody looked, where the polls after this one do not look at all of it either: as
        after an outage longer than the look-back.
        """
        if not stream.is_call_stream:
            return None
        ledger = self._context.ledger
        polled_from = ledger.now - ledger.lookback(stream) - SLACK
        read_to = ledger.standing(view, stream).read_to
        if read_to is None:  # the very first: streams begin one after the other, which is no outage
            polled_from -= timedelta(seconds=self._context.settings.deep_every_s)
            return EPOCH if turn.window.start < polled_from else None
        return read_to if max(turn.window.start, read_to) < polled_from else None

    async def _names(self, stream: StreamPoll) -> list[str]:
        since = self._clock.now() - COUNTED
        return await self._context.journal.known_names(self._context.source_id, stream.name, since)

    async def _take(self, stream: StreamPoll, turn: Turn, pull: Pull, view: SourceView) -> None:
        context, page = self._context, Page(pull, turn.tier)
        while True:
            conclude = context.ledger.concluding(view, self._streams, stream, pull)
            try:
                result = await context.ingest.take(context.source_id, page, stream.stored, conclude)
                break
            except RevisionConflict:
                self._metrics.journal_errors.labels("append", "conflict").inc()
                view = await context.ledger.view()
        for kind, count in result.counts.items():
            self._metrics.poll_records.labels(self._label, stream.name, kind).inc(count)
        self._count_pushes(result)
        stream.stored = result.state
        stream.has_open_calls = result.open_rows > 0
        if result.counts["new"] or result.counts["updated"]:
            self._pace.saw_news(self._clock.now())
        if result.read is None:
            was = stream.trouble
            stream.was_incomplete()
            if stream.trouble != was:
                log.warning("stream leaves rows out", extra={"source": self._label, "stream": stream.name})
                await context.ledger.note(self._streams, stream, stream.reason, None)
        else:
            self._was_read(stream, turn, pull, view)

    def _count_pushes(self, result: PageResult) -> None:
        since = self._context.ledger.pushed_since
        if since is None:
            return
        lost = sum(row.started_at - self._context.ledger.skew > since for row in result.new)
        self._metrics.push_rows.labels(self._label, "came").inc(result.confirmed)
        self._metrics.push_rows.labels(self._label, "lost").inc(lost)

    def _was_read(self, stream: StreamPoll, turn: Turn, pull: Pull, view: SourceView) -> None:
        """
        Decide from what an answer proves how the next one is asked for.
        """
        covered = view.coverage.get(stream.name, ())
        is_apart = bool(covered) and pull.covered_from > covered[-1].end
        stream.was_read(turn.tier, pull.requested_at + pull.skew)
        if turn.window.rows is None and pull.covered_from > pull.window_start:
            self._metrics.poll_gaps.labels(self._label, stream.name, "window_overrun").inc()
            is_apart |= not stream.needs_names  # once more, now with the names to split by
            stream.needs_names = True
        stream.must_be_deep = is_apart
        seen_s = (pull.covered_to - pull.covered_from).total_seconds()
        rows_per_s = len(pull.rows) / seen_s if seen_s > 0 else 0.0
        stream.head_rows = head_rows(rows_per_s, self._context.ledger.reach(stream))

    async def _failed(self, stream: StreamPoll, error: SourceError) -> None:
        context, now = self._context, self._clock.now()
        is_first = stream.trouble is None
        stream.failed(error, now, context.settings, self._rng)
        if error.reason == OWN_QUOTA:
            wait_s = (stream.next_at - now).total_seconds()
            self._metrics.poll_quota_wait_seconds.labels(self._label).inc(max(wait_s, 0.0))
        elif isinstance(error, SourceThrottled) and self._pace.refused(now):
            await self._keep_allowance()
        # What refuses one stream of an account refuses them all; a spent share only those that share it.
        if stream.trouble in ACCOUNT_TROUBLES:
            context.postpone(self._streams.values(), stream.next_at)
        elif error.reason == OWN_QUOTA:
            alike = [one for one in self._streams.values() if one.is_call_stream == stream.is_call_stream]
            context.postpone(alike, stream.next_at)
        if stream.trouble is not None and is_first:
            where = {"source": context.source_id, "stream": stream.name, "reason": str(error)}
            log.warning("stream does not answer", extra=where)
        await context.ledger.note(self._streams, stream, error.reason, None)

    async def _refresh_rates(self, now: datetime) -> None:
        if now - self._rates_at >= RATES_EVERY:
            counts = await self._context.journal.leg_counts(self._context.source_id, now - COUNTED)
            self._rates, self._rates_at = Rates(counts), now

    def _allow(self) -> None:
        allowance = self._pace.allowance
        self._context.source.allow(allowance.polls if allowance else None)

    async def _keep_allowance(self) -> None:
        self._allow()
        await self._context.journal.note_allowance(self._context.source_id, self._pace.allowance)
