"""
A dialer of which everything was told: its truth, and the events.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from relay.cli.demonstration.dialer import AGENTS, DIALER, IN_GROUPS
from relay.model.event import StoredEvent
from relay.model.times import rfc3339

CALL_ID = "V3012000030000000420"


def truth_of_floor(start: datetime) -> dict[str, Any]:
    """
    Return what the dialer knows: agents who pause, and one call that an agent had.
    """
    at = {
        name: rfc3339(start + timedelta(seconds=s))
        for name, s in {"began": 0, "answered": 3, "ended": 9}.items()
    }
    call = {
        "key": "1", "kind": "auto", "call_id": CALL_ID, "direction": "outbound", "phone": "7275500420",
        "did": None, "agent": "1001", "in_group": None, "started_at": at["began"],
        "answered_at": at["answered"], "ended_at": at["ended"], "answered": True, "times_shown": 9,
        "disposition": "SALE", "dispositioned_at": at["ended"],
    }  # fmt: skip
    states = [
        {"agent": str(1001 + number), "at": at["ended"], "status": "PAUSED", "sub_status": ""}
        for number in range(AGENTS)
    ]
    return {"now": rfc3339(start + timedelta(hours=1)), "calls": [call], "states": states}


def events_of_floor(start: datetime, first_seq: int) -> list[StoredEvent]:
    """
    Return the events that tell all of it.
    """
    call: dict[str, Any] = {
        "native_id": CALL_ID, "direction": "outbound", "from_raw": None, "to_raw": "7275500420",
        "agent_id": "1001", "started_at": rfc3339(start), "outcome": "answered", "queue": None,
        "disposition": "SALE", "legs": [],
    }  # fmt: skip
    told: list[tuple[str, str, int, Mapping[str, Any]]] = [
        ("call.started", f"call/{DIALER}/c1", 0, call),
        ("call.answered", f"call/{DIALER}/c1", 3, call),
        ("call.finished", f"call/{DIALER}/c1", 9, call),
    ]
    for number in range(AGENTS):
        agent = {"agent_id": str(1001 + number), "status": "PAUSED", "sub_status": None}
        told.append(("agent.logged_in", f"agent/{DIALER}/{1001 + number}", 0, agent))
    told += [("in_group.status_changed", f"in_group/{DIALER}/{name}", 0, {}) for name in IN_GROUPS]
    revisions: dict[str, int] = {}
    events = []
    for seq, (event_type, subject, after_s, facts) in enumerate(told, first_seq):
        revisions[subject] = revisions.get(subject, 0) + 1
        at = start + timedelta(seconds=after_s)
        data = {
            **facts, "source_id": DIALER, "revision": revisions[subject], "occurred_at": rfc3339(at),
            "precision_s": 1,
        }  # fmt: skip
        body = {"id": f"event_{seq}", "type": event_type, "subject": subject, "data": data}
        stored = StoredEvent(
            seq,
            f"event_{seq}",
            event_type,
            DIALER,
            subject,
            revisions[subject],
            at,
            start,
            orjson.dumps(body),
        )
        events.append(stored)
    return events
