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
    origin: Literal["live", "push", "backfill", "reconcile", "command"] = Field(
        description="Why relay looked: live polling, a push, a backfill, a reconciliation or a command."
    )


class LegData(BaseModel):
    """
    One row of the phone system that belongs to a call.
    """

    model_config = ConfigDict(extra="forbid")

    leg_id: str = Field(description="Id of the row, the same at every reading.")
    stream: Literal["user_calls", "ringgroup_calls", "queue_calls", "dialer_calls"] = Field(
        description="Where it was read; dialer_calls: put together from what a dialer shows of one call."
    )
    agent_name: str | None = Field(description="User whose phone it was, or who answered.")
    queue: str | None = Field(description="Name of the queue.")
    ring_group: str | None = Field(description="Name of the ring group.")
    status: Literal["answered", "abandoned", "timed_out"] | None = Field(description="The row's own verdict.")
    started_at: Time = Field(description="When this leg began.")
    answered_at: Time | None = Field(description="When somebody spoke on it.")
    ended_at: Time | None = Field(description="When it ended; null while it lasts.")
    duration_s: Seconds | None = Field(description="From its start to its end.")
    talk_s: Seconds | None = Field(description="Time spoken; 0 where the vendor says that nobody answered.")
    rang: bool = Field(description="An agent's phone rang and nobody spoke on it.")


class CallData(EventData):
    """
    The whole call after this event, never a delta: upsert by `call_id` where `revision` is higher.
    """

    call_id: str = Field(description="Id of the conversation, for ever.")
    native_id: str | None = Field(description="The vendor's own id, where it has one.")
    direction: Literal["inbound", "outbound", "internal", "unknown"] = Field(
        description="As the phone system sees it."
    )
    from_raw: str | None = Field(description="Caller, as the vendor wrote it.")
    from_e164: str | None = Field(description="Caller in E.164, where there is exactly one reading.")
    to_raw: str | None = Field(description="Number called, as the vendor wrote it.")
    to_e164: str | None = Field(description="Number called in E.164.")
    did: str | None = Field(description="The number an inbound call was received on.")
    caller_name: str | None = Field(description="Name of the caller.")
    state: Literal["started", "answered", "ended"] = Field(description="How far the call is.")
    outcome: Literal["answered", "abandoned", "timed_out", "missed", "no_answer", "failed", "unknown"] = (
        Field(description="What became of it; unknown while it lasts.")
    )
    agent_id: str | None = Field(description="The vendor's id of the agent.")
    agent_name: str | None = Field(description="Who answered, or the only user whose phone rang.")
    agent_extension: str | None = Field(description="Extension of the agent.")
    agent_external_id: str | None = Field(description="Id of the agent in the CRM, where mapped.")
    queue: str | None = Field(description="Last queue of the call.")
    ring_group: str | None = Field(description="Last ring group of the call.")
    campaign: str | None = Field(description="Campaign of a dialer.")
    lead_id: str | None = Field(description="Lead of a dialer.")
    vendor_lead_code: str | None = Field(description="The customer's code of the lead.")
    started_at: Time = Field(description="When the first leg began.")
    answered_at: Time | None = Field(description="When somebody answered.")
    ended_at: Time | None = Field(description="When the last leg ended; null while one lasts.")
    wait_s: Seconds | None = Field(description="From start to answer, or to the end where nobody answered.")
    talk_s: Seconds | None = Field(description="Time spoken; 0 where nobody answered.")
    duration_s: Seconds | None = Field(description="From start to end.")
    disposition: str | None = Field(description="What the agent or dialer noted.")
    disposition_mapped: str | None = Field(description="The same in the words of the CRM.")
    hangup_reason: str | None = Field(description="Why it ended.")
    recording_url: str | None = Field(description="Where the recording is.")
    command_id: str | None = Field(description="Command that caused the call.")
    legs: list[LegData] = Field(description="All rows that belong to the call.")
    linked_call_ids: list[str] = Field(description="Calls of other systems that are the same conversation.")
    link_confidence: float | None = Field(
        ge=0, le=1, description="How sure the linking of the legs is; null with one leg."
    )
    masked: bool = Field(
        description="Digits of a number are hidden: by the vendor, or because the endpoint wants them so."
    )
    source_tz: str = Field(description="IANA time zone of the phone system.")


class CallMergedData(CallData):
    """
    Two published calls that proved to be one, told on both: this call as it is after the merge.
    """

    absorbed_into: str | None = Field(
        description="On the call that ends here: id of the call that stands for it from now on; else null."
    )
    absorbed_call_id: str | None = Field(
        description="On the call that goes on: id of the call that became part of it; else null."
    )


class SourceStateData(EventData):
    """
    How a phone system, or one stream of it, is reached.
    """

    state: Literal["up", "degraded", "rate_limited", "auth_failed", "ip_blocked"] = Field(
        description="How the phone system is reached now."
    )
    previous_state: Literal["up", "degraded", "rate_limited", "auth_failed", "ip_blocked"] | None = Field(
        description="How it was reached before."
    )
    reason: str | None = Field(description="One word for what went wrong; null when it is up.")
    streams: dict[str, str] = Field(description="State of each stream: up, degraded, absent.")


class RejectedRow(BaseModel):
    """
    One row that could not be read.
    """

    model_config = ConfigDict(extra="forbid")

    digest: str = Field(description="Digest of the row, its key in the rejects.")
    why: str = Field(description="Which column, and what is wrong with it.")
    row: Any = Field(description="The row as the vendor gave it.")


class RowsRejectedData(EventData):
    """
    Rows of one poll that could not be read; all of them are kept in `rejects`.
    """

    stream: str = Field(description="Where the rows were read.")
    count: int = Field(ge=1, description="How many rows of the poll.")
    samples: list[RejectedRow] = Field(max_length=5, description="The first of them.")


StreamName = Literal["user_calls", "ringgroup_calls", "queue_calls"]


class GapData(EventData):
    """
    A stretch of time of one stream that was not read completely.
    """

    stream: StreamName = Field(description="Which stream.")
    gap_from: Time = Field(description="From when on nothing is proven, by the phone system's clock.")
    gap_to: Time | None = Field(description="Until when; null while it grows.")
    reason: str = Field(description="One word for why.")
    rows_recovered: Seconds | None = Field(
        description="New rows that the read brought which closed it; null while it is open."
    )


class SchemaDriftData(EventData):
    """
    The phone system answers in another way than before.
    """

    stream: StreamName = Field(description="Which stream.")
    what: Literal["visibility"] = Field(
        description="visibility: when its rows appear, at the start or at the end of a call, and how late."
    )
    was: dict[str, Any] = Field(description="What was measured before.")
    now: dict[str, Any] = Field(description="What is measured now.")


class WatermarkData(EventData):
    """
    An hour of a source is complete: every call that started in it was published, and is safe to bill.
    """

    hour_from: Time = Field(description="Start of the hour, by the phone system's clock.")
    hour_to: Time = Field(description="Its end: nothing is missing before it.")


class SystemStatusData(EventData):
    """
    The vendor's own system status, as it gives it.
    """

    status: Any = Field(description="What the vendor says now.")
    previous_status: Any = Field(description="What it said before.")


class EndpointData(EventData):
    """
    What happened to a registered webhook.
    """

    endpoint_id: str = Field(description="Which endpoint.")
    url: str = Field(description="Its address, without user and query.")
    state: Literal["healthy", "probing", "paused", "disabled"] = Field(description="Its state now.")
    previous_state: Literal["healthy", "probing", "paused", "disabled"] | None = Field(
        description="Its state before."
    )
    reason: str | None = Field(description="One word for what went wrong.")
    status: int | None = Field(description="Last HTTP status, where there was one.")
    attempts_in_a_row: int | None = Field(ge=0, description="How many attempts were refused in a row.")


class BacklogData(EventData):
    """
    How much waits for an endpoint, of what may.
    """

    endpoint_id: str = Field(description="Which endpoint.")
    state: Literal["healthy", "probing", "paused", "disabled"] = Field(description="Its state.")
    percent: Literal[50, 80, 100] = Field(
        description="Which level was reached, of max_pending or max_pending_age_s. At 100 the oldest expire."
    )
    pending: int = Field(ge=0, description="How many events wait.")
    max_pending: int | None = Field(description="How many may; null without a limit.")
    oldest_pending_at: Time | None = Field(description="When the oldest of them was recorded.")
    max_pending_age_s: Seconds | None = Field(description="How long one may wait; null without a limit.")


class ExhaustedData(EventData):
    """
    A delivery that used up its schedule.
    """

    endpoint_id: str = Field(description="Which endpoint.")
    event_id: str = Field(description="The event that was not delivered.")
    event_subject: str = Field(description="Its subject.")
    event_type: str = Field(description="Its type.")
    attempts: int = Field(ge=1, description="How often it was tried.")
    reason: str = Field(description="Why the last attempt failed.")
    status: int | None = Field(description="Last HTTP status, where there was one.")
