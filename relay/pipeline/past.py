"""
Read the past with what the polls leave of the budget: old gaps first, then backfills and reconciliations.

A stretch is read into the journal without a word, one read for each stream, and only then told: so every
call is whole when its events are made, and a crash in between changes nothing that a reader could see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from relay.journal.port import Append
from relay.model.call import USER_CALLS
from relay.model.coverage import BACKFILL, GAP, RECONCILE, Gap
from relay.model.errors import RevisionConflict, SourceAbsent, SourceError, SourceGarbled, SourceThrottled
from relay.model.source_work import DONE, FAILED, RUNNING, SourceJob
from relay.model.times import EPOCH
from relay.pipeline.asking import ask
from relay.pipeline.page import Conclusion, Page
from relay.pipeline.poll_context import PollContext
from relay.pipeline.poll_state import WINDOW_OVERRUN
from relay.pipeline.source_ledger import OLD_GAP
from relay.sources import port
from relay.sources.port import Pull, Window

TOLD: Final = "told"  # how far a job's calls were published, beside its streams in `read_to`
ONE_DAY: Final = timedelta(days=1)
LONGEST_SPAN: Final = timedelta(days=32)
SHORTEST_SPAN: Final = timedelta(hours=1)
GROWS_BELOW_ROWS: Final = 4_000  # a stretch with so few rows may be twice as long
TOLD_AT_ONCE: Final = 100
MARGIN: Final = timedelta(hours=1)  # legs of a call may lie so far beyond the edges of a stretch
TICK: Final = timedelta(milliseconds=1)
AGAIN: Final = timedelta(seconds=60)
MOST_DOUBLINGS: Final = 12
REFUSALS_TO_FAIL: Final = 10
NEVER_PUBLISHED: Final = datetime(9999, 1, 1, tzinfo=UTC)  # calls that end before it are silent: all of them


class Past:
    """
    The reader of the past of one source; a request a step.
    """

    def __init__(self, context: PollContext) -> None:
        self._context = context
        self._span = ONE_DAY
        self._gaps: dict[tuple[str, datetime], tuple[int, datetime]] = {}  # tries, and when to try again
        self._refusals = (0, 0)  # of which job, and how many in a row
        self._not_before = EPOCH  # what failed is asked for again no sooner, whoever wakes the loop
        self._may_be_untold = True  # a job was cancelled, or relay crashed, between reading and telling
        self.next_at: datetime | None = context.clock.now()

    @property
    def is_due(self) -> bool:
        """
        Tell whether there may be something to do now.
        """
        return self.next_at is not None and self._context.clock.now() >= self.next_at

    def look_again(self) -> None:
        """
        Look at once whether there is a job.
        """
        self.next_at = max(self._context.clock.now(), self._not_before)

    async def step(self) -> None:
        """
        Read one stretch of the oldest gap or of the job under way; wait where there is nothing to do.
        """
        now = self._context.clock.now()
        self.next_at = now + AGAIN
        if self._context.is_refused:
            return
        try:
            if await self._read_gap() or await self._work_on_job():
                self.next_at = now
        except SourceThrottled as error:
            self.next_at = self._not_before = max(error.until, now)

    async def _read_gap(self) -> bool:
        """
        Read a stretch of the oldest old gap; return whether that made it smaller.
        """
        context = self._context
        view, now = await context.ledger.view(), context.clock.now()
        stretches = ((gap.stream, gap.start, gap.end) for gap in view.open_gaps if self._is_mine(gap, now))
        name, start, gap_end = next(stretches, (None, EPOCH, None))
        if name is None or gap_end is None:
            return False
        # Asked again after a pause that grows, so that one that cannot be read holds up nothing else.
        tries = self._gaps[name, start][0] + 1 if (name, start) in self._gaps else 1
        self._gaps[name, start] = tries, now + min(AGAIN * 2 ** min(tries - 1, MOST_DOUBLINGS), ONE_DAY)
        end = min(gap_end, start + self._span)
        try:
            pull = await ask(context, name, Window(start, end, purpose=port.BACKFILL))
        except SourceThrottled:
            del self._gaps[name, start]
            raise
        except SourceError:
            return False  # counted by who asked; the gap stays open
        stream = context.streams[name]
        conclude = context.ledger.concluding(view, context.streams, stream, pull)
        try:
            result = await context.ingest.take(context.source_id, Page(pull, GAP), stream.stored, conclude)
        except RevisionConflict:
            context.metrics.journal_errors.labels("append", "conflict").inc()
            return False
        stream.stored = result.state
        self._fit_span(pull)
        if result.read is None or pull.covered_from >= end:
            return False
        del self._gaps[name, start]
        return True

    def _is_mine(self, gap: Gap, now: datetime) -> bool:
        if now < self._gaps.get((gap.stream, gap.start), (0, EPOCH))[1]:
            return False
        is_old = gap.start < self._context.now - OLD_GAP
        return is_old and gap.end is not None and gap.stream in self._context.call_streams

    async def _work_on_job(self) -> bool:
        """
        Take the job under way one request further; return whether it came any further.
        """
        context = self._context
        job = await context.journal.next_job(context.source_id)
        streams = context.call_streams
        if job is not None and any(context.streams[name].deep_at is None for name in streams):
            return False  # the polls have yet to read what is theirs
        if job is None or not streams:
            if self._may_be_untold:
                await self._publish(BACKFILL, (await self._publish_from()) - ONE_DAY, context.now, True)
                self._may_be_untold = False
            return False
        self._may_be_untold = True
        told = job.read_to.get(TOLD, job.start)
        until = max([job.read_to.get(name, told) for name in streams])
        if until <= told:
            until = min(told + self._span, job.end)
        behind = next((name for name in streams if job.read_to.get(name, told) < until), None)
        if told >= job.end:
            await self._keep(replace(self._started(job), state=DONE, finished_at=context.clock.now()))
            if job.kind == RECONCILE:
                metrics, label = context.metrics, context.label()
                metrics.reconcile_missing_events.labels(label).set(job.missing)
                now_s = context.clock.now().timestamp()
                metrics.reconcile_last_run_timestamp_seconds.labels(label).set(now_s)
        elif behind is not None:
            start = job.read_to.get(behind, told)
            return await self._try_to_read(job, behind, start, min(until, start + self._span))
        else:
            await self._tell(job, told, until)
        return True

    async def _try_to_read(self, job: SourceJob, stream: str, start: datetime, end: datetime) -> bool:
        """
        Read a stretch of one stream; return whether the job came any further.
        """
        try:
            if await self._read(job, stream, start, end):
                return True
        except SourceThrottled:
            raise
        except SourceError as error:
            await self._refused(job, error)
        self._not_before = self._context.clock.now() + AGAIN
        return False

    async def _read(self, job: SourceJob, stream: str, start: datetime, end: datetime) -> bool:
        """
        Read a stretch of one stream without a word, up to where the polls read everything again and again:
        a new call that was seen here first would be told only with the stretch.
        """
        context = self._context
        polled_from = context.now - max(context.ledger.lookback(one) for one in context.streams.values())
        until = min(end, polled_from)
        if until <= start:
            await self._keep(replace(self._started(job), read_to={**job.read_to, stream: end}))
            return True
        # A little more than the stretch: whoever called at its edges may have legs beyond them.
        before = min(until + MARGIN, polled_from)
        pull = await ask(context, stream, Window(start - MARGIN, before, purpose=port.BACKFILL))
        self._fit_span(pull)
        page = Page(pull, job.kind, job.kind, publish_from=NEVER_PUBLISHED, started_before=before)
        state = context.streams[stream]
        result = await context.ingest.take(
            context.source_id, page, state.stored, lambda result: Conclusion(state=result.state)
        )
        state.stored = result.state
        self._refusals = (0, 0)
        if result.read is None:
            return False  # the answer left out known rows: it is asked for again
        reason = job.reason
        if pull.covered_from > start:
            if end - start > SHORTEST_SPAN:
                end = start  # cut: once more, with a shorter stretch
            else:
                reason = WINDOW_OVERRUN  # not all of it can be read: told with the job
        await self._keep(
            replace(
                self._started(job),
                read_to={**job.read_to, stream: end},
                requests=job.requests + pull.requests,
                rows=job.rows + len(pull.rows),
                events=job.events + result.events,
                missing=job.missing + result.events,
                reason=reason,
            )
        )
        return True

    async def _refused(self, job: SourceJob, error: SourceError) -> None:
        """
        Note on a job why it does not come further; one that the phone system will not answer has failed.
        """
        job = replace(self._started(job), reason=error.reason)
        if isinstance(error, SourceGarbled | SourceAbsent):  # else it is away, and will be back
            of_job, so_far = self._refusals
            self._refusals = (job.job_id, so_far + 1 if of_job == job.job_id else 1)
            if self._refusals[1] >= REFUSALS_TO_FAIL:
                job = replace(job, state=FAILED, finished_at=self._context.clock.now())
        await self._keep(job)

    async def _tell(self, job: SourceJob, start: datetime, end: datetime) -> None:
        """
        Publish the calls of a stretch that were never published; a reconciliation only those that ended
        since publishing began.
        """
        events = await self._publish(job.kind, start, end, job.kind == RECONCILE)
        events += await self._publish(job.kind, end, end + MARGIN, True)
        read_to: Mapping[str, datetime] = {**dict.fromkeys(job.read_to, end), TOLD: end}
        await self._keep(
            replace(
                self._started(job),
                read_to=read_to,
                events=job.events + events,
                missing=job.missing + events,
            )
        )

    async def _publish_from(self) -> datetime:
        ledger = self._context.ledger
        return (await ledger.head()).publish_from + ledger.skew

    async def _publish(self, origin: str, start: datetime, end: datetime, is_owed_only: bool) -> int:
        """
        Publish the silent calls that started in [start, end), or only those that ended since publishing
        began; return how many events that made.
        """
        context, events = self._context, 0
        publish_from = await self._publish_from()
        while True:
            silent = await context.journal.silent_calls(context.source_id, start, end, TOLD_AT_ONCE)
            wanted = {
                call_id: call
                for call_id, call in silent.calls.items()
                if not is_owed_only or (call.ended_at is not None and call.ended_at >= publish_from)
            }
            calls = replace(silent, calls=wanted)
            changes = context.assembler.publish(calls, context.clock.now(), origin)
            try:
                events += await context.ingest.append_calls(context.source_id, USER_CALLS, changes)
            except RevisionConflict:
                context.metrics.journal_errors.labels("append", "conflict").inc()
                continue
            if len(silent.calls) < TOLD_AT_ONCE:
                return events
            if not wanted:
                start = max(call.started_at for call in silent.calls.values()) + TICK

    def _started(self, job: SourceJob) -> SourceJob:
        if job.state == RUNNING:
            return job
        return replace(job, state=RUNNING, started_at=self._context.clock.now())

    def _fit_span(self, pull: Pull) -> None:
        if pull.covered_from > pull.window_start:
            self._span = max(self._span / 2, SHORTEST_SPAN)
        elif len(pull.rows) < GROWS_BELOW_ROWS:
            self._span = min(self._span * 2, LONGEST_SPAN)

    async def _keep(self, job: SourceJob) -> None:
        context = self._context
        await context.journal.append(Append(context.source_id, USER_CALLS, context.clock.now(), job=job))
