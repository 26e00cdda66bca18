"""
Backfills and reconciliations of a dialer: days of which its logs are read again.

A dialer lists its calls by number only.  So a day is read by its inbound numbers, and by the number of every
call that is known of it; what those logs show and nobody told of becomes a call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from relay.journal.port import Append
from relay.model import vendor_answer as verdicts
from relay.model.call import INBOUND, OUTBOUND
from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected, SourceGarbled
from relay.model.source_work import DONE, RECONCILE, RUNNING, SourceJob
from relay.normalise.dialer_calls import KnownDialerCall
from relay.normalise.dialer_logs import LoggedCall, read_phone_log, with_log
from relay.normalise.did_log import DidCall
from relay.pipeline.dialer.asking import ask
from relay.pipeline.dialer.call_book import CallBook, Telling, Told
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import PAST
from relay.pipeline.dialer.did_logs import CALLS_AT_ONCE, DidLogs

LOOK_EVERY: Final = timedelta(seconds=60)  # for a job that nobody woke the loop for
RING: Final = timedelta(seconds=120)  # logs list a call when it was answered, its id when it was dialled
SLACK: Final = timedelta(seconds=2)
DUTY: Final = 4  # beside polling, the dialer answers the past for a fifth of the time at the most
_BOTH: Final = (("IN", INBOUND), ("OUT", OUTBOUND))


@dataclass(slots=True)
class _Day:
    """
    One day of a job under way: which inbound numbers, calls of theirs, and numbers of calls are still to be
    asked for.
    """

    day: date
    dids: list[str]
    calls: list[tuple[str, DidCall]] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    has_phones: bool = False


class DialerPast:
    """
    Works on the jobs of one dialer, a request or two a step.

    Args:
        context: the dialer.
        book: its calls.
        did_logs: reads the log of an inbound number.
    """

    stream = PAST

    def __init__(self, context: DialerContext, book: CallBook, did_logs: DidLogs) -> None:
        self._context = context
        self._book = book
        self._did_logs = did_logs
        self._job_id: int | None = None
        self._day: _Day | None = None

    async def step(self) -> timedelta:
        """
        Take the job under way a request further; return how long to wait for the next.

        Raises:
            SourceError: no good answer; it is asked for again.
        """
        context = self._context
        job = await context.journal.next_job(context.source_id)
        if job is None:
            self._day = None
            return LOOK_EVERY
        if job.job_id != self._job_id or self._day is None:
            self._job_id, self._day = job.job_id, self._begin(job)
        if self._day is None:
            await self._keep(
                replace(_started(job, context.clock.now()), state=DONE, finished_at=context.clock.now())
            )
            self._show(job)
            return timedelta(0)
        started = context.clock.monotonic()
        await self._go_on(job, self._day)
        return timedelta(seconds=DUTY * (context.clock.monotonic() - started))

    async def _go_on(self, job: SourceJob, day: _Day) -> None:
        events, rows = 0, 0
        if day.calls:
            events = await self._tell_did(day, job)
        elif day.dids:
            found = await self._did_logs.whole_day(day.dids[0], day.day, PAST)
            rows = len(found)
            day.calls = [
                (day.dids[0], call) for call in found if job.start <= call.logged.logged_at < job.end
            ]
            day.dids.pop(0)
        elif not day.has_phones:
            day.phones, day.has_phones = await self._phones_of(day.day), True
        elif day.phones:
            rows, events = await self._read_phone(day.phones[0], day.day, job)
            day.phones.pop(0)
        is_over = not (day.calls or day.dids or day.phones) and day.has_phones
        read_to = {PAST: _midnight(day.day + timedelta(days=1), self._context)} if is_over else job.read_to
        await self._keep(
            replace(
                _started(job, self._context.clock.now()),
                read_to=read_to,
                requests=job.requests + 1,
                rows=job.rows + rows,
                events=job.events + events,
                missing=job.missing + (events if job.kind == RECONCILE else 0),
            )
        )
        if is_over:
            self._day = None

    async def _tell_did(self, day: _Day, job: SourceJob) -> int:
        """
        Tell of some calls of an inbound number's log; return how many events that made.
        """
        some, of_calls = day.calls[:CALLS_AT_ONCE], dict[str, Told]()
        for did, call in some:
            await self._did_logs.find(did, call, of_calls, {})
        del day.calls[: len(some)]
        changes = await self._book.tell(PAST, Telling(of_calls, self._context.clock.now(), job.kind))
        return sum(len(change.events) for change in changes)

    def _begin(self, job: SourceJob) -> _Day | None:
        start = job.read_to.get(PAST, job.start)
        if start >= job.end:
            return None
        return _Day(start.astimezone(self._context.rules.zone).date(), [*self._context.settings.dids])

    async def _phones_of(self, day: date) -> list[str]:
        start = _midnight(day, self._context)
        known = await self._book.started_between(start, start + timedelta(days=1))
        return sorted({one.facts.phone for one in known.values() if one.facts.phone})

    async def _read_phone(self, phone: str, day: date, job: SourceJob) -> tuple[int, int]:
        """
        Read the log of a number, and tell what is new of that day; return its rows and the events.
        """
        context, start = self._context, _midnight(day, self._context)
        end = min(start + timedelta(days=1), job.end)
        rows = events = 0
        for kind, direction in _BOTH:
            params = {"phone_number": phone, "type": kind, "detail": "ALL", "stage": "pipe"}
            answered = await ask(context, PAST, "phone_number_log", params)
            if answered.answer.verdict == verdicts.EMPTY:
                continue
            try:
                logged = [
                    read_phone_log(row, context.rules.zone, start + timedelta(hours=12))
                    for row in answered.answer.rows
                ]
            except RecordRejected as error:
                raise SourceGarbled(context.source_id, "bad_payload", error.why, "") from error
            wanted = [one for one in logged if max(start, job.start) <= one.logged_at < end]
            told = await self._told(wanted, direction)
            changes = await self._book.tell(PAST, Telling(told, answered.requested_at, job.kind))
            rows += len(wanted)
            events += sum(len(change.events) for change in changes)
        return rows, events

    async def _told(self, logged: Sequence[LoggedCall], direction: str) -> dict[str, Told]:
        told: dict[str, Told] = {}
        same: Counter[datetime] = Counter()
        for one in logged:
            known = await self._call_of(one, direction)
            if known is not None and known.leg.facts.base_key not in told:
                told[known.leg.facts.base_key] = _with(one, direction)
            elif known is None and one.length_s is not None:  # one under way is told of when it is over
                key = self._book.calls.logged_base_key("", one.phone, one.logged_at, same[one.logged_at])
                same[one.logged_at] += 1
                told[key] = _with(one, direction)
        return told

    async def _call_of(self, logged: LoggedCall, direction: str) -> KnownDialerCall | None:
        near = await self._book.started_between(logged.logged_at - RING, logged.logged_at + SLACK)
        fitting = [
            known
            for known in near.values()
            if known.facts.phone == logged.phone
            and known.facts.direction == direction
            and known.facts.logged_at in (None, logged.logged_at)
        ]
        return min(
            fitting,
            key=lambda known: (known.facts.logged_at is None, abs(known.facts.started_at - logged.logged_at)),
            default=None,
        )

    async def _keep(self, job: SourceJob) -> None:
        change = Append(job.source_id, PAST, self._context.clock.now(), job=job)
        await self._context.journal.append(change)

    def _show(self, job: SourceJob) -> None:
        if job.kind == RECONCILE:
            metrics, label = self._context.metrics, self._context.label
            metrics.reconcile_missing_events.labels(label).set(job.missing)
            now_s = self._context.clock.now().timestamp()
            metrics.reconcile_last_run_timestamp_seconds.labels(label).set(now_s)


def _with(logged: LoggedCall, direction: str) -> Told:
    def told(known: KnownDialerCall | None) -> DialerCall:
        call = known.facts if known else DialerCall(None, direction, logged.logged_at)
        return with_log(call, logged)

    return told


def _started(job: SourceJob, now: datetime) -> SourceJob:
    return replace(job, state=RUNNING, started_at=job.started_at or now)


def _midnight(day: date, context: DialerContext) -> datetime:
    return datetime.combine(day, time(), context.rules.zone).astimezone(UTC)
