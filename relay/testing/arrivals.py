"""
What arrived at a receiver: events read from requests of every form, and what came again or too late.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import orjson

REMEMBERED: Final = 1_000_000  # ids, and subjects; beyond, the oldest are forgotten

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
# A Standard Webhook names no subject: the field of `data` that does, by the first word of the type.
SUBJECT_FIELDS: Final = {
    "call": "call_id",
    "agent": "agent_id",
    "in_group": "group_id",
    "user_group": "group_id",
}


@dataclass(frozen=True, slots=True)
class ArrivedEvent:
    """
    One event of a request; what it does not tell is None.
    """

    id: str
    type: str | None
    subject: str | None
    revision: int | None


def events_of(headers: Mapping[str, str], body: bytes) -> list[ArrivedEvent]:
    """
    Read a request: CloudEvents structured, binary or batched, or the form of Standard Webhooks.

    Raises:
        ValueError: it is none of them.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    document = orjson.loads(body)
    if media_type == BATCHED:
        if not isinstance(document, list):
            raise ValueError("a batch is a list")
        return [_structured(one) for one in document]
    if media_type == STRUCTURED:
        return [_structured(document)]
    if "ce-id" in headers:
        return [_binary(headers, document)]
    return [_standard(headers, document)]


class Arrivals:
    """
    Counts what was taken: distinct ids, ids that came again, and new ids whose revision was not above the
    last one of their subject.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._revisions: OrderedDict[str, int] = OrderedDict()
        self.distinct = self.resent = self.out_of_order = 0

    def has_seen(self, event: ArrivedEvent) -> bool:
        """
        Tell whether an event was taken before.
        """
        return event.id in self._ids

    def take(self, event: ArrivedEvent) -> None:
        """
        Count an event.
        """
        if self.has_seen(event):
            self.resent += 1
            return
        self.distinct += 1
        self._ids[event.id] = None
        if len(self._ids) > self._remembered:
            self._ids.popitem(last=False)
        if event.subject is None or event.revision is None:
            return
        last = self._revisions.get(event.subject, 0)
        self.out_of_order += event.revision <= last
        self._revisions[event.subject] = max(event.revision, last)
        self._revisions.move_to_end(event.subject)
        if len(self._revisions) > self._remembered:
            self._revisions.popitem(last=False)


def _structured(document: Any) -> ArrivedEvent:
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise ValueError("an event is an object with an id")
    revision = _revision_in(document.get("data"))
    return ArrivedEvent(
        document["id"],
        _text(document.get("type")),
        _text(document.get("subject")),
        _number(document.get("sequence")) if revision is None else revision,
    )


def _binary(headers: Mapping[str, str], data: Any) -> ArrivedEvent:
    revision = _revision_in(data)
    told = {name: unquote(headers[name]) for name in ("ce-id", "ce-type", "ce-subject") if name in headers}
    return ArrivedEvent(
        told["ce-id"],
        told.get("ce-type"),
        told.get("ce-subject"),
        _number(headers.get("ce-sequence")) if revision is None else revision,
    )


def _standard(headers: Mapping[str, str], document: Any) -> ArrivedEvent:
    if not isinstance(document, dict) or not {"type", "data"} <= document.keys():
        raise ValueError("neither a CloudEvent nor a Standard Webhook")
    event_type, data = _text(document["type"]), document["data"]
    return ArrivedEvent(
        headers.get("webhook-id", ""), event_type, _subject_in(event_type, data), _revision_in(data)
    )


def _subject_in(event_type: str | None, data: Any) -> str | None:
    kind = (event_type or "").partition(".")[0]
    if not isinstance(data, dict) or kind not in SUBJECT_FIELDS:
        return None
    source_id, name = data.get("source_id"), data.get(SUBJECT_FIELDS[kind])
    return f"{kind}/{source_id}/{name}" if source_id and name else None


def _revision_in(data: Any) -> int | None:
    revision = data.get("revision") if isinstance(data, dict) else None
    return revision if isinstance(revision, int) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None
