"""
The one list of event types: data class, meaning, topic family.

Schemas, examples, documentation and the check of configured patterns are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.model.dialer_data import (
    AgentData,
    AgentStatsData,
    CommandData,
    CommandLinkedData,
    DidCallData,
    GroupData,
    LeadData,
    ListData,
    UserData,
)
from relay.model.endpoint import matches_type
from relay.model.event_data import (
    BacklogData,
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
CALL_DISPOSITIONED: Final = "call.dispositioned"
CALL_RECORDING_READY: Final = "call.recording_ready"
AGENT_LOGGED_IN: Final = "agent.logged_in"
AGENT_LOGGED_OUT: Final = "agent.logged_out"
AGENT_STATUS_CHANGED: Final = "agent.status_changed"
AGENT_STATS: Final = "agent.stats"
IN_GROUP_STATUS_CHANGED: Final = "in_group.status_changed"
USER_GROUP_STATUS_CHANGED: Final = "user_group.status_changed"
DID_CALL_LOGGED: Final = "did.call_logged"
LIST_CHANGED: Final = "list.changed"
LEAD_CREATED: Final = "lead.created"
LEAD_UPDATED: Final = "lead.updated"
LEAD_REJECTED: Final = "lead.rejected"
USER_CREATED: Final = "user.created"
USER_UPDATED: Final = "user.updated"
COMMAND_SUCCEEDED: Final = "command.succeeded"
COMMAND_FAILED: Final = "command.failed"
COMMAND_UNKNOWN: Final = "command.unknown"
COMMAND_LINKED: Final = "command.linked"
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
ENDPOINT_RECOVERED: Final = "endpoint.recovered"
ENDPOINT_BACKLOG: Final = "endpoint.backlog"
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
    EventType(CALL_DISPOSITIONED, CallData, "A dialer's agent, or the dialer, said what became of a call."),
    EventType(CALL_RECORDING_READY, CallData, "The recording of a call can be fetched."),
    EventType(AGENT_LOGGED_IN, AgentData, "An agent appeared among those logged in."),
    EventType(
        AGENT_LOGGED_OUT, AgentData, "An agent was missing from two good answers in a row: logged out."
    ),
    EventType(AGENT_STATUS_CHANGED, AgentData, "Status, sub-status, pause code, call or campaign changed."),
    EventType(AGENT_STATS, AgentStatsData, "What an agent did in a window of time that is over."),
    EventType(IN_GROUP_STATUS_CHANGED, GroupData, "A gauge of an in-group changed."),
    EventType(USER_GROUP_STATUS_CHANGED, GroupData, "A gauge of a user group changed."),
    EventType(DID_CALL_LOGGED, DidCallData, "The log of an inbound number shows a call."),
    EventType(LIST_CHANGED, ListData, "A list of leads appeared, changed or went away."),
    EventType(LEAD_CREATED, LeadData, "A command added a lead."),
    EventType(LEAD_UPDATED, LeadData, "A command changed a lead."),
    EventType(LEAD_REJECTED, LeadData, "A lead was not added: by the dialer, or by relay's own checks."),
    EventType(USER_CREATED, UserData, "A command added a user of the dialer."),
    EventType(USER_UPDATED, UserData, "A command changed a user of the dialer."),
    EventType(COMMAND_SUCCEEDED, CommandData, "The phone system did what it was asked to."),
    EventType(COMMAND_FAILED, CommandData, "The phone system refused a command, or it never reached it."),
    EventType(COMMAND_UNKNOWN, CommandData, "A command was sent and no answer came; it is not sent again."),
    EventType(COMMAND_LINKED, CommandLinkedData, "The call that a command caused was found."),
    EventType(SOURCE_STATE_CHANGED, SourceStateData, "A phone system is reached, or no longer reached."),
    EventType(SOURCE_ROW_REJECTED, RowsRejectedData, "Rows of a poll could not be read (one event a poll)."),
    EventType(SOURCE_GAP_OPENED, GapData, "A stretch of a stream that should have been read was not."),
    EventType(SOURCE_GAP_CLOSED, GapData, "Such a stretch was read completely after all."),
    EventType(SOURCE_SCHEMA_DRIFT, SchemaDriftData, "The phone system answers in another way than before."),
    EventType(SOURCE_WATERMARK, WatermarkData, "An hour of a source is complete."),
    EventType(SYSTEM_STATUS_CHANGED, SystemStatusData, "The vendor reports another system status."),
    EventType(
        ENDPOINT_FAILING,
        EndpointData,
        "An endpoint refused three attempts in a row; or ten failed in a row, and it is only probed (state "
        "probing) until one succeeds.",
    ),
    EventType(ENDPOINT_PAUSED, EndpointData, "A person paused an endpoint: what is meant for it waits."),
    EventType(ENDPOINT_RESUMED, EndpointData, "A person resumed an endpoint that was paused or disabled."),
    EventType(
        ENDPOINT_DISABLED,
        EndpointData,
        "An endpoint said that it is gone (410), or had no success for too long (reason failing).",
    ),
    EventType(
        ENDPOINT_RECOVERED,
        EndpointData,
        "An endpoint that was only probed took an event: all that waits is sent.",
    ),
    EventType(
        ENDPOINT_BACKLOG,
        BacklogData,
        "What waits for an endpoint has reached 50, 80 or 100 percent of what may; beyond that the oldest "
        "expires.",
    ),
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
