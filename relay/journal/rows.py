"""
Between rows of tables and the shared words.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row

from relay.model.call import Call, Leg, LegFacts
from relay.model.endpoint import Endpoint
from relay.model.event import StoredEvent
from relay.model.times import from_ms, to_ms


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


def leg_values(leg: Leg) -> dict[str, Any]:
    """
    Return the columns of `legs` for a leg.
    """
    facts = leg.facts
    return {
        "leg_id": leg.leg_id,
        "ordinal": leg.ordinal,
        "call_id": leg.call_id,
        "first_seen_ms": to_ms(leg.first_seen_at),
        "source_id": facts.source_id,
        "stream": facts.stream,
        "base_key": facts.base_key,
        "native_id": facts.native_id,
        "link_key": facts.link_key,
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
        "started_ms": to_ms(facts.started_at),
        "answered_ms": ms_or_null(facts.answered_at),
        "ended_ms": ms_or_null(facts.ended_at),
        "duration_s": facts.duration_s,
        "talk_s": facts.talk_s,
        "row": orjson.dumps(facts.row),
        "digest": facts.digest,
    }


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
    )


def call_values(call: Call) -> dict[str, Any]:
    """
    Return the columns of `calls` for a call.
    """
    return {
        "call_id": call.call_id,
        "source_id": call.source_id,
        "subject": call.subject,
        "state": call.state,
        "started_ms": to_ms(call.started_at),
        "ended_ms": ms_or_null(call.ended_at),
        "end_seen_ms": ms_or_null(call.end_seen_at),
        "is_end_published": call.is_end_published,
        "is_answer_published": call.is_answer_published,
        "is_silent": call.is_silent,
        "revision": call.revision,
        "last_event_id": call.last_event_id,
        "record": orjson.dumps(call.record),
    }


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
    )


def slices(items: list[str], size: int = 500) -> Iterator[list[str]]:
    """
    Cut a list into pieces that fit a statement's variables.
    """
    for start in range(0, len(items), size):
        yield items[start : start + size]
