"""
Assemble calls from legs and say, as events, what changed (DESIGN section 4).

Started, answered and the end are milestones: each at most once per call, with ids that a rebuild gives
again.  A negative end is held until the other streams had their chance to show a leg; what changes
after the end is call.updated, never a second end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from relay.model import call as words
from relay.model.call import Call, Leg, LegFacts
from relay.model.change import CallChange, Neighbourhood
from relay.model.coverage import Interval
from relay.model.event import LIVE
from relay.model.ids import IdMaker, subject
from relay.normalise.call_events import CallEvents
from relay.normalise.call_record import call_record, end_of, outcome_of
from relay.normalise.identity import identify
from relay.normalise.known_calls import KnownCalls
from relay.normalise.linking import find_call
from relay.normalise.rules import CallRules


class CallAssembler:
    """
    Turns fresh rows of one source, and what is known near them, into changed calls.

    Pure: the same rows and neighbourhood give the same changes, ids and events.
    """

    def __init__(self, rules: CallRules, ids: IdMaker) -> None:
        self._rules = rules
        self._ids = ids

    def assemble(
        self,
        fresh: Sequence[LegFacts],
        page: Mapping[bytes, int],
        near: Neighbourhood,
        observed_at: datetime,
        skew: timedelta = timedelta(0),
    ) -> list[CallChange]:
        """
        Return the calls that the fresh rows change, each with its changed legs and its events.

        Args:
            fresh: rows not held by the journal in this state, all of one page.
            page: how often each row digest stands in that page.
            near: whole calls near the rows (`PollJournal.neighbourhood`).
            observed_at: when the page was asked for.
            skew: the phone system's clock minus ours.
        """
        calls = KnownCalls(near.legs)
        changed: dict[str, list[Leg]] = defaultdict(list)
        legs = identify(fresh, near.legs, page, self._ids, observed_at)
        # Anchors first: known legs, then new ones by the anchor rule, so the first leg of a call names it.
        for leg in sorted(legs, key=lambda leg: (leg.call_id == "", leg.anchor_rank)):
            call_id = leg.call_id or find_call(leg, calls.near(leg)) or leg.leg_id
            placed = leg._replace(call_id=call_id)
            calls.place(placed)
            changed[call_id].append(placed)
        return [
            self._advance(near.calls.get(call_id), calls.legs_of(call_id), legs, observed_at, skew)
            for call_id, legs in changed.items()
        ]

    def release(
        self,
        held: Neighbourhood,
        read_through: Mapping[str, Interval | None],
        now: datetime,
    ) -> list[CallChange]:
        """
        Return the calls whose held end may go out now, with the event that says it.

        Args:
            held: the calls whose end is held, with all their legs.
            read_through: for each enabled stream that is not absent, what was read completely last.
            now: the present, by the source's clock.
        """
        by_call: dict[str, list[Leg]] = defaultdict(list)
        for leg in held.legs:
            by_call[leg.call_id].append(leg)
        changes = []
        for call in held.calls.values():
            if self._may_go(call, read_through, now):
                events = CallEvents(self._ids, self._rules, call, call.end_seen_at or now, LIVE)
                record = call_record(call.call_id, by_call[call.call_id], self._rules.zone.key)
                events.end(record)
                changes.append(CallChange(events.call, (), tuple(events.made), call.revision))
        return changes

    def next_release(self, held: Neighbourhood, released: Sequence[CallChange]) -> datetime | None:
        """
        Return when the first end that is still held goes out whatever the streams show.
        """
        gone = {change.call.call_id for change in released}
        seen = [call.end_seen_at for call_id, call in held.calls.items() if call_id not in gone]
        return min((at + self._rules.end_hold for at in seen if at is not None), default=None)

    def _advance(
        self,
        known: Call | None,
        legs: list[Leg],
        changed: list[Leg],
        observed_at: datetime,
        skew: timedelta,
    ) -> CallChange:
        call_id = changed[0].call_id
        is_ended = known is not None and known.is_end_published
        record = call_record(call_id, legs, self._rules.zone.key, is_ended)
        ended_at, outcome = end_of(legs, is_ended), outcome_of(legs, is_ended)
        call = known or self._new_call(call_id, legs, record)
        call = call._replace(
            state=record["state"],
            started_at=min(leg.facts.started_at for leg in legs),
            ended_at=ended_at,
            end_seen_at=(call.end_seen_at or observed_at) if ended_at else None,
            # Asked anew each time: a leg that joins may show that the call went on.
            is_silent=call.revision == 0 and self._ended_before_publishing(ended_at, skew),
        )
        events = CallEvents(self._ids, self._rules, call, observed_at, LIVE)
        if call.is_silent:
            events.stay_silent(record)
        elif call.is_end_published:
            events.update(record)
        else:
            events.start(record)
            events.answer(record)
            if ended_at and outcome == words.ANSWERED:
                events.end(record)
        return CallChange(events.call, tuple(changed), tuple(events.made), known.revision if known else 0)

    def _new_call(self, call_id: str, legs: list[Leg], record: dict[str, object]) -> Call:
        return Call(
            call_id=call_id,
            source_id=self._rules.source_id,
            subject=subject("call", self._rules.source_id, call_id),
            state=words.STARTED,
            started_at=legs[0].facts.started_at,
            ended_at=None,
            end_seen_at=None,
            is_end_published=False,
            is_answer_published=False,
            is_silent=False,
            revision=0,
            last_event_id=None,
            record=record,
        )

    def _ended_before_publishing(self, ended_at: datetime | None, skew: timedelta) -> bool:
        # publish_from is an instant of our clock, the end one of the phone system's.
        return ended_at is not None and ended_at - skew < self._rules.publish_from

    def _may_go(self, call: Call, read_through: Mapping[str, Interval | None], now: datetime) -> bool:
        if call.ended_at is None or call.end_seen_at is None:
            return False
        if now >= call.end_seen_at + self._rules.end_hold:
            return True
        enough = call.ended_at + self._rules.link_window
        return all(
            read is not None and read.start <= call.ended_at and enough < read.end
            for read in read_through.values()
        )
