"""
The CloudEvents SDK reads what is sent, in all three modes.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat

from relay.model.delivery_options import BATCHED, BINARY, STRUCTURED, DeliveryOptions
from relay.model.examples import example
from relay.sinks.webhook.payload import form_of
from tests.sinks.webhook.test_payload import headers_of

TYPES = ("call.finished", "agent.status_changed", "source.gap_opened", "endpoint.failing")


def read(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """
    Return an event as the SDK understands it.
    """
    event = from_http_event(HTTPMessage(headers, body), JSONFormat())
    data = event.get_data()
    attributes = event.get_attributes()
    return {
        "id": event.get_id(),
        "source": event.get_source(),
        "type": event.get_type(),
        "subject": event.get_subject(),
        "sequence": attributes["sequence"],
        "partitionkey": attributes["partitionkey"],
        "data": orjson.loads(data) if isinstance(data, bytes | str) else data,
    }


@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize("payload", [STRUCTURED, BINARY])
def test_one_event_is_what_was_stored(payload: str, event_type: str) -> None:
    event = example(event_type)
    content_type, form = form_of(DeliveryOptions(payload=payload))
    sent = form(orjson.dumps(event))

    understood = read({"content-type": content_type, **headers_of(sent)}, sent[1])

    assert {name: event[name] for name in understood} == understood


def test_every_event_of_a_batch_is_what_was_stored() -> None:
    events = [example(event_type) for event_type in TYPES]
    content_type, form = form_of(DeliveryOptions(payload=BATCHED))

    _, body = form(b"[%b]" % b",".join(map(orjson.dumps, events)))

    assert content_type.startswith("application/cloudevents-batch+json")
    structured = {"content-type": "application/cloudevents+json"}
    understood = [read(structured, orjson.dumps(one)) for one in orjson.loads(body)]
    assert [{name: event[name] for name in understood[0]} for event in events] == understood


def test_a_single_event_is_a_batch_of_one_and_fields_and_numbers_follow_the_options() -> None:
    event = example("call.finished")
    _, form = form_of(DeliveryOptions(payload=BATCHED, fields=("from_e164",), mask_numbers=True))

    (one,) = orjson.loads(form(orjson.dumps(event))[1])

    assert {"source_id", "revision", "call_id", "from_e164"} == one["data"].keys()
    assert event["data"]["from_e164"] != one["data"]["from_e164"]
