"""
The forms of a request, as a receiver reads them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook

from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.catalogue import CATALOGUE
from relay.model.delivery_options import BINARY, STANDARD, STRUCTURED, DeliveryOptions
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.examples import example
from relay.model.outcome import Delivered, TryLater
from relay.sinks.webhook.payload import ID_FIELDS, Sent, form_of
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.system_clock import SystemClock

SECRET = new_secret()
TYPES = [one.name for one in CATALOGUE]
EVERY_FORM = [
    DeliveryOptions(payload=payload, fields=fields, mask_numbers=mask_numbers)
    for payload in (STRUCTURED, BINARY, STANDARD)
    for fields in ((), ("queue", "talk_s"))
    for mask_numbers in (False, True)
]


def stored(event: dict[str, Any]) -> bytes:
    """
    Return the bytes that the journal keeps.
    """
    return orjson.dumps(event)


def made(options: DeliveryOptions, event: dict[str, Any]) -> Sent:
    """
    Make the request of an event.
    """
    return form_of(options)[1](stored(event))


def headers_of(sent: Sent) -> dict[str, str]:
    """
    Read header lines.
    """
    lines = sent[0].decode("ascii").split("\r\n")
    assert "" == lines.pop()
    return dict(line.split(": ", 1) for line in lines)


def read_binary(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """
    Put an event together from a request in binary mode, as the HTTP binding says.
    """
    attributes = {
        name.lower().removeprefix("ce-"): unquote(value, errors="strict")
        for name, value in headers.items()
        if name.lower().startswith("ce-")
    }
    return {**attributes, "datacontenttype": "application/json", "data": orjson.loads(body)}


async def sent_to_a_receiver(
    transport: Transport, options: DeliveryOptions, body: bytes
) -> tuple[object, list[tuple[dict[str, str], bytes]]]:
    """
    Deliver one event to a real server; return the outcome, and what it got with a signature that is right.
    """
    seen: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got = await request.read()
        Webhook(SECRET).verify(got, dict(request.headers))  # raises, and so answers 500, if it is not ours
        seen.append(({name.lower(): value for name, value in request.headers.items()}, got))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", take)
    async with TestServer(app) as server:
        spec = EndpointSpec(
            "crm", str(server.make_url("/")), (decode_secret(SECRET),), ("*",), options=options
        )
        sink = WebhookSink(spec, transport, SystemClock())
        outcome = await sink.deliver(Delivery(1, 1, 0, 1, "evt_one", 0, 0, 0, body))
    return outcome, seen


@pytest.mark.parametrize("options", EVERY_FORM, ids=str)
async def test_the_official_verifier_takes_every_form(transport: Transport, options: DeliveryOptions) -> None:
    body = stored(example("call.finished"))

    outcome, seen = await sent_to_a_receiver(transport, options, body)

    content_type, form = form_of(options)
    assert Delivered(204) == outcome
    assert [(content_type, form(body)[1])] == [(headers["content-type"], got) for headers, got in seen]


async def test_binary_mode_arrives_whole(transport: Transport) -> None:
    event = {
        **example("call.finished"),
        "subject": 'call/pbx/Zoë "50 %"\r\nx-evil: 1',
        "traceparent": "00-ab",
    }

    _, seen = await sent_to_a_receiver(transport, DeliveryOptions(payload=BINARY), stored(event))

    headers, body = seen[0]
    assert event == read_binary(headers, body)
    assert "application/json" == headers["content-type"]
    assert {"ce-datacontenttype", "x-evil"}.isdisjoint(headers)


@pytest.mark.parametrize("event_type", TYPES)
def test_every_type_of_event_can_be_sent_in_binary_mode(event_type: str) -> None:
    event = example(event_type)

    sent = made(DeliveryOptions(payload=BINARY), event)

    assert event == read_binary(headers_of(sent), sent[1])


@pytest.mark.parametrize(
    ("subject", "written"),
    [
        ("call/pbx/a~b", "call/pbx/a~b"),
        ('a b"c%d', "a%20b%22c%25d"),
        ("Zoë€😀", "Zo%C3%AB%E2%82%AC%F0%9F%98%80"),
        ("a\r\nb\x00\x7f\tc", "a%0D%0Ab%00%7F%09c"),
        ("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~", "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ],
)
def test_headers_are_percent_encoded_as_the_binding_says(subject: str, written: str) -> None:
    sent = made(DeliveryOptions(payload=BINARY), {**example("call.started"), "subject": subject})

    assert written == headers_of(sent)["ce-subject"]


def test_the_form_of_standard_webhooks_has_three_members() -> None:
    event = example("call.finished")

    sent = made(DeliveryOptions(payload=STANDARD), event)

    expected = {"type": "call.finished", "timestamp": event["time"], "data": event["data"]}
    assert (b"", expected) == (sent[0], orjson.loads(sent[1]))


def test_a_structured_event_is_sent_as_it_is_stored() -> None:
    body = b'{ "untouched" : 1 }'

    assert (b"", body) == form_of(DeliveryOptions())[1](body)
    assert body is form_of(DeliveryOptions())[1](body)[1]


@pytest.mark.parametrize("event_type", TYPES)
def test_what_a_receiver_upserts_by_is_sent_whatever_was_chosen(event_type: str) -> None:
    event = example(event_type)
    family = event["subject"].partition("/")[0]

    sent = made(DeliveryOptions(fields=("queue",)), event)

    about = {ID_FIELDS[family]} if family in ID_FIELDS else set()
    kept = {"source_id", "revision"} | (about | {"queue"}) & event["data"].keys()
    shown = orjson.loads(sent[1])
    assert {name: value for name, value in event["data"].items() if name in kept} == shown.pop("data")
    assert {name: value for name, value in event.items() if name != "data"} == shown
    assert about <= event["data"].keys()


def test_numbers_are_masked_before_fields_are_left_out() -> None:
    options = DeliveryOptions(fields=("from_e164", "masked"), mask_numbers=True, payload=STANDARD)

    shown = orjson.loads(made(options, example("call.finished"))[1])["data"]

    assert ("+xxxxxxxx156", True) == (shown["from_e164"], shown["masked"])
    assert {"source_id", "revision", "call_id", "from_e164", "masked"} == shown.keys()


@pytest.mark.parametrize("options", EVERY_FORM, ids=str)
def test_every_attempt_has_the_same_bytes(options: DeliveryOptions) -> None:
    body = stored(example("call.finished"))

    assert form_of(options)[1](body) == form_of(options)[1](body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"data":null,"type":"a","subject":"b","time":"c"}',
        b'{"data":{},"type":"a","subject":"b"}',
        b'{"data":{},"type":"a","subject":"b","time":"c","x-y\\r\\n":"d"}',
        b'{"data":{},"type":"a","subject":"b","time":"c","dataref":[1]}',
    ],
)
async def test_what_no_request_can_be_made_of_is_told(transport: Transport, body: bytes) -> None:
    outcome, seen = await sent_to_a_receiver(transport, DeliveryOptions(payload=BINARY), body)

    assert isinstance(outcome, TryLater)
    assert ("bug", []) == (outcome.reason, seen)
    assert outcome.answer.startswith(b"no request can be made: ")
