"""
The facts by which a published call is compared with the truth (DESIGN section 10, bent).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.model.call import ANSWERED
from relay.model.times import rfc3339, rfc3339_or_null
from relay.twin.truth import TruthCall

Facts = dict[str, object]


def facts_of_truth(call: TruthCall) -> Facts:
    """
    Return the facts of a call of the truth; a number that is withheld altogether is null.
    """
    return {
        "direction": call.direction,
        "from": call.from_number or None,
        "to": call.to_number or None,
        "started_at": rfc3339(call.started_at),
        "ended_at": rfc3339_or_null(call.ended_at),
        "duration_s": call.duration_s,
        "talk_s": call.talk_s,
        "answered": call.answered,
        "agent_name": call.agent_name,
        "queue": call.queue,
        "ring_group": call.ring_group,
    }


def facts_of_record(record: Mapping[str, Any]) -> Facts:
    """
    Return the same facts of a published record.
    """
    same = (
        "direction",
        "started_at",
        "ended_at",
        "duration_s",
        "talk_s",
        "agent_name",
        "queue",
        "ring_group",
    )
    return {
        "from": record.get("from_raw"),
        "to": record.get("to_raw"),
        "answered": record.get("outcome") == ANSWERED,
        **{name: record.get(name) for name in same},
    }


def differing(call: TruthCall, record: Mapping[str, Any]) -> list[tuple[str, object, object]]:
    """
    Return the facts that differ: name, what is true, what was published.
    """
    shown = facts_of_record(record)
    return [
        (name, value, shown[name]) for name, value in facts_of_truth(call).items() if value != shown[name]
    ]
