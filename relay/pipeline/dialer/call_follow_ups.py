"""
Calls that are over and of which the dialer has not yet said everything: what became of them, the recording.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected, SourceGarbled
from relay.model.event import LIVE
from relay.normalise.dialer_calls import KnownDialerCall
from relay.normalise.dialer_logs import recording_of, with_detail
from relay.pipeline.dialer.call_book import CallBook, Telling
from relay.pipeline.dialer.call_details import CallDetails
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import CALLS

# Asked again so long after the first time, while the dialer has no final answer.
DETAIL_AFTER_S: Final = (0, 5, 30, 120, 600, 3_600, 4 * 3_600, 12 * 3_600)
RECORDING_AFTER_S: Final = (5, 30, 120, 600, 3_600, 4 * 3_600)
LONGEST_WRAPUP: Final = timedelta(minutes=10)  # then it is asked though the agent still writes
UNSEEN_AFTER: Final = timedelta(seconds=30)  # by then a poll has shown a call that goes on
RECENT: Final = timedelta(hours=24)
SLICE: Final = timedelta(hours=1)  # of the past that is read at once
MOST_WAITING: Final = 10_000  # where a dialer answers nothing about calls, the oldest are given up
RELEASED_EVERY: Final = timedelta(seconds=5)


@dataclass(slots=True)
class FollowUp:
    """
    One call to be asked about: `since` when the asking began, how often it was, and what is still missing.
    """

    base_key: str
    vendor_id: str
    agent_id: str | None
    since: datetime
    due_at: datetime
    tries: int = 0
    needs_recording: bool = False
    is_wrapping_up: bool = False

    @property
    def delays_s(self) -> tuple[int, ...]:
        """
        Return when it is asked, counted from `since`.
        """
        return RECORDING_AFTER_S if self.needs_recording else DETAIL_AFTER_S

    @property
    def is_last_try(self) -> bool:
        """
        Tell whether it will not be asked again.
        """
        return self.tries >= len(self.delays_s)


class CallFollowUps:
    """
    Asks about calls that are over until everything is known, or half a day has gone by; and sees to it that
    no end waits for longer than it may.
    """

    stream = CALLS

    def __init__(self, context: DialerContext, book: CallBook, details: CallDetails) -> None:
        self._context = context
        self._book = book
        self._details = details
        self._waiting: dict[str, FollowUp] = {}
        self.release_at = context.clock.now()  # when held ends are looked at next

    async def recent(self) -> dict[str, KnownDialerCall]:
        """
        Return the calls of the last day that are under way or incomplete.
        """
        now, found = self._context.now, {}
        start = now - RECENT
        while start < now + RECENT:  # what seems to be in the future is so by a wrong time zone
            part = await self._book.started_between(start, min(start + SLICE, now + RECENT))
            found.update({key: known for key, known in part.items() if self._is_incomplete(known.facts)})
            start += SLICE
        return found

    def start(self, recent: Mapping[str, KnownDialerCall]) -> None:
        """
        Take up again what a stop interrupted.
        """
        for base_key, known in recent.items():
            call = known.facts
            if call.vendor_id is None or known.call.is_silent:
                continue
            if call.ended_at is None:
                if call.is_pushed:
                    self.expect(base_key, call.vendor_id)
                continue
            now = self._context.clock.now()
            since = known.call.end_seen_at or now
            one = FollowUp(base_key, call.vendor_id, None, since, now)
            one.needs_recording = call.is_final and not call.is_pushed
            # Once more at least: what came while relay was away is asked for now.
            elapsed = sum(now - since >= timedelta(seconds=delay_s) for delay_s in one.delays_s)
            one.tries = max(0, elapsed - 1)
            self._wait_for(one)

    def add(self, base_key: str, vendor_id: str, agent_id: str | None) -> None:
        """
        Ask about a call that is over: as soon as its agent is not busy with it any more.
        """
        known, now = self._waiting.get(base_key), self._context.clock.now()
        if known is None or not known.needs_recording:
            one = FollowUp(base_key, vendor_id, agent_id, now, now, is_wrapping_up=agent_id is not None)
            self._wait_for(one)

    def expect(self, base_key: str, vendor_id: str) -> None:
        """
        Ask about a call that only a push told of, unless polls show it by and by.
        """
        now = self._context.clock.now()
        if base_key not in self._waiting:
            self._wait_for(FollowUp(base_key, vendor_id, None, now, now + UNSEEN_AFTER))

    def wrapping_up(self, agent_ids: Collection[str]) -> None:
        """
        Note which agents have not said yet what became of their calls: nobody else knows.
        """
        for one in self._waiting.values():
            if one.is_wrapping_up and one.agent_id not in agent_ids:
                one.is_wrapping_up, one.tries = False, 0
                one.since = one.due_at = self._context.clock.now()

    @property
    def due_at(self) -> datetime | None:
        """
        Return when the next call is to be asked about; None: there is none.
        """
        return min((self._due_at(one) for one in self._waiting.values()), default=None)

    async def step(self) -> None:
        """
        Ask about the call that is due first.

        Raises:
            SourceError: no good answer; it is asked again later.
        """
        one = min(self._waiting.values(), key=self._due_at, default=None)
        if one is None or self._due_at(one) > self._context.clock.now():
            return
        if one.is_wrapping_up:
            one.since = self._context.clock.now()  # and again after as long, unless the agent is done before
        one.tries += 1
        self._put_off(one)  # before asking, so that a call that cannot be asked about holds up no other
        known = (await self._book.known([one.base_key])).get(one.base_key)
        if known is None or (known.facts.ended_at is None and not known.facts.is_pushed):
            self._waiting.pop(one.base_key, None)  # polls show it, and will show its end
        elif one.needs_recording:
            await self._ask_recording(one, known.facts)
        else:
            await self._ask_detail(one)

    async def release(self) -> None:
        """
        Let out the ends that have waited for long enough for what the dialer would say, whatever it answers.
        """
        now, hold = self._context.clock.now(), self._context.settings.end_hold
        self.release_at = now + RELEASED_EVERY
        due = [
            base_key
            for base_key, known in (await self._book.held()).items()
            if known.call.end_seen_at is not None and now - known.call.end_seen_at >= hold
        ]
        if due:
            await self._book.tell(CALLS, Telling(dict.fromkeys(due, _as_known), now, LIVE, frozenset(due)))

    def _wait_for(self, one: FollowUp) -> None:
        self._waiting[one.base_key] = one
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self._context.metrics.dialer_calls_given_up.labels(self._context.label).inc()

    def _due_at(self, one: FollowUp) -> datetime:
        return one.since + LONGEST_WRAPUP if one.is_wrapping_up else one.due_at

    def _put_off(self, one: FollowUp) -> None:
        now = self._context.clock.now()
        while not one.is_last_try:
            one.due_at = one.since + timedelta(seconds=one.delays_s[one.tries])
            if one.due_at > now:
                return
            one.tries += 1  # it is asked late, not several times at once
        del self._waiting[one.base_key]

    async def _ask_detail(self, one: FollowUp) -> None:
        context, asked_at = self._context, self._context.clock.now()
        row = await self._details.call(one.vendor_id)
        is_lost = one.is_last_try or (row is None and asked_at - one.since >= context.settings.end_hold)
        told_at = context.at_dialer(asked_at)

        def told(known: KnownDialerCall | None) -> DialerCall | None:
            if known is None:
                return None
            call = known.facts if row is None else with_detail(known.facts, row, context.rules.zone)
            if is_lost and call.ended_at is None:  # a push told of it, and nothing ever of its end
                call = call._replace(ended_at=max(call.started_at, told_at), is_lost=True)
            return call

        await self._book.tell(CALLS, Telling({one.base_key: told}, asked_at))
        known = (await self._book.known([one.base_key])).get(one.base_key)
        if known is None or (known.facts.is_final and not known.facts.is_pushed):
            self._is_known(one, known)
        elif one.is_last_try:
            context.metrics.dialer_calls_given_up.labels(context.label).inc()

    def _is_known(self, one: FollowUp, known: KnownDialerCall | None) -> None:
        self._waiting.pop(one.base_key, None)
        if known is not None and self._wants_recording(known.facts):
            now = self._context.clock.now()
            one.needs_recording, one.is_wrapping_up, one.tries, one.since = True, False, 0, now
            one.due_at = now + timedelta(seconds=RECORDING_AFTER_S[0])
            self._waiting[one.base_key] = one

    def _is_incomplete(self, call: DialerCall) -> bool:
        is_open = call.ended_at is None or not call.is_final or call.is_pushed
        return is_open or self._wants_recording(call)

    def _wants_recording(self, call: DialerCall) -> bool:
        return (
            self._context.settings.with_recordings
            and call.recording_url is None
            and call.lead_id is not None
            and call.answered_at is not None
        )

    async def _ask_recording(self, one: FollowUp, call: DialerCall) -> None:
        zone, asked_at = self._context.rules.zone, self._context.clock.now()
        day = call.started_at.astimezone(zone).date().isoformat()
        rows = await self._details.recordings(call.lead_id or "", day)
        try:
            location = recording_of(call, rows, zone)
        except RecordRejected as error:
            source_id = self._context.source_id
            raise SourceGarbled(source_id, "bad_payload", f"recording_lookup: {error.why}", "") from error
        if location is None:
            if one.is_last_try:
                self._context.metrics.dialer_calls_given_up.labels(self._context.label).inc()
            return

        def told(known: KnownDialerCall | None) -> DialerCall | None:
            return None if known is None else known.facts.told(recording_url=location)

        await self._book.tell(CALLS, Telling({one.base_key: told}, asked_at))
        self._waiting.pop(one.base_key, None)


def _as_known(known: KnownDialerCall | None) -> DialerCall | None:
    return None if known is None else known.facts
