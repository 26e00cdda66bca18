"""
The envelope: CloudEvents 1.0 in structured JSON, the same bytes for everyone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from relay.model.call import CALL_STREAMS, Leg, LegFacts
from relay.model.event import Event, schema_uri

AT = datetime(2026, 11, 21, 10, 0, 0, 123_999, tzinfo=UTC)
EVENT = Event(
    id="evt_" + "a" * 32,
    type="call.updated",
    source_id="pbx-sydney",
    subject="call/pbx-sydney/abc",
    revision=7,
    occurred_at=AT,
    observed_at=AT + timedelta(seconds=1),
    precision_s=1,
    data={"call_id": "abc", "talk_s": None},
    changed=("talk_s",),
)


def sent(event: Event) -> dict[str, Any]:
    """
    Return an event as a receiver reads it.
    """
    read: dict[str, Any] = orjson.loads(event.to_json(AT + timedelta(seconds=2)))
    return read


def test_the_envelope_has_what_cloudevents_requires_and_our_extensions() -> None:
    envelope = sent(EVENT)
    del envelope["data"]

    assert {
        "specversion": "1.0",
        "id": EVENT.id,
        "source": "/sources/pbx-sydney",
        "type": "call.updated",
        "subject": "call/pbx-sydney/abc",
        "time": "2026-11-21T10:00:00.123Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:relay:schema:call.updated:v1",
        "sequence": "0000000007",
        "partitionkey": "call/pbx-sydney/abc",
        "recordedtime": "2026-11-21T10:00:02.123Z",
    } == envelope


def test_the_data_is_flat_and_has_what_every_event_has() -> None:
    assert {
        "source_id": "pbx-sydney",
        "occurred_at": "2026-11-21T10:00:00.123Z",
        "observed_at": "2026-11-21T10:00:01.123Z",
        "recorded_at": "2026-11-21T10:00:02.123Z",
        "precision_s": 1,
        "revision": 7,
        "final": False,
        "inferred": False,
        "changed": ["talk_s"],
        "origin": "live",
        "call_id": "abc",
        "talk_s": None,
    } == sent(EVENT)["data"]


def test_names_of_attributes_are_as_cloudevents_allows() -> None:
    for name in sent(EVENT):
        assert name.isalnum()
        assert name.islower()
        assert len(name) <= 20


@pytest.mark.parametrize(
    ("revision", "sequence"), [(1, "0000000001"), (10, "0000000010"), (2**31, "2147483648")]
)
def test_sequences_sort_as_revisions_do(revision: int, sequence: str) -> None:
    assert sequence == sent(EVENT._replace(revision=revision))["sequence"]


def test_an_event_of_an_endpoint_belongs_to_no_source() -> None:
    event = sent(EVENT._replace(source_id=None, subject="endpoint/crm%2F1"))

    assert ("/endpoints/crm%2F1", None) == (event["source"], event["data"]["source_id"])


def test_the_same_event_recorded_at_the_same_time_is_the_same_bytes() -> None:
    assert EVENT.to_json(AT) == EVENT._replace().to_json(AT)


def test_a_schema_is_named_by_an_absolute_uri() -> None:
    assert "urn:relay:schema:call.started:v1" == schema_uri("call.started")


def leg(stream: str, started_s: int, leg_id: str, answered: bool = False, ended: bool = False) -> Leg:
    """
    Return a leg of which only its place matters.
    """
    at = AT + timedelta(seconds=started_s)
    facts = LegFacts(
        source_id="pbx-sydney", stream=stream, base_key="base", native_id=None, link_key=None,
        direction="inbound", from_raw="", from_e164=None, to_raw="", to_e164=None, masked=False,
        agent_name=None, queue=None, ring_group=None, status=None, started_at=at,
        answered_at=at if answered else None, ended_at=at if ended else None,
        duration_s=None, talk_s=None, row={}, digest=b"",
    )  # fmt: skip
    return Leg(leg_id, 0, "", AT, facts)


def test_the_anchor_is_a_phone_before_a_group_before_a_queue_then_the_earliest_then_the_first_id() -> None:
    in_order = [
        leg("user_calls", 9, "x"), leg("user_calls", 10, "a"), leg("user_calls", 10, "b"),
        leg("ringgroup_calls", 0, "a"), leg("queue_calls", 0, "a"), leg("queue_calls", 1, "a"),
    ]  # fmt: skip

    shuffled = [in_order[place] for place in (5, 2, 0, 4, 1, 3)]

    assert in_order == sorted(shuffled, key=lambda leg: leg.anchor_rank)
    assert ("user_calls", "ringgroup_calls", "queue_calls") == CALL_STREAMS


def test_a_leg_knows_whether_it_is_closed_and_answered() -> None:
    assert (False, False) == (leg("user_calls", 0, "a").is_closed, leg("user_calls", 0, "a").is_answered)
    done = leg("user_calls", 0, "a", answered=True, ended=True)
    assert (True, True) == (done.is_closed, done.is_answered)
