"""
The logs of inbound numbers: calls that no agent took are seen nowhere else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from relay.model import vendor_answer as verdicts
from relay.model.call import INBOUND
from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected, RevisionConflict, SourceAbsent, SourceGarbled
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
CALLS_AT_ONCE: Final = 5  # each may need a request: not so many that agents have to wait
SHORTEST_NUMBER: Final = 6  # of digits that the dialer looks up


class _Unread(NamedTuple):
    """
    Calls of a log that are not in the journal yet; `is_silent`: they were over before publishing began.
    """

    did: str
    day: str
    asked_at: datetime
    calls: Sequence[DidCall]
    is_silent: bool


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
        self._unread: deque[_Unread] = deque()

    async def step(self) -> timedelta:
        """
        Ask for the log of the next number, or look up some more of the calls that the last one showed; return
        how long to wait.

        Raises:
            SourceError: no good answer.
        """
        settings = self._context.settings
        if not self._unread:
            did = settings.dids[self._turn % len(settings.dids)]
            self._turn += 1  # a number that fails keeps no other waiting
            for day in self._days():
                await self._read(did, day)
        if self._unread:
            await self._take_some()
        # Agents are asked between two parts of a long log.
        return timedelta(0) if self._unread else timedelta(seconds=settings.did_every_s / len(settings.dids))

    def _days(self) -> list[date]:
        now = self._context.now.astimezone(self._context.rules.zone)
        days = [now.date()]
        if now - now.replace(hour=0, minute=0, second=0, microsecond=0) < AFTER_MIDNIGHT:
            days.insert(0, now.date() - timedelta(days=1))
        return days

    async def _read(self, did: str, day: date) -> None:
        """
        Ask for the log of a number and day, and keep what is new of it for `_take_some`.
        """
        context, name = self._context, day.isoformat()
        asked_at, rows = await self._ask(did, name, DID_CALLS)
        now = context.at_dialer(asked_at)
        about = subject(DID, context.source_id, did)
        state = (await context.journal.subjects_named([about])).get(about)
        state = state or new_subject(context.source_id, DID, did, asked_at)
        begin = context.at_dialer(context.rules.publish_from)
        fresh = [call for call in calls_of_day(state, name, rows) if _is_ready(call.logged, now, begin)]
        silent = [call for call in fresh if self._is_past(call.logged)]
        loud = [call for call in fresh if not self._is_past(call.logged)]
        parts = [silent] if silent else []
        parts += [loud[start : start + CALLS_AT_ONCE] for start in range(0, len(loud), CALLS_AT_ONCE)]
        self._unread += [_Unread(did, name, asked_at, part, part is silent) for part in parts]

    async def whole_day(self, did: str, day: date, stream: str) -> list[DidCall]:
        """
        Return the calls of a day's log that are over, whether or not they are known.

        Raises:
            SourceError: no good answer.
        """
        asked_at, rows = await self._ask(did, day.isoformat(), stream)
        nothing_known = new_subject(self._context.source_id, DID, did, asked_at)
        calls = calls_of_day(nothing_known, day.isoformat(), rows)
        now = self._context.at_dialer(asked_at)
        return [
            call for call in calls if call.logged.length_s is not None and _is_ready(call.logged, now, now)
        ]

    async def _ask(self, did: str, name: str, stream: str) -> tuple[datetime, list[LoggedCall]]:
        context = self._context
        params = {"phone_number": did, "date": name, "stage": "pipe"}
        answered = await ask(context, stream, "did_log_export", params)
        if answered.answer.verdict not in (verdicts.ROWS, verdicts.EMPTY):
            raise self._garbled(f"did_log_export answered {answered.answer.verdict}")
        zone, asked_at = context.rules.zone, answered.requested_at
        now = context.at_dialer(asked_at)
        try:
            return asked_at, [read_did_log(row, zone, now) for row in answered.answer.rows]
        except RecordRejected as error:
            raise self._garbled(error.why) from error

    def _is_past(self, logged: LoggedCall) -> bool:
        """
        Tell whether a call was over before publishing began.
        """
        if logged.length_s is None:
            return False
        begin = self._context.at_dialer(self._context.rules.publish_from)
        return logged.logged_at + timedelta(seconds=logged.length_s) < begin

    async def _take_some(self) -> None:
        unread = self._unread.popleft()  # what cannot be taken now is new again when the log is read next
        about = subject(DID, self._context.source_id, unread.did)
        of_calls: dict[str, Told] = {}
        call_ids: dict[tuple[str, str, int], str] = {}
        for call in () if unread.is_silent else unread.calls:
            await self.find(unread.did, call, of_calls, call_ids)
        state = (await self._context.journal.subjects_named([about])).get(about)
        state = state or new_subject(self._context.source_id, DID, unread.did, unread.asked_at)
        if unread.is_silent:
            change = self._events.silent(state, unread.day, unread.calls, unread.asked_at)
        else:
            change = self._events.told(state, unread.day, unread.calls, call_ids, unread.asked_at)
        try:
            await self._book.tell(DID_CALLS, Telling(of_calls, unread.asked_at), lambda: (change,))
        except RevisionConflict:
            self._context.metrics.journal_errors.labels("append", "conflict").inc()
            self._unread.clear()  # another writer was first: the next reading shows what it left

    async def find(
        self, did: str, call: DidCall, of_calls: dict[str, Told], call_ids: dict[tuple[str, str, int], str]
    ) -> None:
        """
        Find the call that a row of the log is, or make one of it where no agent took it.
        """
        known = await self._call_of(call.logged)
        if known is not None:
            of_calls[known.leg.facts.base_key] = _with_line(call.logged)
            call_ids[call.key] = known.call.call_id
        elif call.logged.length_s is not None:
            base_key = self._book.calls.logged_base_key(
                did, call.logged.phone, call.logged.logged_at, call.ordinal
            )
            of_calls[base_key] = await self._untaken(call.logged)
            call_ids[call.key] = self._book.calls.id_of(base_key)

    async def _call_of(self, logged: LoggedCall) -> KnownDialerCall | None:
        """
        Return the call that an agent had and that the log shows, too.
        """
        end = logged.logged_at + timedelta(seconds=logged.length_s or 0)
        near = await self._book.started_between(logged.logged_at - SLACK, end + SLACK)
        fitting = [
            known
            for known in near.values()
            if known.facts.direction == INBOUND
            and known.facts.vendor_id is not None
            and known.facts.phone in (None, logged.phone)
            and known.facts.did in (None, logged.line)
        ]

        def distance(known: KnownDialerCall) -> tuple[bool, timedelta]:
            return known.facts.phone is None, abs(known.facts.started_at - logged.logged_at)

        return min(fitting, key=distance, default=None)

    async def _untaken(self, logged: LoggedCall) -> Told:
        """
        Ask what became of a call that no agent took.
        """
        rows = await self._of_number(logged)
        end = logged.logged_at + timedelta(seconds=logged.length_s or 0) + SLACK
        fitting = [row for row in rows if logged.logged_at - SLACK <= row.logged_at <= end]
        of_queue = min(fitting, key=lambda row: abs(row.logged_at - logged.logged_at), default=None)

        def told(known: KnownDialerCall | None) -> DialerCall:
            call = known.facts if known else DialerCall(None, INBOUND, logged.logged_at)
            if of_queue is not None:
                call = with_log(call, of_queue._replace(line=logged.line, logged_at=logged.logged_at))
            return with_log(call, logged)

        return told

    async def _of_number(self, logged: LoggedCall) -> list[LoggedCall]:
        zone, number = self._context.rules.zone, logged.phone.lstrip("+")
        if not (number.isascii() and number.isdigit() and len(number) >= SHORTEST_NUMBER):
            return []  # who hides the number is in no log of numbers
        params = {"phone_number": number, "type": "IN", "stage": "pipe"}
        try:
            answered = await ask(self._context, DID_CALLS, "phone_number_log", params)
            return [read_phone_log(row, zone, logged.logged_at) for row in answered.answer.rows]
        except SourceAbsent:
            return []  # this user may not ask: the call is told without what became of it
        except RecordRejected as error:
            raise self._garbled(error.why) from error

    def _garbled(self, why: str) -> SourceGarbled:
        return SourceGarbled(self._context.source_id, "bad_payload", why, "")


def _is_ready(logged: LoggedCall, now: datetime, begin: datetime) -> bool:
    """
    Tell whether a call may be told: one that is over only once polls had their chance to show its agent, one
    that came before publishing began only once it is known to have lasted until then.
    """
    if logged.length_s is None:
        return logged.logged_at >= begin
    return now >= logged.logged_at + timedelta(seconds=logged.length_s) + UNTAKEN_AFTER


def _with_line(logged: LoggedCall) -> Told:
    def told(known: KnownDialerCall | None) -> DialerCall | None:
        if known is None:
            return None
        return known.facts.told(did=logged.line, phone=known.facts.phone or logged.phone)

    return told
