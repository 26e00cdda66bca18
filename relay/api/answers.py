"""
The bodies of answers: what the OpenAPI document promises.  `relay.api.shown` makes them.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from relay.model.event_data import Seconds, Time

Item = TypeVar("Item")
State = Literal["healthy", "probing", "paused", "disabled"]
Status = Literal["pending", "delivered", "exhausted", "expired", "discarded"]


class Listing(BaseModel, Generic[Item]):
    """
    A page of a list.
    """

    items: list[Item]
    next: str | None = Field(description="Send it as `after` for the following page; null on the last one.")


class ProblemField(BaseModel):
    """
    One field of a request, and what is wrong with it.
    """

    field: str
    problem: str


class ProblemDocument(BaseModel):
    """
    Why there is no other answer (RFC 9457).
    """

    type: str = Field(description="The kind of problem: `urn:relay:problem:…`.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(ge=400, le=599, description="The HTTP status.")
    detail: str = Field(description="What there is to say about this one.")
    errors: list[ProblemField] = Field(description="The fields at fault, where it is about fields.")


class BatchAnswer(BaseModel):
    """
    When a batch is sent.
    """

    max_events: int = Field(description="Events in a batch at the most.")
    max_bytes: int = Field(description="Length of a batch at the most.")
    linger_s: float = Field(description="How long the first event waits for others.")


class AuthAnswer(BaseModel):
    """
    What a receiver asks of requests besides signatures, without the values.
    """

    kind: Literal["none", "bearer", "basic"] = Field(description="What fills the header Authorization.")
    headers: list[str] = Field(description="Names of further headers.")


class EndpointAnswer(BaseModel):
    """
    A registered webhook.
    """

    id: str = Field(description="Its name.")
    url: str = Field(description="Where events are posted to.")
    events: list[str] = Field(description="Types of events wanted.")
    sources: list[str] = Field(description="Ids of the sources wanted; none: all.")
    description: str = Field(description="For people.")
    timeout_s: float = Field(description="Total time of one attempt.")
    max_in_flight: int = Field(description="Attempts under way at the same time.")
    retry_schedule_s: list[int] = Field(description="Delay before each further attempt.")
    order: Literal["subject", "endpoint", "none"] = Field(description="What waits for what.")
    conditions: list[str] = Field(description="What must hold for an event.")
    rate_per_s: float = Field(description="Requests a second at the most; 0: no limit.")
    max_age_s: int = Field(description="Events that happened longer ago expire; 0: no limit.")
    max_pending_age_s: int = Field(description="Events that wait for longer expire.")
    max_pending: int = Field(description="Of more events that wait the oldest expire.")
    disable_after_s: int = Field(description="Without a success for so long it is disabled.")
    supersede_status: bool = Field(description="A newer status discards one that waits.")
    payload: Literal["structured", "binary", "batched", "standard"] = Field(description="Form of a request.")
    batch: BatchAnswer = Field(description="How batches are cut.")
    fields: list[str] = Field(description="Fields of `data` that are sent; none: all.")
    mask_numbers: bool = Field(description="Digits of phone numbers are hidden but for the last three.")
    signatures: list[Literal["v1", "v1a"]] = Field(description="Schemes that sign.")
    handshake: Literal["off", "require"] = Field(description="Whether the receiver must consent first.")
    client_certificate: str = Field(description="Name of the client certificate to show; empty: none.")
    auth: AuthAnswer = Field(description="What the receiver asks of requests besides signatures.")
    state: State = Field(description="Paused and disabled ones get nothing; disabled ones miss events.")
    state_reason: str | None = Field(description="Why, where there is a reason.")
    problem: str | None = Field(description="Why nothing can be delivered to it, whatever its state.")
    not_before: Time | None = Field(description="Until when the receiver asked to be left alone.")
    is_from_file: bool = Field(description="Of the configuration file: cannot be changed here.")
    start_seq: int = Field(ge=0, description="Every matching event after it is delivered.")
    created_at: Time = Field(description="When it was registered.")


class NewEndpointAnswer(EndpointAnswer):
    """
    A webhook just registered.
    """

    secret: str = Field(description="What signs every request (v1); never shown again.")
    public_key: str | None = Field(
        description="What signatures of v1a are checked with, where there are any."
    )


class SecretAnswer(BaseModel):
    """
    A secret of an endpoint; its value is not shown.
    """

    id: str
    scheme: Literal["v1", "v1a"] = Field(description="What it signs.")
    created_at: Time
    starts_at: Time | None = Field(description="From when it signs; null: from the beginning.")
    expires_at: Time | None = Field(description="Until when it signs; null: for good.")
    is_lost: bool = Field(description="Sealed with a key that is not here any more: it signs nothing.")


class NewSecretAnswer(SecretAnswer):
    """
    A secret just made.
    """

    secret: str | None = Field(description="What receivers check with; never shown again. Null for v1a …")
    public_key: str | None = Field(description="… which is checked with this, from /public-keys too.")


class PublicKeyAnswer(BaseModel):
    """
    What signatures of v1a are checked with.
    """

    key: str = Field(description="whpk_ and base64 of the ed25519 public key.")
    scheme: Literal["v1", "v1a"]
    starts_at: Time | None = Field(description="From when it signs; null: from the beginning.")
    expires_at: Time | None = Field(description="Until when it signs; null: for good.")


class CheckAnswer(BaseModel):
    """
    What is to be said of the signature of a request.
    """

    valid: bool = Field(description="A secret of the endpoint made it, over this id, timestamp and body.")
    scheme: Literal["v1", "v1a"] | None
    secret_id: str | None = Field(description="Which secret; `file`: that of the configuration file.")
    timestamp_age_s: int | None = Field(description="How old the timestamp is; negative: of the future.")
    problem: str | None = Field(description="Why a receiver would refuse it; null: it would not.")


class TestAnswer(BaseModel):
    """
    What came of a test.
    """

    __test__ = False  # for pytest, which takes every class of such a name for a test

    event_id: str = Field(description="Id of the event that was sent.")
    reason: str = Field(description="ok, or one word for what went wrong.")
    http_status: int | None = Field(description="What the receiver answered.")
    latency_ms: int = Field(description="How long it took.")
    answer: str = Field(description="The beginning of a bad answer, or why there was none.")


class Latencies(BaseModel):
    """
    How long attempts took.
    """

    p50: int
    p90: int
    p99: int
    max: int


class EndpointStats(BaseModel):
    """
    What waits for an endpoint, and what became of its newest deliveries.
    """

    endpoint_id: str
    pending: int = Field(description="Deliveries that wait.")
    oldest_pending_at: Time | None = Field(description="When the oldest event among them was recorded.")
    of: int = Field(description="How many of the newest deliveries the rest is about.")
    by_status: dict[str, int]
    by_reason: dict[str, int]
    latency_ms: Latencies | None = Field(description="Of their last attempts; null where there was none.")


class DeliveryAnswer(BaseModel):
    """
    One event for one endpoint.
    """

    id: str = Field(description="`<endpoint id>.<event id>.<job>`.")
    endpoint_id: str
    event_id: str
    job: int = Field(description="0; a resend has a number of its own.")
    seq: int = Field(description="Place of the event in the journal.")
    event_type: str
    subject: str
    status: Status
    attempts: int = Field(description="Attempts that used up one of the schedule.")
    http_status: int | None = Field(description="Of the last attempt.")
    reason: str | None = Field(description="What became of the last attempt, in one word.")
    latency_ms: int | None = Field(description="Of the last attempt.")
    recorded_at: Time = Field(description="When the journal took the event.")
    due_at: Time | None = Field(
        description="When it is tried next; null while an earlier event of its subject waits."
    )
    settled_at: Time | None = Field(description="When it ended.")


class AttemptAnswer(BaseModel):
    """
    One HTTP request of a delivery.
    """

    attempt: int
    made_at: Time
    latency_ms: int
    reason: str = Field(description="ok, or one word for what went wrong.")
    http_status: int | None
    answer: str = Field(description="The beginning of what came back.")


class EventEnvelope(BaseModel):
    """
    A structured CloudEvent, as webhooks and Kafka carry it; `/schemas/{type}` has the whole of each type.
    """

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: Time
    datacontenttype: Literal["application/json"]
    dataschema: str
    sequence: str
    partitionkey: str
    recordedtime: Time
    data: dict[str, Any]


class EventAnswer(BaseModel):
    """
    An event, and its place in the journal.
    """

    seq: int = Field(description="Position: rises with every event, without holes.")
    event: EventEnvelope


class CallAnswer(BaseModel):
    """
    A call as last published.
    """

    call_id: str
    source_id: str
    subject: str
    revision: int = Field(description="Of its newest event; 0: it has none.")
    data: dict[str, Any] = Field(description="The call, as the data of its events has it.")


class LegAnswer(BaseModel):
    """
    One row of the phone system that belongs to a call.
    """

    leg_id: str
    stream: str = Field(description="Where the row was read.")
    native_id: str | None = Field(description="The vendor's own id.")
    direction: str
    from_raw: str
    from_e164: str | None
    to_raw: str
    to_e164: str | None
    masked: bool = Field(description="The vendor hid digits of a number.")
    agent_name: str | None
    queue: str | None
    ring_group: str | None
    status: str | None = Field(description="The row's own verdict.")
    started_at: Time
    answered_at: Time | None
    ended_at: Time | None
    duration_s: Seconds | None
    talk_s: Seconds | None
    first_seen_at: Time = Field(description="When relay first read the row.")


class CallDetailAnswer(CallAnswer):
    """
    A call with everything known of it.
    """

    absorbed_into: str | None = Field(description="The call that this one turned out to be part of.")
    legs: list[LegAnswer] = Field(description="Oldest first.")
    events: list[EventAnswer] = Field(description="By revision.")


class BudgetAnswer(BaseModel):
    """
    Requests that the phone system allows.
    """

    requests: int = Field(description="Allowed in a window.")
    per_s: float = Field(description="Length of the window in seconds.")
    used: int = Field(description="Made in the last window.")
    remaining: int


class StreamAnswer(BaseModel):
    """
    One thing that is polled from a source.
    """

    stream: str
    state: str
    covered_from: Time | None
    covered_to: Time | None = Field(description="Until when it was read completely; null: never yet.")
    lag_s: Seconds | None = Field(description="How long ago that is.")


class SourceAnswer(BaseModel):
    """
    One account of one phone system.
    """

    id: str
    kind: str
    state: str = Field(description="How it is reached: up, degraded, rate_limited, auth_failed, ip_blocked.")
    system_status: Any = Field(description="What the vendor reports of itself.")
    publish_from: Time = Field(description="Calls that ended before it make no events.")
    watermark: Time | None = Field(
        description="Every call that started before it was published and is final; null: none yet."
    )
    lag_s: Seconds | None = Field(description="The largest of its streams; null where one was never read.")
    streams: list[StreamAnswer]
    budget: BudgetAnswer | None = Field(description="Null where the vendor sets no limit.")


class EventTypeAnswer(BaseModel):
    """
    A type of event.
    """

    type: str
    when: str = Field(description="When it is made.")
    dataschema: str = Field(description="What its events name as their schema.")
    schema_url: str = Field(description="Where the schema is.")
