"""
Calls that are over and of which the dialer has not yet said everything: what became of them, the recording.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected, SourceGarbled
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
RECENT: Final = timedelta(hours=24)


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
    needs_detail: bool = True
    needs_recording: bool = False
    is_wrapping_up: bool = True


class CallFollowUps:
    """
    Asks about calls that are over until everything is known, or a day has gone by.
    """

    stream = CALLS

    def __init__(self, context: DialerContext, book: CallBook, details: CallDetails) -> None:
        self._context = context
        self._book = book
        self._details = details
        self._waiting: dict[str, FollowUp] = {}

    async def recent(self) -> dict[str, KnownDialerCall]:
        """
        Return the calls that may still be under way or incomplete.
        """
        now = self._context.now
        return await self._book.started_between(now - RECENT, now + RECENT)

    async def start(self) -> None:
        """
        Take up again what a stop interrupted.
        """
        for base_key, known in (await self.recent()).items():
            call = known.facts
            if call.vendor_id is None or call.ended_at is None or known.call.is_silent:
                continue
            if not call.is_final:
                self.add(base_key, call.vendor_id, None)
            elif self._wants_recording(call):
                self.add(base_key, call.vendor_id, None)
                self._of_recording(self._waiting[base_key])

    def add(self, base_key: str, vendor_id: str, agent_id: str | None) -> None:
        """
        Ask about a call: as soon as its agent is not busy with it any more.
        """
        now = self._context.clock.now()
        self._waiting.setdefault(
            base_key, FollowUp(base_key, vendor_id, agent_id, now, now, is_wrapping_up=agent_id is not None)
        )

    def wrapping_up(self, agent_ids: Collection[str]) -> None:
        """
        Note which agents still choose a disposition: what became of their calls nobody knows yet.
        """
        for one in self._waiting.values():
            if one.is_wrapping_up and one.agent_id not in agent_ids:
                one.is_wrapping_up = False
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
        one.is_wrapping_up = False
        one.tries += 1
        self._put_off(one)  # before asking, so that a call that cannot be asked about holds up no other
        if one.needs_detail:
            await self._ask_detail(one)
        else:
            await self._ask_recording(one)

    def _due_at(self, one: FollowUp) -> datetime:
        return one.since + LONGEST_WRAPUP if one.is_wrapping_up else one.due_at

    def _put_off(self, one: FollowUp) -> None:
        delays = DETAIL_AFTER_S if one.needs_detail else RECORDING_AFTER_S
        if one.tries >= len(delays):
            del self._waiting[one.base_key]
            self._context.metrics.dialer_calls_given_up.labels(self._context.label).inc()
        else:
            one.due_at = max(one.since + timedelta(seconds=delays[one.tries]), self._context.clock.now())

    async def _ask_detail(self, one: FollowUp) -> None:
        asked_at = self._context.clock.now()
        row = await self._details.call(one.vendor_id)
        zone = self._context.rules.zone
        hold = self._context.settings.end_hold
        is_due = frozenset({one.base_key} if asked_at - one.since >= hold else ())

        def told(known: KnownDialerCall | None) -> DialerCall | None:
            if known is None:
                return None
            return known.facts if row is None else with_detail(known.facts, row, zone)

        telling = Telling({one.base_key: told}, asked_at, is_end_due=is_due)
        try:
            await self._book.tell(CALLS, telling)
        except RecordRejected as error:
            source_id = self._context.source_id
            raise SourceGarbled(source_id, "bad_payload", f"callid_info: {error.why}", "") from error
        known = (await self._book.known([one.base_key])).get(one.base_key)
        if known is None or known.facts.is_final:
            self._is_known(one, known)

    def _is_known(self, one: FollowUp, known: KnownDialerCall | None) -> None:
        self._waiting.pop(one.base_key, None)
        if known is not None and self._wants_recording(known.facts):
            self._waiting[one.base_key] = one
            self._of_recording(one)

    def _of_recording(self, one: FollowUp) -> None:
        now = self._context.clock.now()
        one.needs_detail, one.is_wrapping_up, one.tries, one.since = False, False, 0, now
        one.due_at = now + timedelta(seconds=RECORDING_AFTER_S[0])

    def _wants_recording(self, call: DialerCall) -> bool:
        return (
            self._context.settings.with_recordings
            and call.recording_url is None
            and call.lead_id is not None
            and call.answered_at is not None
        )

    async def _ask_recording(self, one: FollowUp) -> None:
        known = (await self._book.known([one.base_key])).get(one.base_key)
        if known is None or known.facts.lead_id is None:
            self._waiting.pop(one.base_key, None)
            return
        zone, asked_at = self._context.rules.zone, self._context.clock.now()
        day = known.facts.started_at.astimezone(zone).date().isoformat()
        rows = await self._details.recordings(known.facts.lead_id, day)
        try:
            location = recording_of(known.facts, rows, zone)
        except RecordRejected as error:
            source_id = self._context.source_id
            raise SourceGarbled(source_id, "bad_payload", f"recording_lookup: {error.why}", "") from error
        if location is None:
            return

        def told(known: KnownDialerCall | None) -> DialerCall | None:
            return None if known is None else known.facts.told(recording_url=location)

        await self._book.tell(CALLS, Telling({one.base_key: told}, asked_at))
        self._waiting.pop(one.base_key, None)
