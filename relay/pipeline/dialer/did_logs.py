"""
The logs of inbound numbers: calls that no agent took are seen nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from relay.model import vendor_answer as verdicts
from relay.model.call import INBOUND
from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected, RevisionConflict, SourceGarbled
from relay.model.event import LIVE
from relay.model.ids import subject
from relay.model.subject_state import DID
from relay.normalise.dialer_calls import KnownDialerCall
from relay.normalise.dialer_logs import LoggedCall, read_did_log, read_phone_log, with_log
from relay.normalise.did_log import DidCall, DidEvents, calls_of_day
from relay.normalise.subject_events import new_subject
from relay.pipeline.dialer.asking import ask
from relay.pipeline.dialer.call_book import CallBook, Telling, Told
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import DID_CALLS

AFTER_MIDNIGHT: Final = timedelta(minutes=15)  # so long the day before is asked for, too
SLACK: Final = timedelta(seconds=10)
UNTAKEN_AFTER: Final = timedelta(seconds=30)  # by then a poll has shown a call that an agent took
CALLS_AT_ONCE: Final = 50


class DidLogs:
    """
    Asks for the log of one number after the other.

    Args:
        context: the dialer.
        book: its calls.
        events: makes events of the log.
    """

    stream = DID_CALLS

    def __init__(self, context: DialerContext, book: CallBook, events: DidEvents) -> None:
        self._context = context
        self._book = book
        self._events = events
        self._turn = 0

    async def step(self) -> timedelta:
        """
        Ask for the log of the next number; return how long to wait before the one after it.

        Raises:
            SourceError: no good answer.
        """
        settings = self._context.settings
        did = settings.dids[self._turn % len(settings.dids)]
        now = self._context.now.astimezone(self._context.rules.zone)
        days = [now.date()]
        if now - now.replace(hour=0, minute=0, second=0, microsecond=0) < AFTER_MIDNIGHT:
            days.insert(0, now.date() - timedelta(days=1))
        for day in days:
            await self.read(did, day, LIVE)
        self._turn += 1
        return timedelta(seconds=settings.did_every_s / len(settings.dids))

    async def read(self, did: str, day: date, origin: str) -> int:
        """
        Read the log of a number and day whole; return how many calls of it were new.

        Raises:
            SourceError: no good answer.
        """
        context, name = self._context, day.isoformat()
        params = {"phone_number": did, "date": name, "stage": "pipe"}
        answered = await ask(context, DID_CALLS, "did_log_export", params)
        if answered.answer.verdict not in (verdicts.ROWS, verdicts.EMPTY):
            raise self._garbled(f"did_log_export answered {answered.answer.verdict}")
        zone, asked_at = context.rules.zone, answered.requested_at
        try:
            rows = [read_did_log(row, zone, context.at_dialer(asked_at)) for row in answered.answer.rows]
        except RecordRejected as error:
            raise self._garbled(error.why) from error
        new = 0
        while fresh := await self._fresh(did, name, rows, asked_at):
            await self._take(did, name, fresh[:CALLS_AT_ONCE], asked_at, origin)
            new += sum(not call.is_told for call in fresh[:CALLS_AT_ONCE])
        return new

    async def _fresh(
        self, did: str, day: str, rows: Sequence[LoggedCall], asked_at: datetime
    ) -> list[DidCall]:
        context = self._context
        about = subject(DID, context.source_id, did)
        state = (await context.journal.subjects_named([about])).get(about)
        state = state or new_subject(context.source_id, DID, did, asked_at)
        now = context.at_dialer(asked_at)
        return [call for call in calls_of_day(state, day, rows) if _is_ready(call.logged, now)]

    async def _take(
        self, did: str, day: str, calls: Sequence[DidCall], asked_at: datetime, origin: str
    ) -> None:
        context = self._context
        of_calls: dict[str, Told] = {}
        call_ids: dict[tuple[str, str, int], str] = {}
        for call in calls:
            known = await self._call_of(call.logged)
            if known is not None:
                of_calls[known.leg.facts.base_key] = _with_line(call.logged)
                call_ids[call.key] = known.call.call_id
            elif call.logged.length_s is not None:
                base_key = self._book.calls.logged_base_key(did, call.logged.phone, call.logged.logged_at)
                of_calls[base_key] = await self._untaken(call.logged)
                call_ids[call.key] = self._book.calls.id_of(base_key)
        about = subject(DID, context.source_id, did)
        while True:
            state = (await context.journal.subjects_named([about])).get(about)
            state = state or new_subject(context.source_id, DID, did, asked_at)
            change = self._events.told(state, day, calls, call_ids, asked_at)
            changes = (change,) if change else ()
            try:
                await self._book.tell(DID_CALLS, Telling(of_calls, asked_at, origin), partial(list, changes))
                return
            except RevisionConflict:
                continue  # made anew from what is there now

    async def _call_of(self, logged: LoggedCall) -> KnownDialerCall | None:
        """
        Return the call that an agent had and that the log shows, too.
        """
        end = logged.logged_at + timedelta(seconds=logged.length_s or 0)
        near = await self._book.started_between(logged.logged_at - SLACK, end + SLACK)
        own = self._book.calls.logged_base_key(logged.line or "", logged.phone, logged.logged_at)
        fitting = [
            known
            for known in near.values()
            if known.facts.direction == INBOUND
            and (known.leg.facts.base_key == own or known.facts.vendor_id is not None)
            and known.facts.phone == logged.phone
            and known.facts.did in (None, logged.line)
        ]
        return min(fitting, key=lambda known: abs(known.facts.started_at - logged.logged_at), default=None)

    async def _untaken(self, logged: LoggedCall) -> Told:
        """
        Ask what became of a call that no agent took.
        """
        zone = self._context.rules.zone
        params = {"phone_number": logged.phone, "type": "IN", "stage": "pipe"}
        answered = await ask(self._context, DID_CALLS, "phone_number_log", params)
        try:
            rows = [read_phone_log(row, zone, logged.logged_at) for row in answered.answer.rows]
        except RecordRejected as error:
            raise self._garbled(error.why) from error
        end = logged.logged_at + timedelta(seconds=logged.length_s or 0) + SLACK
        fitting = [row for row in rows if logged.logged_at - SLACK <= row.logged_at <= end]
        of_queue = min(fitting, key=lambda row: abs(row.logged_at - logged.logged_at), default=None)

        def told(known: KnownDialerCall | None) -> DialerCall:
            call = known.facts if known else DialerCall(None, INBOUND, logged.logged_at)
            if of_queue is not None:
                call = with_log(call, of_queue._replace(line=logged.line, logged_at=logged.logged_at))
            return with_log(call, logged)

        return told

    def _garbled(self, why: str) -> SourceGarbled:
        return SourceGarbled(self._context.source_id, "bad_payload", why, "")


def _is_ready(logged: LoggedCall, now: datetime) -> bool:
    """
    Tell whether a call may be told: one that is over only once polls had their chance to show its agent.
    """
    return (
        logged.length_s is None
        or now >= logged.logged_at + timedelta(seconds=logged.length_s) + UNTAKEN_AFTER
    )


def _with_line(logged: LoggedCall) -> Told:
    def told(known: KnownDialerCall | None) -> DialerCall | None:
        return None if known is None else known.facts.told(did=logged.line)

    return told
