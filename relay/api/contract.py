"""
What describes the API and its events: `/openapi.json`, `/schemas/{type}`, `/v1/event-types`.
"""

from __future__ import annotations

from typing import Final

from relay.api import shown
from relay.api.operation import Answer, Asked, Reach
from relay.model.catalogue import CATALOGUE, EVENT_TYPES
from relay.model.errors import NotFound
from relay.model.event import schema_uri
from relay.model.schemas import envelope_schema

SCHEMA: Final = "application/schema+json"


async def openapi(reach: Reach, _asked: Asked) -> Answer:
    """
    Answer with the OpenAPI document.
    """
    return Answer(reach.document)


async def event_schema(_reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the JSON Schema of a type of event, envelope and data.
    """
    event_type = asked.path["type"]
    if event_type not in EVENT_TYPES:
        raise NotFound(f"there is no type of event `{event_type}`")
    return Answer(Answer.of(envelope_schema(event_type)).body, content_type=SCHEMA)


async def list_event_types(_reach: Reach, _asked: Asked) -> Answer:
    """
    Answer with all types of events.
    """
    items = [
        {
            "type": kind.name,
            "when": kind.when,
            "dataschema": schema_uri(kind.name),
            "schema_url": f"/schemas/{kind.name}",
        }
        for kind in CATALOGUE
    ]
    return Answer.of(shown.listing(items, None))
