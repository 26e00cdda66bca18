"""
Work on backfills and reconciliations: a past that a person, or the night, asked for.

A stretch is read into the journal without a word, one read for each stream, and only then told: so every
call is whole when its events are made, and a crash in between changes nothing that a reader could see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from relay.journal.port import Append
from relay.model.call import USER_CALLS
from relay.model.coverage import BACKFILL, RECONCILE, Interval
from relay.model.errors import RevisionConflict, SourceAbsent, SourceError, SourceGarbled, SourceThrottled
from relay.model.source_work import DONE, FAILED, RUNNING, SourceJob
from relay.model.times import EPOCH
from relay.pipeline.asking import AGAIN, ask
from relay.pipeline.ends import MARGIN, TICK, Ends
from relay.pipeline.page import Conclusion, Page
from relay.pipeline.poll_context import PollContext
from relay.pipeline.poll_state import WINDOW_OVERRUN
from relay.pipeline.span import SHORTEST, Span
from relay.sources import port
from relay.sources.port import Window

TOLD: Final = "told"  # how far a job's calls were published, beside its streams in `read_to`
TOLD_AT_ONCE: Final = 100
ONE_DAY: Final = timedelta(days=1)
REFUSALS_TO_FAIL: Final = 10
SILENCES_TO_FAIL: Final = 1_440  # a day of them, to the shortest stretch, while polls are answered
NEVER_PUBLISHED: Final = datetime(9999, 1, 1, tzinfo=UTC)  # calls that end before it are silent: all of them


class PastJobs:
    """
    The jobs of one source; a request a step.

    Args:
        context: the source.
        ends: settles the calls of what was read.
    """

    def __init__(self, context: PollContext, ends: Ends) -> None:
        self._context = context
        self._ends = ends
        self._span = Span()
        self._in_vain: Counter[tuple[int, bool]] = Counter()  # by job, and whether it was refused outright
        self._not_before = EPOCH  # what failed is asked for again no sooner, whoever wakes the loop
        self._may_be_untold = True  # a job was cancelled, or relay crashed, between reading and telling

    async def step(self) -> bool:
        """
        Take the job under way one request further; return whether it came any further.

        Raises:
            SourceThrottled: there is no place left for the past.
        """
        context = self._context
        job = await context.journal.next_job(context.source_id)
        streams = context.call_streams
        if job is not None and not context.were_all_read:
            await self._tell_what_it_waits_for(job)
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
            until = min(told + self._span.length, job.end)
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
            return await self._try_to_read(job, behind, start, min(until, start + self._span.length))
        else:
            await self._tell(job, told, until)
        return True

    async def _tell_what_it_waits_for(self, job: SourceJob) -> None:
        streams = self._context.streams.values()
        reason = next((one.reason for one in streams if one.trouble is not None), None)
        if reason is not None and reason != job.reason:
            await self._keep(replace(job, reason=reason))

    async def _try_to_read(self, job: SourceJob, stream: str, start: datetime, end: datetime) -> bool:
        """
        Read a stretch of one stream; return whether the job came any further.
        """
        if self._context.clock.now() < self._not_before:
            return False
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
        self._span.fit(pull)
        page = Page(pull, job.kind, job.kind, publish_from=NEVER_PUBLISHED, started_before=before)
        state = context.streams[stream]
        result = await context.ingest.take(
            context.source_id, page, state.stored, lambda result: Conclusion(state=result.state)
        )
        state.stored = result.state
        self._in_vain.clear()
        if result.read is None:
            return False  # the answer left out known rows: it is asked for again
        reason = job.reason if job.reason == WINDOW_OVERRUN else None  # what failed before is made up for
        if pull.covered_from > start:
            if end - start > SHORTEST:
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
        is_hopeless = isinstance(error, SourceGarbled | SourceAbsent)
        # Else it is away and will be back, may answer to less, or does not even answer to that.
        if is_hopeless or (self._span.is_shortest and not self._context.is_in_trouble):
            in_vain = (job.job_id, is_hopeless)
            self._in_vain = Counter({in_vain: self._in_vain[in_vain] + 1})
            if self._in_vain[in_vain] >= (REFUSALS_TO_FAIL if is_hopeless else SILENCES_TO_FAIL):
                job = replace(job, state=FAILED, finished_at=self._context.clock.now())
        self._span.failed()
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
        self._ends.will_settle(Interval(start, end))

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

    async def _keep(self, job: SourceJob) -> None:
        context = self._context
        await context.journal.append(Append(context.source_id, USER_CALLS, context.clock.now(), job=job))
