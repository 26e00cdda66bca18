"""
Replays, reconciliations and explanations as JSON: what `relay.api.operating_answers` describes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from relay.api import shown, source_shown
from relay.api.shown import Shown
from relay.model.explanation import ExplainedDelivery, ExplainedEvent, Explanation, RowProof
from relay.model.replay import NONE, MissingItem, Reconciliation, Replay, ReplayFilter, ReplayTrial
from relay.model.times import rfc3339, rfc3339_or_null


def replay(one: Replay) -> Shown:
    """
    Show a replay.
    """
    return {
        "id": one.job_id,
        "endpoint_id": one.endpoint_id,
        "wanted": _wanted(one.wanted),
        "state": one.state,
        "reason": one.reason,
        "rate_per_s": one.rate_per_s,
        "from_seq": one.from_seq,
        "to_seq": one.to_seq,
        "at_seq": one.at_seq,
        "progress": one.progress,
        "made": one.made,
        "made_at": rfc3339(one.made_at),
        "finished_at": rfc3339_or_null(one.finished_at),
    }


def trial(one: ReplayTrial) -> Shown:
    """
    Show what a replay would send.
    """
    return {
        "dry_run": True,
        "endpoint_id": one.endpoint_id,
        "events": one.events,
        "first_event_ids": one.first_event_ids,
        "is_complete": one.is_complete,
    }


def reconciliation(one: Reconciliation, start: datetime | None, end: datetime | None) -> Shown:
    """
    Show what became of the events that an endpoint wants.
    """
    counted = {
        name: one.by_status.get(name, 0)
        for name in ("delivered", "pending", "exhausted", "expired", "discarded")
    }
    return {
        "endpoint_id": one.endpoint_id,
        "from": rfc3339_or_null(start),
        "to": rfc3339_or_null(end),
        "matching": one.matching,
        **counted,
        "without_delivery": one.by_status.get(NONE, 0),
        "next": one.next,
    }


def missing(item: MissingItem) -> Shown:
    """
    Show an event that is missing.
    """
    return {
        "seq": item.seq,
        "event_id": item.event_id,
        "type": item.event_type,
        "subject": item.subject,
        "recorded_at": rfc3339(item.recorded_at),
        "status": item.status,
        "reason": item.reason,
    }


def explanation(one: Explanation, links: dict[str, Any] | None) -> Shown:
    """
    Show the account of a call.
    """
    call = one.call
    return {
        "call_id": call.call_id,
        "source_id": call.source_id,
        "subject": call.subject,
        "revision": call.revision,
        "absorbed_into": one.absorbed_into,
        "rows": [_row(proof) for proof in one.rows],
        "links": links,
        "events": [_event(event) for event in one.events],
        "cut": one.cut,
    }


def _wanted(one: ReplayFilter) -> Shown:
    return {
        "from": rfc3339_or_null(one.recorded_from),
        "to": rfc3339_or_null(one.recorded_before),
        "types": one.types,
        "sources": one.source_ids,
        "call_id": one.call_id,
        "agent_id": one.agent_id,
        "agent_name": one.agent_name,
        "queue": one.queue,
        "outcome": one.outcome,
        "only_missing": one.only_missing,
    }


def _row(proof: RowProof) -> Shown:
    reads = [source_shown.read(read) for read in proof.reads]
    return {**shown.leg(proof.leg), "row": proof.leg.facts.row, "reads": reads}


def _event(explained: ExplainedEvent) -> Shown:
    return {
        **shown.event(explained.event),
        "recorded_at": rfc3339(explained.event.recorded_at),
        "deliveries": [_delivery(one) for one in explained.deliveries],
    }


def _delivery(explained: ExplainedDelivery) -> Shown:
    attempts = [shown.attempt(one) for one in explained.attempts]
    return {**shown.delivery(explained.item), "attempt_list": attempts}
