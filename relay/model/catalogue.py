"""
The one list of event types: data class, meaning, topic family.

Schemas, examples, documentation and the check of configured patterns are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.model.endpoint import matches_type
from relay.model.event_data import (
    CallData,
    CallMergedData,
    EndpointData,
    EventData,
    ExhaustedData,
    GapData,
    RowsRejectedData,
    SchemaDriftData,
    SourceStateData,
    SystemStatusData,
    WatermarkData,
)

CALL_STARTED: Final = "call.started"
CALL_ANSWERED: Final = "call.answered"
CALL_FINISHED: Final = "call.finished"
CALL_ABANDONED: Final = "call.abandoned"
CALL_TIMED_OUT: Final = "call.timed_out"
CALL_MISSED: Final = "call.missed"
CALL_UPDATED: Final = "call.updated"
CALL_MERGED: Final = "call.merged"
CALL_SETTLED: Final = "call.settled"
SOURCE_STATE_CHANGED: Final = "source.state_changed"
SOURCE_ROW_REJECTED: Final = "source.row_rejected"
SOURCE_GAP_OPENED: Final = "source.gap_opened"
SOURCE_GAP_CLOSED: Final = "source.gap_closed"
SOURCE_SCHEMA_DRIFT: Final = "source.schema_drift"
SOURCE_WATERMARK: Final = "source.watermark"
SYSTEM_STATUS_CHANGED: Final = "system.status_changed"
ENDPOINT_FAILING: Final = "endpoint.failing"
ENDPOINT_PAUSED: Final = "endpoint.paused"
ENDPOINT_RESUMED: Final = "endpoint.resumed"
ENDPOINT_DISABLED: Final = "endpoint.disabled"
ENDPOINT_TEST: Final = "endpoint.test"
DELIVERY_EXHAUSTED: Final = "delivery.exhausted"

CALL_ENDS: Final = (CALL_FINISHED, CALL_ABANDONED, CALL_TIMED_OUT, CALL_MISSED)


@dataclass(frozen=True, slots=True)
class EventType:
    """
    One type of event: its name, the contract of its data and when it is made.
    """

    name: str
    data: type[EventData]
    when: str


CATALOGUE: Final = (
    EventType(CALL_STARTED, CallData, "First sight of a call."),
    EventType(CALL_ANSWERED, CallData, "First sight of its answer."),
    EventType(CALL_FINISHED, CallData, "The end of a call: answered, no_answer, failed or unknown."),
    EventType(CALL_ABANDONED, CallData, "The end of a call whose caller gave up waiting."),
    EventType(CALL_TIMED_OUT, CallData, "The end of a call that nobody took in time."),
    EventType(CALL_MISSED, CallData, "The end of an inbound call to a user who did not answer."),
    EventType(CALL_UPDATED, CallData, "A published field changed after the end."),
    EventType(
        CALL_MERGED,
        CallMergedData,
        "Two published calls proved to be one; told on both, and the last event of the absorbed one, whose "
        "end it stands for.",
    ),
    EventType(
        CALL_SETTLED,
        CallData,
        "Every stream was read completely a look-back after the end: safe to bill. A later correction is "
        "call.updated.",
    ),
    EventType(SOURCE_STATE_CHANGED, SourceStateData, "A phone system is reached, or no longer reached."),
    EventType(SOURCE_ROW_REJECTED, RowsRejectedData, "Rows of a poll could not be read (one event a poll)."),
    EventType(SOURCE_GAP_OPENED, GapData, "A stretch of a stream that should have been read was not."),
    EventType(SOURCE_GAP_CLOSED, GapData, "Such a stretch was read completely after all."),
    EventType(SOURCE_SCHEMA_DRIFT, SchemaDriftData, "The phone system answers in another way than before."),
    EventType(SOURCE_WATERMARK, WatermarkData, "An hour of a source is complete."),
    EventType(SYSTEM_STATUS_CHANGED, SystemStatusData, "The vendor reports another system status."),
    EventType(ENDPOINT_FAILING, EndpointData, "An endpoint refused three attempts in a row."),
    EventType(ENDPOINT_PAUSED, EndpointData, "A person paused an endpoint: what is meant for it waits."),
    EventType(ENDPOINT_RESUMED, EndpointData, "A person resumed an endpoint that was paused or disabled."),
    EventType(ENDPOINT_DISABLED, EndpointData, "An endpoint said that it is gone (410)."),
    EventType(
        ENDPOINT_TEST,
        EndpointData,
        "A person asked for a test of an endpoint. Sent to that endpoint alone, once; it is never in the "
        "journal nor in Kafka, and its revision, always 1, does not count.",
    ),
    EventType(DELIVERY_EXHAUSTED, ExhaustedData, "A delivery used up its retry schedule."),
)

EVENT_TYPES: Final = {event_type.name: event_type for event_type in CATALOGUE}


def is_known_pattern(pattern: str) -> bool:
    """
    Tell whether a type pattern covers at least one type of the catalogue.
    """
    return any(matches_type(pattern, name) for name in EVENT_TYPES)


def known_patterns() -> tuple[str, ...]:
    """
    Return every type pattern that covers a type of the catalogue.
    """
    families = {f"{name.rpartition('.')[0]}.*": None for name in EVENT_TYPES}
    return ("*", *families, *EVENT_TYPES)
