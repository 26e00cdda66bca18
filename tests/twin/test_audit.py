"""
The audit finds every fault that is planted, and nothing where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay.model.times import rfc3339, rfc3339_or_null
from relay.twin.audit import Audit, Bent, audit
from relay.twin.truth import TruthCall

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Event = dict[str, Any]
END = {"answered": "call.finished", "missed": "call.missed", "abandoned": "call.abandoned"}


def true_call(key: str, at_s: int = 0, **changes: Any) -> TruthCall:
    """
    Return an answered call to a queue: 10 s of waiting, 50 s of talk.
    """
    started_at = NOON + timedelta(seconds=at_s)
    facts: dict[str, Any] = {
        "key": key,
        "kind": "queue",
        "direction": "inbound",
        "from_number": f"04915701{key}",
        "to_number": "0270101008",
        "did": "0270101008",
        "started_at": started_at,
        "answered_at": started_at + timedelta(seconds=10),
        "ended_at": started_at + timedelta(seconds=60),
        "duration_s": 60,
        "talk_s": 50,
        "wait_s": 10,
        "answered": True,
        "outcome": "answered",
        "agent_name": "Alice Nguyen",
        "queue": "Sales",
        "ring_group": None,
        "legs": 2,
    }
    return TruthCall(**{**facts, **changes})


def told(call: TruthCall, call_id: str | None = None, **changes: Any) -> list[Event]:
    """
    Return the events of a call as relay publishes them: started, answered where it was, end.
    """
    subject = f"call/pbx/{call_id or 'id-' + call.key}"
    types = ["call.started", *["call.answered"][: call.answered], END[call.outcome or "answered"]]
    record = {
        "source_id": "pbx",
        "call_id": subject.rpartition("/")[2],
        "direction": call.direction,
        "from_raw": call.from_number,
        "to_raw": call.to_number,
        "started_at": rfc3339(call.started_at),
        "duration_s": None,
        "talk_s": None,
        "outcome": "unknown",
        "agent_name": None,
        "queue": call.queue,
        "ring_group": call.ring_group,
        "ended_at": None,
    }
    end = {
        "ended_at": rfc3339_or_null(call.ended_at),
        "duration_s": call.duration_s,
        "talk_s": call.talk_s,
        "outcome": call.outcome,
        "agent_name": call.agent_name,
        **changes,
    }
    return [
        {
            "id": f"evt_{subject}_{revision}",
            "type": event_type,
            "subject": subject,
            "data": {**record, **(end if event_type == types[-1] else {}), "revision": revision},
        }
        for revision, event_type in enumerate(types, 1)
    ]


def judged(truth: list[TruthCall], events: list[Event], **keywords: Any) -> Audit:
    delivered = keywords.pop("delivered_ids", {event["id"] for event in events})
    return audit(truth, events, delivered, **keywords)


TRUTH = [
    true_call("56"),
    true_call("57", at_s=20, outcome="missed", answered=False, answered_at=None, talk_s=0, queue=None),
    true_call(
        "58", at_s=30, outcome="abandoned", answered=False, answered_at=None, talk_s=0, agent_name=None
    ),
]
EVENTS = [event for call in TRUTH for event in told(call)]


def test_a_faultless_relay_is_found_faultless() -> None:
    found = judged(TRUTH, EVENTS, resent=2)

    assert found.is_clean
    assert (3, 3, 3, 2) == (found.calls, found.published, found.delivered, found.resent)
    assert [("calls in truth", "3"), ("published", "3"), ("delivered", "3")] == found.as_rows()[:3]
    assert {"lost": [], "duplicated": [], "bent": [], "is_clean": True}.items() <= json.loads(
        json.dumps(found.as_json())
    ).items()


def test_a_call_that_was_never_published_is_lost() -> None:
    found = judged(TRUTH, told(TRUTH[0]) + told(TRUTH[2]))

    assert (1, 2) == (len(found.lost), found.published)
    assert found.lost[0].startswith("57 ")
    assert not found.is_clean


def test_a_call_without_a_published_end_is_lost() -> None:
    found = judged(TRUTH, EVENTS[:-1])

    assert (1, 2, 0) == (len(found.lost), found.published, len(found.bent))
    assert "without an end" in found.lost[0]


def test_an_event_without_its_delivery_is_lost_where_the_receiver_asked_for_it() -> None:
    arrived = {event["id"] for event in EVENTS[1:]}
    found = judged(TRUTH, EVENTS, delivered_ids=arrived)
    unasked = judged(TRUTH, EVENTS, delivered_ids=arrived, patterns=("call.answered", "call.finished"))

    assert (1, 3, 2) == (len(found.lost), found.published, found.delivered)
    assert EVENTS[0]["id"] in found.lost[0]
    assert () == unasked.lost
    assert judged(TRUTH, EVENTS, delivered_ids=None).is_clean


def test_two_call_ids_for_one_call_are_a_duplicate() -> None:
    late_leg = true_call("56", at_s=10, duration_s=50, ended_at=NOON + timedelta(seconds=60))
    found = judged(TRUTH, EVENTS + told(late_leg, "another"))

    assert 1 == len(found.duplicated)
    assert "56 " in found.duplicated[0]
    assert "call/pbx/another" in found.duplicated[0]
    assert () == found.bent, "the better overlap is the call itself"


def test_a_call_that_was_absorbed_counts_as_its_survivor() -> None:
    absorbed = told(true_call("56", at_s=10), "another")
    merged = {
        **absorbed[-1],
        "id": "evt_merged",
        "type": "call.merged",
        "data": {**absorbed[-1]["data"], "revision": 4, "absorbed_into": "id-56"},
    }
    note_on_survivor = {
        **EVENTS[2],
        "id": "evt_survivor",
        "type": "call.merged",
        "data": {**EVENTS[2]["data"], "revision": 4, "absorbed_into": "id-56"},
    }

    assert judged(TRUTH, [*EVENTS, *absorbed, merged, note_on_survivor]).is_clean
    assert 1 == len(judged(TRUTH, EVENTS + absorbed).duplicated)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_two_events_of_one_milestone_are_a_duplicate(place: int) -> None:
    again = {**EVENTS[place], "id": "evt_again"}
    found = judged(TRUTH, [*EVENTS, again])

    assert 1 == len(found.duplicated)
    assert "evt_again" in found.duplicated[0]


def test_two_different_ends_are_one_milestone_twice() -> None:
    other_end = {**EVENTS[2], "id": "evt_other_end", "type": "call.missed"}

    assert 1 == len(judged(TRUTH, [*EVENTS, other_end]).duplicated)


def test_one_event_read_twice_is_no_fault() -> None:
    assert judged(TRUTH, EVENTS + EVENTS).is_clean


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("direction", "direction", "outbound"),
        ("from", "from_raw", "61491570156"),
        ("to", "to_raw", "61270101008"),
        ("started_at", "started_at", "2026-03-02T12:00:01.000Z"),
        ("ended_at", "ended_at", "2026-03-02T12:01:01.000Z"),
        ("duration_s", "duration_s", 59),
        ("talk_s", "talk_s", None),
        ("answered", "outcome", "abandoned"),
        ("agent_name", "agent_name", "Bao Smith"),
        ("queue", "queue", None),
        ("ring_group", "ring_group", "Reception"),
    ],
)
def test_a_bent_fact_is_found_whichever_it_is(name: str, field: str, value: Any) -> None:
    found = judged(TRUTH, told(TRUTH[0], **{field: value}) + EVENTS[3:])

    assert [(name, "56")] == [(bent.field, bent.key) for bent in found.bent]
    assert ((), (), ()) == (found.lost, found.duplicated, found.unexpected)
    assert not found.is_clean


def test_the_highest_revision_is_what_counts() -> None:
    corrected: Callable[[object], Event] = lambda talk_s: {  # noqa: E731
        **EVENTS[2],
        "id": "evt_updated",
        "type": "call.updated",
        "data": {**EVENTS[2]["data"], "revision": 4, "talk_s": talk_s},
    }
    early = told(TRUTH[0], talk_s=1) + EVENTS[3:]

    assert judged(TRUTH, [corrected(50), *early]).is_clean
    assert (Bent("56", "call/pbx/id-56", "talk_s", 50, 49),) == judged(TRUTH, [*EVENTS, corrected(49)]).bent


def test_a_call_that_never_was_is_unexpected() -> None:
    found = judged(TRUTH, EVENTS + told(true_call("99")))
    much_later = judged(TRUTH, EVENTS + told(true_call("56", at_s=7_200), "later"))

    assert (1, ()) == (len(found.unexpected), found.duplicated)
    assert (1, ()) == (len(much_later.unexpected), much_later.duplicated)
    assert not found.is_clean


def test_a_number_that_calls_again_is_two_calls() -> None:
    again = true_call("56", at_s=120, agent_name="Bao Smith")
    twice = [*TRUTH, TruthCall(**{**_fields(again), "key": "59"})]

    assert judged(twice, EVENTS + told(again, "again")).is_clean
    assert 1 == len(judged(twice, EVENTS).lost)


def test_open_calls_and_calls_of_the_time_before_cannot_be_lost() -> None:
    still_open = true_call("60", ended_at=None, duration_s=None, talk_s=None, outcome=None)
    before = true_call("61", at_s=-600)
    found = judged([*TRUTH, still_open, before], EVENTS, publish_from=NOON)

    assert (3, 1, 1, True) == (found.calls, found.open_calls, found.earlier_calls, found.is_clean)
    assert 1 == len(judged([*TRUTH, before], EVENTS).lost)


def test_events_of_other_sources_and_of_other_things_are_left_out() -> None:
    other = [{**event, "data": {**event["data"], "source_id": "other"}} for event in told(true_call("99"))]
    state = {
        "id": "evt_state",
        "type": "source.state_changed",
        "subject": "source/pbx",
        "data": {"source_id": "pbx"},
    }

    assert judged(TRUTH, [*EVENTS, *other, state], source_id="pbx").is_clean


def _fields(call: TruthCall) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__dataclass_fields__}
