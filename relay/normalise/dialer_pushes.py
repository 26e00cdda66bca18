"""
What a VICIdial server tells by itself: a URL it gets when a call starts, ends, or finds no agent, and when an
agent does something (its Start, Dispo, No Agent and Dead Call URLs, and its agent events push).

A push is a hint: it tells of a call sooner, or of one that no poll saw, and a look-up confirms it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected
from relay.normalise.dialer_calls import DialerCalls, KnownDialerCall
from relay.normalise.dialer_ids import is_call_id
from relay.normalise.dialer_logs import NO_AGENT, over
from relay.normalise.dialer_outcomes import IN_PROGRESS

# The operator chooses the names in the URL; these are the variables' own, and what people call them.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "call_id": ("call_id", "callid", "caller_code", "callerid"),
    "agent": ("user", "agent_user", "agent_id"),
    "agent_name": ("fullname", "full_name"),
    "phone": ("phone_number", "phone"),
    "lead_id": ("lead_id",),
    "vendor_lead_code": ("vendor_lead_code", "vendor_id"),
    "campaign": ("campaign", "campaign_id"),
    "group": ("group", "in_group", "ingroup"),
    "did": ("did_pattern", "did_id", "did"),
    "dispo": ("dispo", "status", "disposition"),
    "talk_s": ("talk_time", "talk_s"),
    "recording": ("recording_location", "recording_url"),
    "event": ("event", "push", "trigger"),
    "reason": ("term_reason", "hangup_reason"),
}
_ENDS: Final = frozenset({"dispo", "no_agent", "noagent", "dead", "end", "hangup"})
_ANSWERS: Final = frozenset({"", "start", "started", "answer", "answered", "call_answered"})
_EVENTS_OF_AGENTS: Final = "counter"  # only the agent events push counts its events
MAX_TALK_S: Final = 86_400


class DialerPush(NamedTuple):
    """
    A push, read: which call it is about (None: of an agent only), and whether it says that the call is over.
    """

    vendor_id: str | None
    agent_id: str | None
    is_over: bool
    fields: Mapping[str, str]


def read_push(body: Mapping[str, Any]) -> DialerPush:
    """
    Read a push: fields of a form, a query or a JSON object.

    Raises:
        RecordRejected: it names neither a call nor an agent.
    """
    fields = {name: text for name in _NAMES if (text := _field(body, name))}
    vendor_id = fields.get("call_id")
    if vendor_id is not None and not is_call_id(vendor_id):
        raise RecordRejected(dict(body), f"call_id {vendor_id[:60]!r} is no call id")
    agent_id = fields.get("agent")
    if agent_id in NO_AGENT:
        agent_id = None
    if vendor_id is None and agent_id is None:
        raise RecordRejected(dict(body), "it names neither a call nor an agent")
    event = fields.get("event", "").lower()
    # Without a word of what happened: only what is over has a disposition.
    is_over = event in _ENDS or (not event and fields.get("dispo", "") not in IN_PROGRESS)
    return DialerPush(vendor_id, agent_id, is_over and _EVENTS_OF_AGENTS not in body, fields)


def told_by_push(
    push: DialerPush, calls: DialerCalls, known: KnownDialerCall | None, at: datetime
) -> DialerCall | None:
    """
    Return a call with what a push tells of it; None where it names none.

    Args:
        push: the push.
        calls: reads call ids.
        known: the call as stored.
        at: when the push came, by the dialer's clock.
    """
    if push.vendor_id is None:
        return None
    call = known.facts if known else calls.new(push.vendor_id, at)._replace(is_pushed=True)
    fields = push.fields
    call = call.told(
        agent_id=call.agent_id or push.agent_id,
        agent_name=call.agent_name or fields.get("agent_name"),
        phone=call.phone or fields.get("phone"),
        lead_id=call.lead_id or fields.get("lead_id"),
        vendor_lead_code=call.vendor_lead_code or fields.get("vendor_lead_code"),
        campaign=call.campaign or fields.get("campaign"),
        queue=call.queue or fields.get("group"),
        did=call.did or fields.get("did"),
        hangup_reason=fields.get("reason"),
        recording_url=fields.get("recording"),
    )
    if push.is_over:
        call = _over(call, fields, at)
    elif _is_answer(push) and call.answered_at is None and call.ended_at is None:
        call = call._replace(answered_at=max(call.started_at, at), answered_precision_s=1)
    return call


def _over(call: DialerCall, fields: Mapping[str, str], at: datetime) -> DialerCall:
    if call.ended_at is None or call.is_lost:
        call = call._replace(ended_at=max(call.started_at, at), ended_precision_s=1, is_lost=False)
    dispo, talk = fields.get("dispo", ""), fields.get("talk_s", "")
    if call.status is None and dispo and dispo not in IN_PROGRESS:
        call = call._replace(status=dispo)
    if call.talk_s is None and talk.isascii() and talk.isdigit() and int(talk) <= MAX_TALK_S:
        call = call._replace(talk_s=int(talk))
    return call if call.status is None else over(call)


def _is_answer(push: DialerPush) -> bool:
    return push.agent_id is not None and push.fields.get("event", "").lower() in _ANSWERS


def _field(body: Mapping[str, Any], name: str) -> str | None:
    for given in _NAMES[name]:
        value = body.get(given)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip() and not value.startswith("--A--"):
            return value.strip()
    return None
