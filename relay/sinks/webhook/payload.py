"""
The forms in which an event is sent: CloudEvents structured, binary or batched, or that of Standard Webhooks.

A form is chosen once for an endpoint.  It makes the same bytes of the same event every time, so that every
attempt carries the same body; a structured event of which nothing is left out is sent as it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import orjson

from relay.model.delivery_options import BATCHED, BINARY, STANDARD, DeliveryOptions
from relay.model.event import CONTENT_TYPE
from relay.sinks.webhook.number_masking import mask_data

BATCH_TYPE: Final = "application/cloudevents-batch+json; charset=utf-8"
JSON_TYPE: Final = "application/json"
# What a receiver needs to upsert is sent whatever `fields` says: whose event it is, the id of what it is
# about, and which of its states this is.
KEPT_FIELDS: Final = frozenset(("source_id", "revision"))
ID_FIELDS: Final = {
    "call": "call_id",
    "agent": "agent_id",
    "in_group": "group_id",
    "user_group": "group_id",
    "did": "did",
    "list": "list_id",
    "lead": "lead_id",
    "user": "agent_id",
    "command": "command_id",
    "endpoint": "endpoint_id",
}
_ATTRIBUTE: Final = re.compile(r"[a-z0-9]{1,40}")
# Printable ASCII but for space, double quote and percent sign stands as it is (HTTP binding, 3.1.3.2).
_PLAIN: Final = "!#$&'()*+,/:;<=>?@[\\]^`{|}"


Sent = tuple[bytes, bytes]
"""What of a request depends on the event: header lines, each with its line end, and the body."""
Form = Callable[[bytes], Sent]
"""Makes a request of an event as it is stored; raises ValueError for bytes that are no event."""
Shown = Callable[[bytes], dict[str, Any]]


def form_of(options: DeliveryOptions) -> tuple[str, Form]:
    """
    Return the content type of an endpoint's requests, and what makes them.
    """
    shown = _shown(options)
    if options.payload == BINARY:
        return JSON_TYPE, lambda stored: binary(shown(stored))
    if options.payload == STANDARD:
        return JSON_TYPE, lambda stored: (b"", standard(shown(stored)))
    is_changed = bool(options.fields or options.mask_numbers)
    if options.payload == BATCHED:
        return BATCH_TYPE, lambda stored: (b"", batched(stored, shown if is_changed else None))
    if is_changed:
        return CONTENT_TYPE, lambda stored: (b"", orjson.dumps(shown(stored)))
    return CONTENT_TYPE, _as_stored


def binary(event: dict[str, Any]) -> Sent:
    """
    Return an event in binary mode: its data is the body, its other attributes are headers.
    """
    lines = []
    for name, value in event.items():
        if name in ("data", "datacontenttype") or value is None:
            continue
        if not _ATTRIBUTE.fullmatch(name):
            raise ValueError(f"{name!r} is no attribute of a CloudEvent")
        lines.append(f"ce-{name}: {_header_value(value)}\r\n")
    return "".join(lines).encode("ascii"), orjson.dumps(event["data"])


def standard(event: dict[str, Any]) -> bytes:
    """
    Return an event as Standard Webhooks shows them: type, timestamp (when it happened) and data.
    """
    return orjson.dumps({"type": event["type"], "timestamp": event["time"], "data": event["data"]})


def batched(stored: bytes, shown: Shown | None) -> bytes:
    """
    Return the events of a batch; one event alone, as of a test, is a batch of one.
    """
    stored = stored if stored.startswith(b"[") else b"[%b]" % stored
    if shown is None:
        return stored
    return orjson.dumps([shown(orjson.dumps(event)) for event in orjson.loads(stored)])


def _as_stored(stored: bytes) -> Sent:
    return b"", stored


def _shown(options: DeliveryOptions) -> Shown:
    fields = frozenset(options.fields)

    def shown(stored: bytes) -> dict[str, Any]:
        event = _event_of(stored)
        if options.mask_numbers:
            event["data"] = mask_data(event["data"], event["subject"])
        if fields:
            kept = fields | KEPT_FIELDS | {ID_FIELDS.get(event["subject"].partition("/")[0], "")}
            event["data"] = {name: value for name, value in event["data"].items() if name in kept}
        return event

    return shown


def _event_of(stored: bytes) -> dict[str, Any]:
    event = orjson.loads(stored)
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise ValueError("what is stored is no event with data")
    missing = [name for name in ("type", "subject", "time") if not isinstance(event.get(name), str)]
    if missing:
        raise ValueError(f"what is stored is an event without {missing[0]}")
    return event


def _header_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int):
        raise ValueError("an attribute of a CloudEvent is text, a whole number or a truth value")
    return quote(str(value), safe=_PLAIN)
