"""
Whether an endpoint wants an event, asked of one event as it is stored: for replays and dry runs.

The journal asks the same of all endpoints at once as it appends (`relay.journal.matching`).
"""

from __future__ import annotations

from typing import Final

from relay.model.conditions import Document, all_hold
from relay.model.endpoint import Endpoint, EndpointSpec, matches_type

_OWN_SUBJECT: Final = "endpoint/"


def matches(endpoint: Endpoint | EndpointSpec, document: Document) -> bool:
    """
    Tell whether an endpoint wants an event, by type, source and conditions; never one about itself.

    Args:
        endpoint: whatever its state.
        document: the event, as `orjson.loads` reads its stored body.

    Raises:
        ValueError: the endpoint has a condition that is none.
    """
    event_type, source_id = document["type"], document["data"].get("source_id")
    if document["subject"] == _OWN_SUBJECT + endpoint.id:
        return False
    if endpoint.sources and source_id not in endpoint.sources:
        return False
    is_wanted = any(matches_type(pattern, event_type) for pattern in endpoint.events)
    return is_wanted and all_hold(endpoint.options.conditions, document)
