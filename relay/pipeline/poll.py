"""
Poll: one phone system into the journal (rooms 1, 2 and 3), for ever.

A step asks the stream that has waited longest, takes what it answered into the journal, and lets held
ends go.  A failure is an outcome: it is counted, shown in the source's state, and asked again later.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import datetime, timedelta
from typing import Final

from relay.journal.port import StreamState
from relay.model.clock import Clock
from relay.model.errors import JournalBusy, JournalUnusable, RevisionConflict, SourceError, SourceUnreachable
from relay.model.times import EPOCH
from relay.pipeline.ingest import Ingest, PageResult
from relay.pipeline.poll_state import ACCOUNT_TROUBLES, PollSettings, StreamPoll, state_of
from relay.pipeline.source_ledger import SourceLedger
from relay.pipeline.waiting import pause_until_done, until
from relay.sources.port import OWN_QUOTA, Pull, Source, Window
from relay.telemetry.metrics import Metrics

JOURNAL_PAUSE_S: Final = 0.2

log = logging.getLogger(__name__)


class Poll:
    """
    The loop of one source.

    Args:
        source: what is asked; entered by whoever made it.
        ledger: the journal's view of the source.
        ingest: brings pages into the journal.
        settings: when the source is asked.
        clock: the time.
        metrics: counted per poll.
    """

    def __init__(
        self,
        source: Source,
        ledger: SourceLedger,
        ingest: Ingest,
        settings: PollSettings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._ingest = ingest
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._streams: dict[str, StreamPoll] = {}
        self._next_poll_at = clock.now()
        self._tried: set[str] = set()
        self._release_at: datetime | None = None  # when a held end goes out, whether or not a stream is asked
        self._label = metrics.start_source(source.source_id, (*source.call_streams, *source.status_streams))
        self.name = f"poll {source.source_id}"

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
        Wait for the next stream's turn, ask it, and bring what it says into the journal.
        """
        if not self._streams:
            await self._start()
        stream = min(self._streams.values(), key=self._turn)
        turn_at = self._turn(stream)[0]
        await until(min(turn_at, self._release_at or turn_at), stop, self._clock)
        if stop.is_set():
            return
        try:
            if self._clock.now() >= turn_at:
                await self._take_turn(stream)
            await self._release(stream.name)
            await self._show_quota()
        except JournalBusy:
            # Nothing of this step is lost: the next poll reads the whole window again.
            self._metrics.journal_errors.labels("poll", "busy").inc()
            await self._clock.sleep(JOURNAL_PAUSE_S)

    async def _take_turn(self, stream: StreamPoll) -> None:
        stream.asked_at = self._clock.now()
        if stream.is_call_stream:
            self._next_poll_at = stream.asked_at + timedelta(seconds=self._settings.pause_s)
        await self._ask(stream)
        # What refuses one stream of an account refuses them all: there is nothing to wait for in the others.
        is_refused = stream.trouble in ACCOUNT_TROUBLES
        self._tried.update(self._streams if is_refused else (stream.name,))

    async def _start(self) -> None:
        stored, now = await self._ledger.stream_states(), self._clock.now()
        status_every = timedelta(seconds=self._settings.status_every_s)
        for name in self._source.call_streams:
            self._streams[name] = StreamPoll(name, timedelta(0), stored.get(name, StreamState()), now)
        for name in self._source.status_streams:
            self._streams[name] = StreamPoll(
                name, status_every, stored.get(name, StreamState()), now, is_call_stream=False
            )
        self._metrics.set_source_state(self._label, (await self._ledger.head()).state)

    def _turn(self, stream: StreamPoll) -> tuple[datetime, datetime]:
        """
        Say when a stream may be asked; of two at one time the longer unasked goes first.
        """
        earliest = max(stream.next_at, self._next_poll_at) if stream.is_call_stream else stream.next_at
        return max(earliest, self._clock.now()), stream.asked_at

    async def _ask(self, stream: StreamPoll) -> None:
        window = Window(await self._ledger.window_start(stream.name, self._settings.lookback))
        started = self._clock.monotonic()
        try:
            pull = await self._pull(stream.name, window)
        except SourceError as error:
            await self._failed(stream, error)
            return
        took_s = self._clock.monotonic() - started
        self._metrics.poll_request_duration_seconds.labels(self._label).observe(took_s)
        self._count_success(stream)
        self._metrics.source_clock_skew_seconds.labels(self._label).set(pull.skew.total_seconds())
        if stream.is_call_stream:
            await self._take(stream, pull)
        else:
            await self._ledger.note(self._streams, stream, None, pull)
        self._show_state()

    async def _pull(self, stream: str, window: Window) -> Pull:
        try:
            return await self._source.pull(stream, window)
        except (SourceError, JournalBusy, JournalUnusable):
            raise  # budgets are reserved in the journal: what fails there is no bug of the source
        except Exception as error:  # a bug of a source becomes a back-off with red health, not a crash loop
            log.exception("a source failed", extra={"source": self._source.source_id, "stream": stream})
            raise SourceUnreachable(self._source.source_id, "bug", repr(error)) from error

    async def _take(self, stream: StreamPoll, pull: Pull) -> None:
        while True:
            about = await self._ledger.about(self._streams, stream.name, pull.requested_at)
            try:
                result = await self._ingest.take(self._source.source_id, pull, stream.stored, about)
                break
            except RevisionConflict:
                self._metrics.journal_errors.labels("append", "conflict").inc()
        stream.stored = result.state
        self._count_rows(stream.name, result)
        if pull.covered_from > pull.window_start:
            self._metrics.poll_gaps.labels(self._label, stream.name, "window_overrun").inc()

    async def _failed(self, stream: StreamPoll, error: SourceError) -> None:
        is_first = stream.trouble is None
        stream.failed(error, self._clock.now(), self._settings, self._rng)
        self._metrics.poll_requests.labels(self._label, stream.name, error.reason).inc()
        if error.reason == OWN_QUOTA:
            wait_s = (stream.next_at - self._clock.now()).total_seconds()
            self._metrics.poll_quota_wait_seconds.labels(self._label).inc(max(wait_s, 0.0))
            stream.asked_at = EPOCH  # it was not asked: it keeps its turn
        is_refused = stream.trouble in ACCOUNT_TROUBLES
        if is_refused or error.reason == OWN_QUOTA:
            # What refuses one stream of an account refuses them all; a spent share only those that share it.
            for other in self._streams.values():
                if is_refused or other.is_call_stream == stream.is_call_stream:
                    other.next_at = max(other.next_at, stream.next_at)
        if stream.trouble is not None and is_first:
            where = {"source": self._source.source_id, "stream": stream.name, "reason": str(error)}
            log.warning("stream does not answer", extra=where)
        await self._ledger.note(self._streams, stream, error.reason, None)
        self._show_state()

    async def _release(self, stream: str) -> None:
        calls = [poll.name for poll in self._streams.values() if poll.is_call_stream and not poll.is_absent]
        if not self._tried.issuperset(calls):
            return  # just started: what ended while relay was away may have legs in streams not read yet
        read_through = await self._ledger.read_through(calls)
        for name, read in read_through.items():
            if read is not None:
                watermark = self._metrics.source_watermark_timestamp_seconds.labels(self._label, name)
                watermark.set(read.end.timestamp())
        self._release_at = await self._ingest.release(self._source.source_id, stream, read_through)

    def _count_success(self, stream: StreamPoll) -> None:
        now = self._clock.now()
        if stream.trouble is not None:
            log.info("stream answers again", extra={"source": self._source.source_id, "stream": stream.name})
        stream.succeeded(now)
        self._metrics.poll_requests.labels(self._label, stream.name, "success").inc()
        last_success = self._metrics.poll_last_success_timestamp_seconds.labels(self._label, stream.name)
        last_success.set(now.timestamp())

    def _count_rows(self, stream: str, result: PageResult) -> None:
        for kind, count in result.counts.items():
            self._metrics.poll_records.labels(self._label, stream, kind).inc(count)

    async def _show_quota(self) -> None:
        remaining = await self._source.quota_remaining()
        if remaining is not None:
            self._metrics.poll_quota_remaining.labels(self._label).set(remaining)

    def _show_state(self) -> None:
        self._metrics.set_source_state(self._label, state_of(self._streams.values()))
