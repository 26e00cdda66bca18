"""
The event: an immutable fact, and its CloudEvents 1.0 envelope in structured JSON.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from relay.model.times import rfc3339

# Why relay looked.
LIVE: Final = "live"
PUSH: Final = "push"
BACKFILL: Final = "backfill"
RECONCILE: Final = "reconcile"
COMMAND: Final = "command"
CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"


class Event(NamedTuple):
    """
    A fact with a deterministic id, ready to append.

    `data` holds what is special to the type; the fields every event has are attributes here and are
    merged by `to_json`.  `source_id` is None for events of an endpoint.
    """

    id: str
    type: str
    source_id: str | None
    subject: str
    revision: int
    occurred_at: datetime
    observed_at: datetime
    precision_s: int | None
    data: dict[str, Any]
    final: bool = False
    inferred: bool = False
    changed: tuple[str, ...] = ()
    origin: str = LIVE

    def to_json(self, recorded_at: datetime) -> bytes:
        """
        Return the structured CloudEvent: the bytes that webhooks and Kafka carry and the journal keeps.
        """
        return to_bytes(self.document(recorded_at))

    def document(self, recorded_at: datetime) -> dict[str, Any]:
        """
        Return the structured CloudEvent as a receiver reads it: what conditions of endpoints are asked of.
        """
        time, recorded = rfc3339(self.occurred_at), rfc3339(recorded_at)
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": source_uri(self.source_id, self.subject),
            "type": self.type,
            "subject": self.subject,
            "time": time,
            "datacontenttype": "application/json",
            "dataschema": schema_uri(self.type),
            "sequence": f"{self.revision:010d}",
            "partitionkey": self.subject,
            "recordedtime": recorded,
            "data": {
                "source_id": self.source_id,
                "occurred_at": time,
                "observed_at": rfc3339(self.observed_at),
                "recorded_at": recorded,
                "precision_s": self.precision_s,
                "revision": self.revision,
                "final": self.final,
                "inferred": self.inferred,
                "changed": self.changed,
                "origin": self.origin,
                **self.data,
            },
        }


class StoredEvent(NamedTuple):
    """
    An event as the journal holds it: `seq` is its place, `body` the bytes to hand out.
    """

    seq: int
    id: str
    type: str
    source_id: str | None
    subject: str
    revision: int
    occurred_at: datetime
    recorded_at: datetime
    body: bytes


def to_bytes(document: dict[str, Any]) -> bytes:
    """
    Return the bytes of an event's document.
    """
    return bytes(memoryview(orjson.dumps(document)))  # a copy without the 10 KiB of room that orjson keeps


def is_of_the_past(body: bytes) -> bool:
    """
    Tell whether an event was made of a past that relay read again, and so says nothing of its latency.

    Within a JSON text no value can hold these bytes: its quotes would be escaped.
    """
    return b'"origin":"backfill"' in body or b'"origin":"reconcile"' in body


def schema_uri(event_type: str) -> str:
    """
    Return the absolute URI that names the schema of an event type (CloudEvents `dataschema`).
    """
    return f"urn:relay:schema:{event_type}:v1"


def source_uri(source_id: str | None, subject: str) -> str:
    """
    Return the CloudEvents `source`: the phone system, or the endpoint that the subject names.
    """
    return f"/sources/{source_id}" if source_id else "/" + subject.replace("endpoint", "endpoints", 1)
