"""
JSON Schema 2020-12 of every event type, made from the catalogue: of its data, and of the whole event.

`dataschema` of an event names the schema of its data.
"""

from __future__ import annotations

from typing import Any, Final

from relay.model.catalogue import EVENT_TYPES
from relay.model.event import schema_uri

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TIME: Final = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
_OWNER: Final = r"^/(sources|endpoints)/[A-Za-z0-9._~%-]+$"


def data_schema(event_type: str) -> dict[str, Any]:
    """
    Return the schema of the data of a type.

    Raises:
        KeyError: not a type of the catalogue.
    """
    kind = EVENT_TYPES[event_type]
    schema = kind.data.model_json_schema()
    return {
        "$schema": DIALECT,
        "$id": schema_uri(event_type),
        **schema,
        "title": event_type,
        "description": kind.when,
    }


def envelope_schema(event_type: str) -> dict[str, Any]:
    """
    Return the schema of a whole event of a type: the structured CloudEvent that webhooks and Kafka carry.

    More attributes may come: receivers ignore the ones they do not know.

    Raises:
        KeyError: not a type of the catalogue.
    """
    kind = EVENT_TYPES[event_type]
    data = data_schema(event_type)
    attributes: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "pattern": "^[a-z0-9_]{20,64}$",
            "description": "The same whenever it is sent again.",
        },
        "source": {"type": "string", "pattern": _OWNER, "description": "Whose event it is."},
        "type": {"const": event_type},
        "subject": {
            "type": "string",
            "minLength": 3,
            "description": "What it is about; events of one are in order.",
        },
        "time": {**_TIME, "description": "When it happened."},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": schema_uri(event_type)},
        "sequence": {
            "type": "string",
            "pattern": "^[0-9]{10}$",
            "description": "The revision, sortable as text.",
        },
        "partitionkey": {"type": "string", "description": "As subject."},
        "recordedtime": {**_TIME, "description": "When the journal took it."},
        "data": {"$ref": data["$id"]},
    }
    return {
        "$schema": DIALECT,
        "$id": f"{schema_uri(event_type)}:envelope",
        "title": f"{event_type} (CloudEvent)",
        "description": kind.when,
        "type": "object",
        "properties": {
            **attributes,
            "traceparent": {"type": "string", "description": "Where tracing is on."},
        },
        "required": list(attributes),
        "$defs": {event_type: data},
    }
