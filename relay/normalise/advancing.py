"""
Move one call on: from its legs as they are now to its record and the events that say what changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from relay.model import call as words
from relay.model.call import Call, Leg
from relay.model.change import CallChange
from relay.model.event import LIVE
from relay.model.ids import IdMaker, subject
from relay.model.linking import LinkRules
from relay.normalise.call_events import CallEvents
from relay.normalise.call_record import Record, call_record, end_of
from relay.normalise.evidence import Scorer
from relay.normalise.pairs import Pairs, confidence
from relay.normalise.rules import CallRules


class Look(NamedTuple):
    """
    One look at a phone system: when and why, its clock minus ours, and from when on calls are published.
    """

    observed_at: datetime
    publish_from: datetime
    skew: timedelta = timedelta(0)
    origin: str = LIVE


class Advancing:
    """
    Writes calls as their legs show them.
    """

    def __init__(self, rules: CallRules, ids: IdMaker, link_rules: LinkRules) -> None:
        self._rules = rules
        self._ids = ids
        self._link_rules = link_rules

    def record(self, call_id: str, legs: Sequence[Leg], is_ended: bool) -> Record:
        """
        Return the record of a call as its legs show it now.
        """
        sure = None
        if len(legs) > 1:
            sure = confidence(legs, Pairs(Scorer(self._link_rules, None)), self._link_rules)
        return call_record(call_id, legs, self._rules.zone.key, is_ended, sure)

    def events(self, call: Call, look: Look) -> CallEvents:
        """
        Return the collector of a call's events.
        """
        return CallEvents(self._ids, self._rules, call, look.observed_at, look.origin)

    def advance(
        self,
        known: Call | None,
        legs: Sequence[Leg],
        changed: Sequence[Leg],
        look: Look,
        absorbed: Sequence[Call] = (),
    ) -> CallChange:
        """
        Return a call's change.

        Args:
            known: the call as stored; None for a new one.
            legs: all its legs.
            changed: those of them that are new or changed.
            look: when and why they were seen.
            absorbed: the stored calls that turned out to be this one; their legs are among `changed`.
        """
        call_id = changed[0].call_id
        is_ended = known is not None and known.is_end_published
        record = self.record(call_id, legs, is_ended) | _caused(known, *absorbed)
        ended_at = end_of(legs, is_ended)
        call = known or self._new_call(call_id, legs, record)
        call = call._replace(
            state=record["state"],
            started_at=min(leg.facts.started_at for leg in legs),
            ended_at=ended_at,
            end_seen_at=(call.end_seen_at or look.observed_at) if ended_at else None,
            # Asked anew each time: a leg that joins may show that the call went on.
            is_silent=call.revision == 0 and _ended_before_publishing(ended_at, look),
        )
        events = self.events(call, look)
        for other in absorbed:
            if other.revision:
                events.absorb(record, other.call_id)
        if call.is_silent:
            events.stay_silent(record)
        elif call.is_end_published:
            events.update(record)
        else:
            events.start(record)
            events.answer(record)
            if ended_at and record["outcome"] == words.ANSWERED:
                events.end(record)
        also = tuple([self._absorbed(other, call_id, look) for other in absorbed])
        revision = known.revision if known else 0
        return CallChange(events.call, tuple(changed), tuple(events.made), revision, also)

    def end(self, call: Call, legs: Sequence[Leg], changed: Sequence[Leg], look: Look) -> CallChange:
        """
        Return the end of a call, for which nothing need be waited for any more, once all its legs are closed.
        """
        record = self.record(call.call_id, legs, call.is_end_published) | _caused(call)
        ended_at = end_of(legs, call.is_end_published)
        seen_at = (call.end_seen_at or look.observed_at) if ended_at else None
        events = self.events(
            call._replace(state=record["state"], ended_at=ended_at, end_seen_at=seen_at), look
        )
        if call.is_silent:
            events.stay_silent(record)
        elif call.is_end_published:
            events.update(record)
        elif ended_at is not None:
            events.answer(record)
            events.end(record)
        return CallChange(events.call, tuple(changed), tuple(events.made), call.revision)

    def publish(self, call: Call, legs: Sequence[Leg], look: Look) -> CallChange:
        """
        Return a call that was silent with the events it would have made.
        """
        record = self.record(call.call_id, legs, call.is_end_published) | _caused(call)
        events = self.events(call._replace(is_silent=False), look)
        events.start(record)
        events.answer(record)
        if call.ended_at is not None:
            events.end(record)
        return CallChange(events.call, (), tuple(events.made), call.revision)

    def claim(self, call: Call, command_id: str, look: Look) -> CallChange:
        """
        Return a call with the command that caused it.
        """
        record, events = call.record | {"command_id": command_id}, self.events(call, look)
        if call.revision:
            events.update(record)
        else:
            events.stay_silent(record)
        return CallChange(events.call, (), tuple(events.made), call.revision)

    def _absorbed(self, call: Call, into: str, look: Look) -> CallChange:
        """
        Return the end of a call that is part of another from now on; one that nobody heard of goes silently.
        """
        events = self.events(call, look)
        if call.revision:
            events.merge_into(into)
        gone = events.call._replace(
            state=words.ENDED,
            end_seen_at=call.end_seen_at if call.is_end_published else None,
            absorbed_into=into,
        )
        return CallChange(gone, (), tuple(events.made), call.revision)

    def _new_call(self, call_id: str, legs: Sequence[Leg], record: Record) -> Call:
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


def _ended_before_publishing(ended_at: datetime | None, look: Look) -> bool:
    # publish_from is an instant of our clock, the end one of the phone system's.
    return ended_at is not None and ended_at - look.skew < look.publish_from


def _caused(*calls: Call | None) -> Record:
    """
    Return the command that caused one of some calls: no row tells it, so it is carried on.
    """
    ids = (call.record.get("command_id") for call in calls if call is not None)
    command_id = next((one for one in ids if one is not None), None)
    return {} if command_id is None else {"command_id": command_id}
