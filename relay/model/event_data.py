"""
The contract of `data`, one class per shape: what a receiver may rely on.

Documentation, JSON Schemas and examples are made from these classes (DESIGN section 4).  Times are
RFC 3339 UTC with milliseconds, durations whole seconds in fields named `_s`, unknown is null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Time = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", examples=["2026-11-21T10:00:00.000Z"])
]
Seconds = Annotated[int, Field(ge=0)]


class EventData(BaseModel):
    """
    What the data of every event has.
    """

    model_config = ConfigDict(extra="forbid")

    source_id: str | None = Field(description="Configured id of the phone system; null for endpoint events.")
    occurred_at: Time = Field(description="When it happened, by the clock of the source.")
    observed_at: Time = Field(description="When relay asked the request whose answer showed it.")
    recorded_at: Time = Field(description="When the journal took it.")
    precision_s: Seconds | None = Field(description="Half-width of the interval in which it happened.")
    revision: int = Field(ge=1, description="Number of this event within its subject: 1, 2, 3, …")
    final: bool = Field(description="No further event of this subject is expected.")
    inferred: bool = Field(description="Concluded from a later state rather than seen.")
    changed: list[str] = Field(
        description="Fields that differ from the subject's last event; [] on the first."
    )
    origin: Literal["live", "push", "backfill", "reconcile", "command"]


class LegData(BaseModel):
    """
    One row of the phone system that belongs to a call.
    """

    model_config = ConfigDict(extra="forbid")

    leg_id: str
    stream: Literal["user_calls", "ringgroup_calls", "queue_calls"]
    agent_name: str | None
    queue: str | None
    ring_group: str | None
    status: Literal["answered", "abandoned", "timed_out"] | None = Field(description="The row's own verdict.")
    started_at: Time
    answered_at: Time | None
    ended_at: Time | None
    duration_s: Seconds | None
    talk_s: Seconds | None
    rang: bool = Field(description="An agent's phone rang and nobody spoke on it.")


class CallData(EventData):
    """
    The whole call after this event, never a delta: upsert by `call_id` where `revision` is higher.
    """

    call_id: str
    native_id: str | None = Field(description="The vendor's own id, where it has one.")
    direction: Literal["inbound", "outbound", "internal", "unknown"]
    from_raw: str | None
    from_e164: str | None
    to_raw: str | None
    to_e164: str | None
    did: str | None = Field(description="The number an inbound call was received on.")
    caller_name: str | None
    state: Literal["started", "answered", "ended"]
    outcome: Literal["answered", "abandoned", "timed_out", "missed", "no_answer", "failed", "unknown"]
    agent_id: str | None
    agent_name: str | None
    agent_extension: str | None
    agent_external_id: str | None
    queue: str | None
    ring_group: str | None
    campaign: str | None
    lead_id: str | None
    vendor_lead_code: str | None
    started_at: Time
    answered_at: Time | None
    ended_at: Time | None
    wait_s: Seconds | None = Field(description="From start to answer, or to the end where nobody answered.")
    talk_s: Seconds | None
    duration_s: Seconds | None
    disposition: str | None
    disposition_mapped: str | None
    hangup_reason: str | None
    recording_url: str | None
    command_id: str | None
    legs: list[LegData]
    linked_call_ids: list[str]
    link_confidence: float | None = Field(
        ge=0, le=1, description="How sure the linking of the legs is; null with one leg."
    )
    masked: bool = Field(description="The vendor hid digits of a number.")
    source_tz: str


class SourceStateData(EventData):
    """
    How a phone system, or one stream of it, is reached.
    """

    state: Literal["up", "degraded", "rate_limited", "auth_failed", "ip_blocked"]
    previous_state: Literal["up", "degraded", "rate_limited", "auth_failed", "ip_blocked"] | None
    reason: str | None
    streams: dict[str, str] = Field(description="State of each stream: up, degraded, absent.")


class RejectedRow(BaseModel):
    """
    One row that could not be read.
    """

    model_config = ConfigDict(extra="forbid")

    digest: str
    why: str
    row: Any


class RowsRejectedData(EventData):
    """
    Rows of one poll that could not be read; all of them are kept in `rejects`.
    """

    stream: str
    count: int = Field(ge=1)
    samples: list[RejectedRow] = Field(max_length=5)


class SystemStatusData(EventData):
    """
    The vendor's own system status, as it gives it.
    """

    status: Any
    previous_status: Any


class EndpointData(EventData):
    """
    What happened to a registered webhook.
    """

    endpoint_id: str
    url: str
    state: Literal["healthy", "probing", "paused", "disabled"]
    previous_state: Literal["healthy", "probing", "paused", "disabled"] | None
    reason: str | None
    status: int | None = Field(description="Last HTTP status, where there was one.")
    attempts_in_a_row: int | None = Field(ge=0)


class ExhaustedData(EventData):
    """
    A delivery that used up its schedule.
    """

    endpoint_id: str
    event_id: str
    event_subject: str
    event_type: str
    attempts: int = Field(ge=1)
    reason: str
    status: int | None
