"""
From what a dialer told of a call to its record and events (DESIGN section 4).

A call of a dialer is one leg.  Its id follows from the id that the vendor gave it and the date inside, so
that a poll, a push, a log and a backfill all name it alike.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.model import call as words
from relay.model.call import DIALER_CALLS, Call, Leg, LegFacts
from relay.model.change import CallChange
from relay.model.dialer_call import DialerCall
from relay.model.ids import IdMaker, row_digest, subject
from relay.model.mapping import Mappings
from relay.model.numbers import e164, is_masked, link_key
from relay.normalise.advancing import Look
from relay.normalise.call_events import CallEvents
from relay.normalise.call_record import Record, call_record
from relay.normalise.dialer_ids import CLOCKS_DIFFER, read_call_id
from relay.normalise.dialer_outcomes import leg_status, outcome_of
from relay.normalise.rules import CallRules

SHORT_S: Final = 5  # polls may know the whole of a call no better than this
_TOLD_LATER: Final = ("disposition", "disposition_mapped", "recording_url")


class KnownDialerCall(NamedTuple):
    """
    A call as stored, with its leg.
    """

    call: Call
    leg: Leg

    @property
    def facts(self) -> DialerCall:
        """
        Return what was told of it so far.
        """
        return DialerCall.of_row(self.leg.facts.row)


class DialerCalls:
    """
    Turns what is known of a dialer's calls into changed calls.  Pure.

    Args:
        rules: the settings of the source.
        ids: maker of ids.
    """

    def __init__(self, rules: CallRules, ids: IdMaker) -> None:
        self._rules = rules
        self._ids = ids

    def base_key(self, vendor_id: str, near: datetime) -> str:
        """
        Return the key of a call of which a dialer told the id at about `near`.
        """
        parts = read_call_id(vendor_id, near, self._rules.zone)
        at = None if parts.started_at is None else int(parts.started_at.timestamp())
        return self._ids.leg_base(self._rules.source_id, DIALER_CALLS, vendor_id, parts.day, started_s=at)

    def call_id(self, vendor_id: str, near: datetime) -> str:
        """
        Return the id of such a call, for ever.
        """
        return self.id_of(self.base_key(vendor_id, near))

    def id_of(self, base_key: str) -> str:
        """
        Return the id of the call with a key.
        """
        return self._ids.leg(base_key, 0)

    def logged_base_key(self, line: str, phone: str, logged_at: datetime, ordinal: int) -> str:
        """
        Return the key of a call that only a log told of: the number called, the caller, the second, and which
        of several such calls it is.
        """
        started_s, same = int(logged_at.timestamp()), (str(ordinal),) if ordinal else ()
        return self._ids.leg_base(
            self._rules.source_id, DIALER_CALLS, "log", line, phone, *same, started_s=started_s
        )

    def new(self, vendor_id: str, seen_at: datetime) -> DialerCall:
        """
        Return what an id alone says of a call.
        """
        parts = read_call_id(vendor_id, seen_at, self._rules.zone)
        started_at = parts.started_at
        if started_at is None or started_at > seen_at + CLOCKS_DIFFER:  # read in a zone that is not its own
            started_at = seen_at.replace(microsecond=0)
        return DialerCall(vendor_id, parts.direction or words.UNKNOWN, started_at, lead_id=parts.lead_id)

    def change(
        self,
        base_key: str,
        known: KnownDialerCall | None,
        now: DialerCall,
        look: Look,
        mappings: Mappings,
        *,
        is_end_due: bool = False,
    ) -> CallChange | None:
        """
        Return the change that makes a call what is known of it now; None where nothing changed.

        Args:
            base_key: its key.
            known: the call as stored; None for a new one.
            now: all that is known of it.
            look: when and why that was asked.
            mappings: the CRM's words.
            is_end_due: a negative end goes out though the dialer has not said what became of the call.
        """
        now = DialerCall.of_row(now.as_row())  # as it will be read back: no figure changes by that alone
        leg = self._leg(base_key, known, now, look.observed_at)
        call = known.call if known else self._new_call(leg)
        record = self._record(call, leg, now, mappings)
        ended_at = now.ended_at
        call = call._replace(
            state=record["state"],
            started_at=now.started_at,
            ended_at=ended_at,
            end_seen_at=(call.end_seen_at or look.observed_at) if ended_at else None,
            is_silent=call.revision == 0 and _is_past(ended_at, look),
        )
        events = CallEvents(self._ids, self._rules, call, look.observed_at, look.origin)
        if call.is_silent:
            events.stay_silent(record)
        else:
            self._tell(events, call, record, now, is_end_due)
        if known is not None and known.leg == leg and events.call == known.call:
            return None
        revision = known.call.revision if known else 0
        return CallChange(events.call, (leg,), tuple(events.made), revision)

    def _tell(
        self, events: CallEvents, call: Call, record: Record, now: DialerCall, is_end_due: bool
    ) -> None:
        if not call.is_end_published:
            before = record | dict.fromkeys(_TOLD_LATER)
            events.start(before)
            events.answer(before, now.answered_precision_s or 1)
            is_sure = now.answered_at is not None or now.is_final or now.is_lost or is_end_due
            if now.ended_at is None or not is_sure:
                return
            events.end(before, None if now.is_lost else now.ended_precision_s or 1)
        told = events.call.record
        if record["disposition"] != told["disposition"]:
            events.disposition(record | {"recording_url": told["recording_url"]})
        told = events.call.record
        if record["recording_url"] != told["recording_url"]:
            events.recording(record)
        events.update(record)

    def _leg(
        self, base_key: str, known: KnownDialerCall | None, now: DialerCall, observed_at: datetime
    ) -> Leg:
        facts = self._facts(base_key, now)
        if known is not None:
            return known.leg._replace(facts=facts, is_provisional=now.is_lost)
        leg_id = self._ids.leg(base_key, 0)
        return Leg(leg_id, 0, leg_id, observed_at, facts, is_provisional=now.is_lost)

    def _facts(self, base_key: str, now: DialerCall) -> LegFacts:
        country, row = self._rules.country, now.as_row()
        phone, line = now.phone or "", now.did or ""
        is_outbound = now.direction == words.OUTBOUND
        from_raw, to_raw = (line, phone) if is_outbound else (phone, line)
        return LegFacts(
            source_id=self._rules.source_id,
            stream=DIALER_CALLS,
            base_key=base_key,
            native_id=now.vendor_id,
            link_key=link_key(phone, country) if phone else None,
            direction=now.direction,
            from_raw=from_raw,
            from_e164=e164(from_raw, country),
            to_raw=to_raw,
            to_e164=e164(to_raw, country),
            masked=is_masked(phone),
            agent_name=now.agent_name,
            queue=now.queue,
            ring_group=None,
            status=words.UNKNOWN if now.is_lost else leg_status(now) if now.ended_at is not None else None,
            started_at=now.started_at,
            answered_at=now.answered_at,
            ended_at=now.ended_at,
            duration_s=None,
            talk_s=now.talk_s if now.answered_at is not None else None,
            row=row,
            digest=row_digest(row),
        )

    def _record(self, call: Call, leg: Leg, now: DialerCall, mappings: Mappings) -> Record:
        record = call_record(leg.leg_id, (leg,), self._rules.zone.key, call.is_end_published)
        outcome = outcome_of(now)
        more: dict[str, Any] = {
            "outcome": outcome,
            "agent_id": now.agent_id,
            "agent_name": now.agent_name,
            "agent_external_id": mappings.external_ids.get(now.agent_id or ""),
            "queue": now.queue,
            "campaign": now.campaign,
            "lead_id": now.lead_id,
            "vendor_lead_code": now.vendor_lead_code,
            "disposition": now.status,
            "disposition_mapped": mappings.codes.get(now.status or ""),
            "hangup_reason": now.hangup_reason,
            "recording_url": now.recording_url,
            "linked_call_ids": [now.linked_call_id] if now.linked_call_id else [],
        }
        if not _is_talk_known(now, outcome):
            more["talk_s"] = None
            more["legs"] = [one | {"talk_s": None} for one in record["legs"]]
            more |= {"wait_s": None} if outcome == words.ANSWERED else {}
        # What others found out about the call: the command that caused it.
        return record | more | {"command_id": call.record.get("command_id")}

    def _new_call(self, leg: Leg) -> Call:
        return Call(
            call_id=leg.leg_id,
            source_id=self._rules.source_id,
            subject=subject("call", self._rules.source_id, leg.leg_id),
            state=words.STARTED,
            started_at=leg.facts.started_at,
            ended_at=None,
            end_seen_at=None,
            is_end_published=False,
            is_answer_published=False,
            is_silent=False,
            revision=0,
            last_event_id=None,
            record={},
        )


def _is_talk_known(now: DialerCall, outcome: str) -> bool:
    if outcome != words.ANSWERED:
        return now.ended_at is not None and now.is_final  # else nobody knows yet whether somebody spoke
    if now.talk_s is not None or now.answered_at is None or now.ended_at is None:
        return True
    # Of a call that only a log told of, the answer may have been at any time.
    talked_s = (now.ended_at - now.answered_at).total_seconds()
    return (now.answered_precision_s or 1) <= max(talked_s, SHORT_S)


def _is_past(ended_at: datetime | None, look: Look) -> bool:
    return ended_at is not None and ended_at - look.skew < look.publish_from
