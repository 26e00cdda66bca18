"""
The shared words as JSON: what `relay.api.answers` describes, as plain values for orjson.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import orjson

from relay.api.operation import SourceBudget
from relay.model.call import Leg
from relay.model.endpoint import EndpointSecret, RegisteredEndpoint
from relay.model.event import StoredEvent
from relay.model.listing import (
    AttemptItem,
    CallDetail,
    CallItem,
    DeliveryItem,
    EndpointCounts,
    SourceItem,
    StreamItem,
)
from relay.model.outcome import Delivered, TestResult
from relay.model.signed_request import PublicKey, SignatureCheck
from relay.model.times import from_ms, rfc3339, rfc3339_or_null, seconds_between

Shown = dict[str, Any]
OK: Final = "ok"
ABSENT: Final = "absent"


def listing(items: Sequence[Shown], place: str | None) -> Shown:
    """
    Show a page of a list.
    """
    return {"items": items, "next": place}


def endpoint(registered: RegisteredEndpoint) -> Shown:
    """
    Show an endpoint; nothing of its secrets.
    """
    spec, stored = registered.spec, registered.endpoint
    held = stored.not_before_ms
    return {
        "id": spec.id,
        "url": spec.url,
        "events": spec.events,
        "sources": spec.sources,
        "description": spec.description,
        "timeout_s": spec.timeout_s,
        "max_in_flight": spec.max_in_flight,
        "retry_schedule_s": spec.retry_schedule_s,
        **asdict(spec.options),
        "auth": {"kind": spec.auth.kind, "headers": spec.auth.header_names},
        "state": stored.state,
        "state_reason": stored.state_reason,
        "problem": registered.problem,
        "not_before": None if held is None else rfc3339(from_ms(held)),
        "is_from_file": registered.is_from_file,
        "start_seq": registered.start_seq,
        "created_at": rfc3339(registered.created_at),
    }


def secret(one: EndpointSecret) -> Shown:
    """
    Show that there is a secret, not the secret.
    """
    return {
        "id": one.secret_id,
        "scheme": one.scheme,
        "created_at": rfc3339(one.created_at),
        "starts_at": rfc3339_or_null(one.starts_at),
        "expires_at": rfc3339_or_null(one.expires_at),
        "is_lost": one.is_lost,
    }


def public_key(one: PublicKey) -> Shown:
    """
    Show what signatures of v1a are checked with.
    """
    return {
        "key": one.key,
        "scheme": one.scheme,
        "starts_at": rfc3339_or_null(one.starts_at),
        "expires_at": rfc3339_or_null(one.expires_at),
    }


def check(result: SignatureCheck) -> Shown:
    """
    Show what is to be said of the signature of a request.
    """
    return {
        "valid": result.is_valid,
        "scheme": result.scheme,
        "secret_id": result.secret_id,
        "timestamp_age_s": result.age_s,
        "problem": result.problem,
    }


def test_result(result: TestResult) -> Shown:
    """
    Show what came of a test.
    """
    outcome = result.outcome
    return {
        "event_id": result.event_id,
        "reason": OK if isinstance(outcome, Delivered) else outcome.reason,
        "http_status": outcome.status,
        "latency_ms": result.latency_ms,
        "answer": "" if isinstance(outcome, Delivered) else _text(outcome.answer),
    }


def stats(endpoint_id: str, counts: EndpointCounts) -> Shown:
    """
    Show what waits for an endpoint and how its newest deliveries went.
    """
    return {
        "endpoint_id": endpoint_id,
        "pending": counts.pending,
        "oldest_pending_at": rfc3339_or_null(counts.oldest_pending_at),
        "of": counts.of,
        "by_status": counts.by_status,
        "by_reason": counts.by_reason,
        "latency_ms": _latencies(sorted(counts.latency_ms)),
    }


def delivery(item: DeliveryItem) -> Shown:
    """
    Show a delivery.
    """
    key = item.key
    return {
        "id": str(key),
        "endpoint_id": key.endpoint_id,
        "event_id": key.event_id,
        "job": key.job,
        "seq": item.seq,
        "event_type": item.event_type,
        "subject": item.subject,
        "status": item.status,
        "attempts": item.attempts,
        "http_status": item.http_status,
        "reason": item.reason,
        "latency_ms": item.latency_ms,
        "recorded_at": rfc3339(item.recorded_at),
        "due_at": rfc3339_or_null(item.due_at),
        "settled_at": rfc3339_or_null(item.settled_at),
    }


def attempt(item: AttemptItem) -> Shown:
    """
    Show one request of a delivery.
    """
    return {
        "attempt": item.attempt,
        "made_at": rfc3339(item.made_at),
        "latency_ms": item.latency_ms,
        "reason": item.reason,
        "http_status": item.http_status,
        "answer": _text(item.answer),
    }


def event(stored: StoredEvent) -> Shown:
    """
    Show an event with its place; its body is handed on as it is, unread.
    """
    return {"seq": stored.seq, "event": orjson.Fragment(stored.body)}


def call(item: CallItem) -> Shown:
    """
    Show a call.
    """
    return {
        "call_id": item.call_id,
        "source_id": item.source_id,
        "subject": item.subject,
        "revision": item.revision,
        "data": item.record,
    }


def call_detail(detail: CallDetail) -> Shown:
    """
    Show a call with its legs and events.
    """
    return {
        **call(detail.item),
        "absorbed_into": detail.absorbed_into,
        "legs": [leg(one) for one in detail.legs],
        "events": [event(stored) for stored in detail.events],
    }


def source(item: SourceItem, budget: SourceBudget | None, now: datetime) -> Shown:
    """
    Show a source: how it is reached, how far it was read, what it may still be asked.
    """
    streams = [_stream(stream, now) for stream in item.streams]
    lags = [stream["lag_s"] for stream in streams if stream["state"] != ABSENT]
    return {
        "id": item.source_id,
        "kind": item.kind,
        "state": item.state,
        "system_status": item.system_status,
        "publish_from": rfc3339(item.publish_from),
        "watermark": rfc3339_or_null(item.watermark),
        "lag_s": max(lags) if lags and None not in lags else None,
        "streams": streams,
        "budget": None
        if budget is None
        else {
            "requests": budget.requests,
            "per_s": budget.per_s,
            "used": item.in_window,
            "remaining": max(0, budget.requests - item.in_window),
        },
    }


def _stream(item: StreamItem, now: datetime) -> Shown:
    read_to = item.covered_to
    return {
        "stream": item.stream,
        "state": item.state,
        "covered_from": rfc3339_or_null(item.covered_from),
        "covered_to": rfc3339_or_null(read_to),
        # A clock that was set back makes no negative lag.
        "lag_s": None if read_to is None else seconds_between(read_to, max(read_to, now)),
    }


def leg(one: Leg) -> Shown:
    """
    Show one row of a call in the shared words.
    """
    facts = one.facts
    return {
        "leg_id": one.leg_id,
        "stream": facts.stream,
        "native_id": facts.native_id,
        "direction": facts.direction,
        "from_raw": facts.from_raw,
        "from_e164": facts.from_e164,
        "to_raw": facts.to_raw,
        "to_e164": facts.to_e164,
        "masked": facts.masked,
        "agent_name": facts.agent_name,
        "queue": facts.queue,
        "ring_group": facts.ring_group,
        "status": facts.status,
        "started_at": rfc3339(facts.started_at),
        "answered_at": rfc3339_or_null(facts.answered_at),
        "ended_at": rfc3339_or_null(facts.ended_at),
        "duration_s": facts.duration_s,
        "talk_s": facts.talk_s,
        "first_seen_at": rfc3339(one.first_seen_at),
    }


def _latencies(ordered: Sequence[int]) -> Shown | None:
    if not ordered:
        return None
    last = len(ordered) - 1
    return {
        "p50": ordered[round(last * 0.50)],
        "p90": ordered[round(last * 0.90)],
        "p99": ordered[round(last * 0.99)],
        "max": ordered[last],
    }


def _text(answer: bytes) -> str:
    return answer.decode("utf-8", "replace")
