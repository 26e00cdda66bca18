"""
The bodies of answers about replays, reconciliations and the account of a call.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel

from relay.api.answers import AttemptAnswer, DeliveryAnswer, EventAnswer, LegAnswer, Status
from relay.api.source_answers import JobState, ReadAnswer
from relay.model.event_data import Time


class ReplayWanted(BaseModel):
    """
    Which events a replay sends: what is null or empty lets everything through.
    """

    from_: Time | None = Field(alias="from", description="Recorded then or later …")
    to: Time | None = Field(description="… and before then.")
    types: list[str]
    sources: list[str]
    call_id: str | None
    agent_id: str | None
    agent_name: str | None
    queue: str | None
    outcome: str | None
    only_missing: bool = Field(
        description="Not what the endpoint has, or is about to be sent, when its turn comes."
    )


class ReplayAnswer(BaseModel):
    """
    Events that are sent to an endpoint again.
    """

    id: int = Field(description="The `job` of its deliveries, too.")
    endpoint_id: str
    wanted: ReplayWanted
    state: JobState = Field(description="done: nothing waits of it any more.")
    reason: str | None = Field(
        description="Why it waits or failed: endpoint_paused, endpoint_disabled, endpoint_deleted."
    )
    rate_per_s: float = Field(description="Events a second at the most.")
    from_seq: int = Field(description="It goes through the events after this one …")
    to_seq: int = Field(description="… up to this one: the newest when it was asked for.")
    at_seq: int = Field(description="How far it has come.")
    progress: float = Field(ge=0, le=1, description="The share of these events that it has looked at.")
    made: int = Field(description="Deliveries made by it.")
    made_at: Time
    finished_at: Time | None


class ReplayDetailAnswer(ReplayAnswer):
    """
    A replay with what became of its deliveries.
    """

    by_status: dict[str, int]


class ReplayTrialAnswer(BaseModel):
    """
    What a replay would send; nothing was made.
    """

    dry_run: Literal[True]
    endpoint_id: str
    events: int = Field(description="How many.")
    first_event_ids: list[str] = Field(description="The first of them.")
    is_complete: bool = Field(description="false: there are so many events that only the first were counted.")


class ReplayAskedAnswer(RootModel[ReplayAnswer | ReplayTrialAnswer]):
    """
    A replay that was made, or what it would send.
    """


class ReconciliationAnswer(BaseModel):
    """
    What became of the events that an endpoint wants, each counted once, by the best of its deliveries.
    """

    endpoint_id: str
    from_: Time | None = Field(alias="from")
    to: Time | None
    matching: int = Field(description="All of them.")
    delivered: int = Field(description="Acknowledged, under whatever job.")
    pending: int
    exhausted: int
    expired: int
    discarded: int
    without_delivery: int = Field(description="None was ever made.")
    next: str | None = Field(
        description="Not null: only the first were counted; send it as `after` for the others."
    )


class MissingAnswer(BaseModel):
    """
    An event that an endpoint wants, has not acknowledged and is not about to be sent.
    """

    seq: int
    event_id: str
    type: str
    subject: str
    recorded_at: Time
    status: Status | Literal["none"] = Field(
        description="Of the best of its deliveries; none: there is none."
    )
    reason: str | None = Field(
        description="Of that delivery; without one before_start (older than the endpoint) or not_made."
    )


class RowAnswer(LegAnswer):
    """
    A row of a call as the phone system gave it, with the complete reads that showed it.
    """

    row: dict[str, Any] = Field(description="Untouched.")
    reads: list[ReadAnswer] = Field(
        description="The one that showed it first, where it is still kept, and the newest; oldest first."
    )


class ExplainedDeliveryAnswer(DeliveryAnswer):
    """
    A delivery with its attempts.
    """

    attempt_list: list[AttemptAnswer] = Field(description="Oldest first; of many the newest.")


class ExplainedEventAnswer(EventAnswer):
    """
    An event with its deliveries.
    """

    recorded_at: Time
    deliveries: list[ExplainedDeliveryAnswer] = Field(description="By endpoint and job.")


class ExplanationAnswer(BaseModel):
    """
    One call, from the polls that showed it to every attempt to tell of it.
    """

    call_id: str
    source_id: str
    subject: str
    revision: int
    absorbed_into: str | None = Field(description="The call that this one turned out to be part of.")
    rows: list[RowAnswer] = Field(description="Oldest first.")
    links: dict[str, Any] | None = Field(description="The scores that made a call of the rows.")
    events: list[ExplainedEventAnswer] = Field(description="By revision.")
    cut: list[Literal["rows", "events", "deliveries", "attempts"]] = Field(
        description="Lists that are longer than shown."
    )
