"""
One realistic event of each type, for documentation and for receivers to test with.

The calls are of one made-up customer; the numbers are reserved for fiction in Australia.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from relay.model import catalogue
from relay.model.dialer_examples import DIALER, dialer_examples
from relay.model.event import Event
from relay.model.ids import IdMaker, subject
from relay.model.times import rfc3339

_SOURCE: Final = "pbx-sydney"
_ENDPOINT: Final = "crm"
_IDS: Final = IdMaker(b"examples-only-key")
_START: Final = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_CALL_ID: Final = _IDS.leg(_IDS.leg_base("example call", started_s=int(_START.timestamp())), 0)
_CALL: Final = subject("call", _SOURCE, _CALL_ID)

_MILESTONES: Final = {
    catalogue.CALL_STARTED: "started",
    catalogue.CALL_ANSWERED: "answered",
    **dict.fromkeys(catalogue.CALL_ENDS, "end"),
    catalogue.CALL_SETTLED: "settled",
}
_UNKNOWN_TO_VOIPCLOUD: Final = (
    "native_id", "caller_name", "agent_id", "agent_extension", "agent_external_id", "campaign", "lead_id",
    "vendor_lead_code", "disposition", "disposition_mapped", "hangup_reason", "recording_url", "command_id",
)  # fmt: skip


def example(event_type: str) -> dict[str, Any]:
    """
    Return a whole event of a type, envelope and data.

    Raises:
        KeyError: not a type of the catalogue.
    """
    event = _EXAMPLES[event_type]
    parsed: dict[str, Any] = orjson.loads(event.to_json(event.observed_at + timedelta(milliseconds=40)))
    return parsed


def _leg(answered_s: int | None, ended_s: int | None) -> dict[str, Any]:
    was_answered = answered_s is not None
    return {
        "leg_id": _IDS.leg(_IDS.leg_base("example leg", started_s=int(_START.timestamp())), 0),
        "stream": "queue_calls",
        "agent_name": "Olivia Chen" if was_answered else None,
        "queue": "Sales",
        "ring_group": None,
        "status": ("answered" if was_answered else "abandoned") if ended_s is not None else None,
        "started_at": _at(0),
        "answered_at": _at(answered_s),
        "ended_at": _at(ended_s),
        "duration_s": ended_s,
        "talk_s": ended_s - answered_s if ended_s is not None and answered_s is not None else None,
        "rang": False,
    }


def _call(answered_s: int | None, ended_s: int | None, **more: object) -> dict[str, Any]:
    leg = _leg(answered_s, ended_s)
    state = "ended" if ended_s is not None else "answered" if answered_s is not None else "started"
    return {
        **dict.fromkeys(_UNKNOWN_TO_VOIPCLOUD),
        "call_id": _CALL_ID,
        "direction": "inbound",
        "from_raw": "0491570156",
        "from_e164": "+61491570156",
        "to_raw": "0255500100",
        "to_e164": "+61255500100",
        "did": "+61255500100",
        "state": state,
        "outcome": "answered" if answered_s is not None else "unknown",
        "wait_s": answered_s if answered_s is not None else ended_s,
        "legs": [leg],
        "linked_call_ids": [],
        "link_confidence": 1.0,
        "masked": False,
        "source_tz": "Australia/Sydney",
        **{name: leg[name] for name in ("agent_name", "queue", "ring_group", "talk_s", "duration_s")},
        **{name: leg[name] for name in ("started_at", "answered_at", "ended_at")},
        **more,
    }


def _at(after_s: int | None) -> str | None:
    return None if after_s is None else rfc3339(_START + timedelta(seconds=after_s))


# As the events are made: calls tell whole seconds, endpoints are our own clock, a source is seen by polls.
_PRECISION_S: Final = {"call": 1, "endpoint": 0}


def _event(
    event_type: str, about: str, revision: int, after_s: int, data: Mapping[str, object], **more: Any
) -> Event:
    at = _START + timedelta(seconds=after_s)
    if event_type in _MILESTONES:
        made_id = _IDS.milestone(about, _MILESTONES[event_type])
    else:
        made_id = _IDS.following(about, None, event_type.encode())
    return Event(
        id=more.pop("id", made_id),
        type=event_type,
        source_id=None if about.startswith("endpoint/") else more.pop("source_id", _SOURCE),
        subject=about,
        revision=revision,
        occurred_at=at,
        observed_at=at + timedelta(seconds=7),
        precision_s=more.pop("precision_s", _PRECISION_S.get(about.partition("/")[0])),
        data=dict(data),
        **more,
    )


def _end(event_type: str, outcome: str, **more: object) -> Event:
    data = _call(None, 45, outcome=outcome, **more)
    changed = ("state", "outcome", "ended_at", "wait_s", "duration_s")
    return _event(event_type, _CALL, 2, 45, data, changed=changed, inferred=True)


def _call_events() -> tuple[Event, ...]:
    ended = ("state", "ended_at", "talk_s", "duration_s")
    user_leg = {
        **_leg(None, 45),
        "stream": "user_calls",
        "agent_name": "Olivia Chen",
        "queue": None,
        "rang": True,
    }
    missed = {"agent_name": "Olivia Chen", "queue": None, "legs": [{**user_leg, "status": None}]}
    timed_out = {"legs": [{**_leg(None, 45), "status": "timed_out"}]}
    return (
        _event(catalogue.CALL_STARTED, _CALL, 1, 0, _call(None, None)),
        _event(
            catalogue.CALL_ANSWERED,
            _CALL,
            2,
            12,
            _call(12, None),
            changed=("state", "outcome", "answered_at"),
        ),
        _event(catalogue.CALL_FINISHED, _CALL, 3, 215, _call(12, 215), changed=ended),
        _end(catalogue.CALL_ABANDONED, "abandoned"),
        _end(catalogue.CALL_TIMED_OUT, "timed_out", **timed_out),
        _end(catalogue.CALL_MISSED, "missed", **missed),
        _event(
            catalogue.CALL_UPDATED,
            _CALL,
            4,
            260,
            _call(12, 215, recording_url="https://pbx.example.com/recordings/81"),
            changed=("recording_url",),
        ),
        _event(
            catalogue.CALL_MERGED, _CALL, 5, 262,
            _call(12, 215, absorbed_into=None, absorbed_call_id=_IDS.leg("another", 0)),
            changed=("legs",),
        ),
        _event(
            catalogue.CALL_DISPOSITIONED, _CALL, 4, 230,
            _call(12, 215, disposition="SALE", disposition_mapped="Won"),
            changed=("disposition", "disposition_mapped"),
        ),
        _event(
            catalogue.CALL_RECORDING_READY, _CALL, 5, 300,
            _call(12, 215, recording_url="https://dialer.example.com/recordings/81.wav"),
            changed=("recording_url",),
        ),
        _event(catalogue.CALL_SETTLED, _CALL, 6, 15_000, _call(12, 215), final=True),
    )  # fmt: skip


def _source_events() -> tuple[Event, ...]:
    source = subject("source", _SOURCE)
    degraded = {"user_calls": "up", "ringgroup_calls": "absent", "queue_calls": "degraded"}
    rejected = {
        "digest": "9f" * 16,
        "why": "call_start_at is missing",
        "row": {"queue": "Sales", "duration": "00:01:00"},
    }
    gap = {"stream": "queue_calls", "gap_from": _at(90), "reason": "rate_limited"}
    seen = {"appears_at": "end", "late_s": 130}
    return (
        _event(
            catalogue.SOURCE_STATE_CHANGED, source, 1, 0,
            {"state": "degraded", "previous_state": "up", "reason": "timeout", "streams": degraded},
        ),
        _event(
            catalogue.SOURCE_ROW_REJECTED, source, 2, 30,
            {"stream": "queue_calls", "count": 1, "samples": [rejected]},
        ),
        _event(catalogue.SOURCE_GAP_OPENED, source, 3, 400, gap | {"gap_to": None, "rows_recovered": None}),
        _event(catalogue.SOURCE_GAP_CLOSED, source, 4, 700, gap | {"gap_to": _at(690), "rows_recovered": 3}),
        _event(
            catalogue.SOURCE_SCHEMA_DRIFT, source, 5, 800,
            {"stream": "queue_calls", "what": "visibility", "was": seen | {"late_s": 4}, "now": seen},
        ),
        _event(
            catalogue.SOURCE_WATERMARK, source, 6, 18_000,
            {"hour_from": rfc3339(_START), "hour_to": _at(3_600)},
        ),
        _event(
            catalogue.SYSTEM_STATUS_CHANGED, source, 7, 300,
            {"status": {"status": "degraded"}, "previous_status": {"status": "operational"}},
        ),
    )  # fmt: skip


def _endpoint_events() -> tuple[Event, ...]:
    endpoint = subject("endpoint", _ENDPOINT)
    facts = {"endpoint_id": _ENDPOINT, "url": "https://crm.example.com/hooks/calls"}
    failing = {
        "state": "healthy",
        "previous_state": "healthy",
        "reason": "http_4xx",
        "status": 401,
        "attempts_in_a_row": 3,
    }
    paused = {"state": "paused", "previous_state": "healthy"}
    resumed = {"state": "healthy", "previous_state": "paused"}
    recovered = {"state": "healthy", "previous_state": "probing"}
    gone = {
        "state": "disabled",
        "previous_state": "healthy",
        "reason": "http_410",
        "status": 410,
        "attempts_in_a_row": 1,
    }
    about = {
        "event_id": _IDS.milestone(_CALL, "end"),
        "event_subject": _CALL,
        "event_type": catalogue.CALL_FINISHED,
    }
    verdict = {"attempts": 10, "reason": "http_5xx", "status": 503}
    asked = {**facts, **dict.fromkeys(("reason", "status", "attempts_in_a_row"))}
    ping = {**asked, "state": "healthy", "previous_state": "healthy"}
    return (
        _event(catalogue.ENDPOINT_FAILING, endpoint, 1, 400, {**facts, **failing}),
        _event(
            catalogue.DELIVERY_EXHAUSTED, endpoint, 2, 273_000, {"endpoint_id": _ENDPOINT, **about, **verdict}
        ),
        _event(catalogue.ENDPOINT_PAUSED, endpoint, 3, 274_000, {**asked, **paused}, changed=("state",)),
        _event(catalogue.ENDPOINT_RESUMED, endpoint, 4, 275_000, {**asked, **resumed}, changed=("state",)),
        _event(catalogue.ENDPOINT_DISABLED, endpoint, 5, 280_000, {**facts, **gone}, changed=("state",)),
        _event(catalogue.ENDPOINT_RECOVERED, endpoint, 6, 9_000, {**asked, **recovered}, changed=("state",)),
        _event(catalogue.ENDPOINT_BACKLOG, endpoint, 7, 9_500, _backlog()),
        _event(catalogue.ENDPOINT_TEST, endpoint, 1, 20, ping, id="evt_test_" + "0123456789abcdef" * 2),
    )


def _backlog() -> dict[str, Any]:
    return {
        "endpoint_id": _ENDPOINT,
        "state": "paused",
        "percent": 50,
        "pending": 1_000_123,
        "max_pending": 2_000_000,
        "oldest_pending_at": _at(400),
        "max_pending_age_s": 604_800,
    }


def _dialer_events() -> tuple[Event, ...]:
    return tuple(
        _event(
            one.type, one.subject, one.revision, one.after_s, one.data,
            changed=one.changed, precision_s=one.precision_s, source_id=DIALER,
        )
        for one in dialer_examples(_START, _CALL_ID)
    )  # fmt: skip


_EXAMPLES: Final = {
    event.type: event
    for event in (*_call_events(), *_source_events(), *_endpoint_events(), *_dialer_events())
}
