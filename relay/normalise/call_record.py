"""
Make the published record of a call from its legs, and what it was at an earlier milestone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import compress
from operator import ne
from typing import Any, Final

from relay.model import call as words
from relay.model.call import Leg, LegFacts
from relay.model.times import rfc3339, rfc3339_or_null, seconds_between

Record = dict[str, Any]

# What a log of calls has no column for; other kinds of sources do.
_DIALER_ONLY: Final[Record] = dict.fromkeys(("campaign", "lead_id", "vendor_lead_code"))
_NOT_TOLD: Final[Record] = dict.fromkeys(
    ("disposition", "disposition_mapped", "hangup_reason", "recording_url", "command_id")
)
_NOT_YET_ANSWERED: Final = {"answered_at": None, "talk_s": None}
_NOT_YET_ENDED: Final = {"ended_at": None, "duration_s": None, "talk_s": None}


def call_record(
    call_id: str,
    legs: Sequence[Leg],
    source_tz: str,
    is_ended: bool = False,
    link_confidence: float | None = None,
) -> Record:
    """
    Return the whole record of a call as its legs show it now (the fields of `CallData` but the common ones).

    Where legs differ the first by the anchor rule speaks for the call, and the leg on which somebody
    spoke for the conversation.  A call that `is_ended` stays so, also when an open leg joins it late.  Of
    legs that were never confirmed neither answer nor end is told.
    """
    ordered = sorted(legs, key=lambda leg: leg.anchor_rank)
    first = ordered[0].facts
    confirmed = _confirmed(ordered)
    spoken = next((leg.facts for leg in confirmed if leg.is_answered), None)
    started_at = min(leg.facts.started_at for leg in legs)
    is_over = end_of(legs, is_ended) is not None
    ended_at = end_of(confirmed, is_over) if is_over else None
    answered_at = spoken.answered_at if spoken else None
    latest_first = sorted(ordered, key=lambda leg: leg.facts.started_at, reverse=True)
    return {
        "call_id": call_id,
        "native_id": next((leg.facts.native_id for leg in ordered if leg.facts.native_id), None),
        **_numbers(first),
        "caller_name": None,
        "state": words.ENDED if is_over else words.STARTED if answered_at is None else words.ANSWERED,
        "outcome": outcome_of(legs, is_ended),
        "agent_id": None,
        "agent_name": _agent_name(spoken, ordered),
        "agent_extension": None,
        "agent_external_id": None,
        "queue": next((leg.facts.queue for leg in latest_first if leg.facts.queue), None),
        "ring_group": next((leg.facts.ring_group for leg in latest_first if leg.facts.ring_group), None),
        **_DIALER_ONLY,
        "started_at": rfc3339(started_at),
        "answered_at": rfc3339_or_null(answered_at),
        "ended_at": rfc3339_or_null(ended_at),
        "wait_s": seconds_between(started_at, answered_at or ended_at),
        "talk_s": _talk_s(confirmed, ended_at),
        "duration_s": _duration_s(confirmed, started_at, ended_at),
        **_NOT_TOLD,
        "legs": [_leg_record(leg) for leg in ordered],
        "linked_call_ids": [],
        "link_confidence": link_confidence,
        "masked": any(leg.facts.masked for leg in legs),
        "source_tz": source_tz,
    }


def as_started(record: Record) -> Record:
    """
    Return the record as it was when the call had only started.
    """
    legs = [
        leg | _NOT_YET_ANSWERED | _NOT_YET_ENDED | {"status": None, "rang": False} for leg in record["legs"]
    ]
    early = {"state": words.STARTED, "outcome": words.UNKNOWN, "wait_s": None, "legs": legs}
    return record | _NOT_YET_ANSWERED | _NOT_YET_ENDED | early


def as_answered(record: Record) -> Record:
    """
    Return the record as it was when somebody had answered and nobody had hung up.
    """
    legs = [leg | _NOT_YET_ENDED | {"status": None} for leg in record["legs"]]
    return record | _NOT_YET_ENDED | {"state": words.ANSWERED, "outcome": words.ANSWERED, "legs": legs}


def changed_fields(old: Record, new: Record) -> tuple[str, ...]:
    """
    Name the fields that differ, in the record's order.
    """
    names = tuple(new)
    if tuple(old) == names:  # nearly always: compared without a step of Python for each field
        return tuple(compress(names, map(ne, new.values(), old.values())))
    return tuple([name for name, value in new.items() if old.get(name) != value])


def end_of(legs: Sequence[Leg], is_ended: bool = False) -> datetime | None:
    """
    Return when the call ended: once all its known legs are closed, or were before.
    """
    ends = [leg.facts.ended_at for leg in legs if leg.facts.ended_at is not None]
    return max(ends) if ends and (is_ended or len(ends) == len(legs)) else None


def outcome_of(legs: Sequence[Leg], is_ended: bool = False) -> str:
    """
    Say what became of a call: answered by anybody is answered; else the last summary row decides.
    """
    confirmed = _confirmed(legs)
    if any(leg.is_answered for leg in confirmed):
        return words.ANSWERED
    if not confirmed or end_of(legs, is_ended) is None:
        return words.UNKNOWN
    summaries = [leg for leg in confirmed if leg.facts.status]
    if summaries:
        last = max(summaries, key=lambda leg: (leg.facts.started_at, leg.anchor_rank))
        return last.facts.status or words.UNKNOWN
    first = min(legs, key=lambda leg: leg.anchor_rank)
    return words.MISSED if first.facts.direction == words.INBOUND else words.NO_ANSWER


def _numbers(first: LegFacts) -> Record:
    return {
        "direction": first.direction,
        "from_raw": first.from_raw or None,
        "from_e164": first.from_e164,
        "to_raw": first.to_raw or None,
        "to_e164": first.to_e164,
        "did": first.to_e164 or first.to_raw or None if first.direction == words.INBOUND else None,
    }


def _confirmed(legs: Sequence[Leg]) -> Sequence[Leg]:
    return [leg for leg in legs if not (leg.is_provisional and leg.is_unconfirmed)]


def _agent_name(spoken: LegFacts | None, legs: list[Leg]) -> str | None:
    if spoken is not None:
        return spoken.agent_name
    users = [leg.facts.agent_name for leg in legs if leg.facts.stream == words.USER_CALLS]
    return users[0] if len(users) == 1 else None


def _talk_s(legs: Sequence[Leg], ended_at: datetime | None) -> int | None:
    if ended_at is None:
        return None
    spoken = [leg.facts for leg in legs if leg.is_answered]
    if not spoken:
        return 0  # the vendor says that nobody answered: known to be nothing, not unknown
    if len(spoken) == 1:
        return _talk_of(spoken[0])
    # One conversation stands in several rows; only phones of several agents had a part of it each.
    users = [facts for facts in spoken if facts.stream == words.USER_CALLS]
    talks = [_talk_of(facts) for facts in users or spoken[:1]]
    known = [talk_s for talk_s in talks if talk_s is not None]
    return sum(known) if len(known) == len(talks) else None


def _talk_of(facts: LegFacts) -> int | None:
    return facts.talk_s if facts.talk_s is not None else seconds_between(facts.answered_at, facts.ended_at)


def _duration_s(legs: Sequence[Leg], started_at: datetime, ended_at: datetime | None) -> int | None:
    if ended_at is None:
        return None
    if len(legs) == 1 and legs[0].facts.duration_s is not None:
        return legs[0].facts.duration_s
    return seconds_between(started_at, ended_at)


def _leg_record(leg: Leg) -> Record:
    facts = leg.facts
    if leg.is_unconfirmed:
        facts = facts._replace(status=None, answered_at=None, ended_at=None)
    talk_s = facts.talk_s
    if talk_s is None and facts.ended_at is not None:
        talk_s = seconds_between(facts.answered_at, facts.ended_at) if facts.answered_at else 0
    return {
        "leg_id": leg.leg_id,
        "stream": facts.stream,
        "agent_name": facts.agent_name,
        "queue": facts.queue,
        "ring_group": facts.ring_group,
        "status": facts.status,
        "started_at": rfc3339(facts.started_at),
        "answered_at": rfc3339_or_null(facts.answered_at),
        "ended_at": rfc3339_or_null(facts.ended_at),
        "duration_s": facts.duration_s
        if facts.duration_s is not None
        else seconds_between(facts.started_at, facts.ended_at),
        "talk_s": talk_s,
        "rang": facts.stream == words.USER_CALLS and facts.ended_at is not None and facts.answered_at is None,
    }
