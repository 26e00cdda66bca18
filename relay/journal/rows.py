"""
Between rows of tables and the shared words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Row

from relay.model.call import Call, Leg, LegFacts
from relay.model.delivery_options import V1, V1A, DeliveryOptions
from relay.model.endpoint import Endpoint, EndpointSecret, EndpointSpec, RegisteredEndpoint
from relay.model.endpoint_auth import EndpointAuth
from relay.model.event import StoredEvent
from relay.model.times import from_ms, to_ms

T = TypeVar("T")
_OPTIONS: Final = TypeAdapter(DeliveryOptions)


def ms_or_null(at: datetime | None) -> int | None:
    """
    Return milliseconds of an instant that may be unknown.
    """
    return None if at is None else to_ms(at)


def time_or_null(ms: int | None) -> datetime | None:
    """
    Return the instant of milliseconds that may be null.
    """
    return None if ms is None else from_ms(ms)


def leg_values(leg: Leg) -> tuple[Any, ...]:
    """
    Return the row of `legs` for a leg, in the order of its columns.
    """
    facts = leg.facts
    return (
        leg.leg_id,
        leg.ordinal,
        leg.call_id,
        to_ms(leg.first_seen_at),
        facts.source_id,
        facts.stream,
        facts.base_key,
        facts.native_id,
        facts.link_key,
        facts.direction,
        facts.from_raw,
        facts.from_e164,
        facts.to_raw,
        facts.to_e164,
        facts.masked,
        facts.agent_name,
        facts.queue,
        facts.ring_group,
        facts.status,
        to_ms(facts.started_at),
        ms_or_null(facts.answered_at),
        ms_or_null(facts.ended_at),
        facts.duration_s,
        facts.talk_s,
        orjson.dumps(facts.row),
        facts.digest,
        leg.is_provisional,
    )


def leg_of(row: Row[Any]) -> Leg:
    """
    Return the leg that a row of `legs` holds.
    """
    return Leg(
        leg_id=row.leg_id,
        ordinal=row.ordinal,
        call_id=row.call_id,
        first_seen_at=from_ms(row.first_seen_ms),
        facts=LegFacts(
            source_id=row.source_id,
            stream=row.stream,
            base_key=row.base_key,
            native_id=row.native_id,
            link_key=row.link_key,
            direction=row.direction,
            from_raw=row.from_raw,
            from_e164=row.from_e164,
            to_raw=row.to_raw,
            to_e164=row.to_e164,
            masked=bool(row.masked),
            agent_name=row.agent_name,
            queue=row.queue,
            ring_group=row.ring_group,
            status=row.status,
            started_at=from_ms(row.started_ms),
            answered_at=time_or_null(row.answered_ms),
            ended_at=time_or_null(row.ended_ms),
            duration_s=row.duration_s,
            talk_s=row.talk_s,
            row=orjson.loads(row.row),
            digest=row.digest,
        ),
        is_provisional=bool(row.is_provisional),
    )


def call_values(call: Call) -> tuple[Any, ...]:
    """
    Return the row of `calls` for a call, in the order of its columns.
    """
    return (
        call.call_id,
        call.source_id,
        call.subject,
        call.state,
        to_ms(call.started_at),
        ms_or_null(call.ended_at),
        ms_or_null(call.end_seen_at),
        call.is_end_published,
        call.is_answer_published,
        call.is_silent,
        call.revision,
        call.last_event_id,
        orjson.dumps(call.record),
        call.is_settled,
        call.absorbed_into,
    )


def call_of(row: Row[Any]) -> Call:
    """
    Return the call that a row of `calls` holds.
    """
    return Call(
        call_id=row.call_id,
        source_id=row.source_id,
        subject=row.subject,
        state=row.state,
        started_at=from_ms(row.started_ms),
        ended_at=time_or_null(row.ended_ms),
        end_seen_at=time_or_null(row.end_seen_ms),
        is_end_published=bool(row.is_end_published),
        is_answer_published=bool(row.is_answer_published),
        is_silent=bool(row.is_silent),
        revision=row.revision,
        last_event_id=row.last_event_id,
        record=orjson.loads(row.record),
        is_settled=bool(row.is_settled),
        absorbed_into=row.absorbed_into,
    )


def event_of(row: Row[Any]) -> StoredEvent:
    """
    Return the event that a row of `events` holds.
    """
    return StoredEvent(
        seq=row.seq,
        id=row.id,
        type=row.type,
        source_id=row.source_id,
        subject=row.subject,
        revision=row.revision,
        occurred_at=from_ms(row.occurred_ms),
        recorded_at=from_ms(row.recorded_ms),
        body=row.body,
    )


def endpoint_of(row: Row[Any]) -> Endpoint:
    """
    Return the endpoint that a row of `endpoints` holds.
    """
    return Endpoint(
        no=row.no,
        id=row.id,
        url=row.url,
        events=tuple(orjson.loads(row.event_patterns)),
        sources=tuple(orjson.loads(row.source_ids)),
        state=row.state,
        not_before_ms=row.not_before_ms,
        state_reason=row.state_reason,
        options=_OPTIONS.validate_json(row.options),
        failing_since_ms=row.failing_since_ms,
        keyed_by=row.keyed_by,
    )


def spec_values(spec: EndpointSpec) -> dict[str, object]:
    """
    Return the columns of `endpoints` that an operator sets.
    """
    return {
        "url": spec.url,
        "event_patterns": orjson.dumps(spec.events).decode(),
        "source_ids": orjson.dumps(spec.sources).decode(),
        "timeout_s": spec.timeout_s,
        "max_in_flight": spec.max_in_flight,
        "retry_schedule": orjson.dumps(spec.retry_schedule_s).decode(),
        "description": spec.description,
        "options": orjson.dumps(spec.options).decode(),
    }


def registered_of(
    row: Row[Any], secrets: Sequence[EndpointSecret], auth: EndpointAuth, now: datetime
) -> RegisteredEndpoint:
    """
    Return what a row of `endpoints` holds, with its secrets, newest first, and what was sealed of it.
    """
    endpoint = endpoint_of(row)
    signing = [secret for secret in secrets if secret.signs_at(now)]
    return RegisteredEndpoint(
        endpoint=endpoint,
        spec=EndpointSpec(
            id=row.id,
            url=row.url,
            secrets=tuple(secret.key for secret in signing if secret.scheme == V1),
            events=endpoint.events,
            sources=endpoint.sources,
            timeout_s=row.timeout_s,
            max_in_flight=row.max_in_flight,
            retry_schedule_s=tuple(orjson.loads(row.retry_schedule)),
            description=row.description,
            options=endpoint.options,
            signing_keys=tuple(secret.key for secret in signing if secret.scheme == V1A),
            auth=auth,
        ),
        secrets=tuple(secrets),
        is_from_file=bool(row.is_from_file),
        start_seq=row.start_seq,
        created_at=from_ms(row.created_ms),
    )


def slices(items: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """
    Cut a list into pieces that fit a statement's variables.
    """
    for start in range(0, len(items), size):
        yield items[start : start + size]
