"""
How an endpoint wants its events, as an operator says it: `relay.model.delivery_options` in checked words.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from relay.config.event_fields import condition_text
from relay.config.section import List, Section
from relay.model.delivery_options import BatchOptions, DeliveryOptions

MAX_S = 30 * 86_400

Condition = Annotated[
    str,
    Field(min_length=1, max_length=500, json_schema_extra={"examples": ['data.queue in ["sales"]']}),
    AfterValidator(condition_text),
]
DataField = Annotated[str, Field(pattern="^[a-z0-9_]{1,60}$")]


class BatchFields(Section):
    """
    When a batch is sent.
    """

    max_events: int = Field(default=100, ge=1, le=1_000, description="Events in a batch at the most.")
    max_bytes: int = Field(
        default=262_144,
        ge=1_024,
        le=4_194_304,
        description="Length of a batch at the most; one event alone may be longer.",
    )
    linger_s: float = Field(
        default=0.2, ge=0, le=60, description="How long the first event waits for others."
    )


class DeliveryFields(Section):
    """
    How an endpoint wants its events.
    """

    order: Literal["subject", "endpoint", "none"] = Field(
        default="subject", description="What waits for what: events of one subject, all events, or none."
    )
    conditions: Annotated[tuple[Condition, ...], List, Field(max_length=20)] = Field(
        default=(), description='What must hold for an event: `data.queue in ["sales"]`, `data.talk_s > 30`.'
    )
    rate_per_s: float = Field(
        default=0.0, ge=0, le=100_000, description="Requests a second at the most; 0: no limit."
    )
    max_age_s: int = Field(
        default=0, ge=0, le=MAX_S, description="Events that happened longer ago expire; 0: no limit."
    )
    max_pending_age_s: int = Field(
        default=604_800, ge=60, le=MAX_S, description="Events that wait for longer expire."
    )
    max_pending: int = Field(
        default=2_000_000, ge=1, le=100_000_000, description="Of more events that wait the oldest expire."
    )
    disable_after_s: int = Field(
        default=432_000, ge=60, le=MAX_S, description="Without a success for so long it is disabled."
    )
    supersede_status: bool = Field(
        default=False,
        description="Discard a status of an agent or a group that waits, once a newer one is there.",
    )
    payload: Literal["structured", "binary", "batched", "standard"] = Field(
        default="structured",
        description="CloudEvents structured, binary or batched, or the form of Standard Webhooks.",
    )
    batch: BatchFields = Field(default=BatchFields(), description="How batches are cut.")
    fields: Annotated[tuple[DataField, ...], List, Field(max_length=100)] = Field(
        default=(), description="Fields of `data` that are sent, besides ids and revision; none: all."
    )
    mask_numbers: bool = Field(
        default=False, description="Hide the digits of phone numbers but for the last three."
    )
    signatures: Annotated[tuple[Literal["v1", "v1a"], ...], List, Field(min_length=1, max_length=2)] = Field(
        default=("v1",), description="v1 (HMAC-SHA256), v1a (ed25519), or both."
    )
    handshake: Literal["off", "require"] = Field(
        default="off", description="require: send nothing before the receiver has consented (OPTIONS)."
    )
    client_certificate: Annotated[str, Field(pattern="^[a-z0-9-]{0,40}$")] = Field(
        default="", description="Name of the client certificate to show; none: none."
    )

    def options(self) -> DeliveryOptions:
        """
        Return them in the shared words.
        """
        given = {name: getattr(self, name) for name in DeliveryFields.model_fields}
        return options_of(given, DeliveryOptions())


def options_of(given: dict[str, Any], before: DeliveryOptions) -> DeliveryOptions:
    """
    Return options with some fields as given.
    """
    known = {name: getattr(before, name) for name in DeliveryOptions.__slots__}
    batch = given.get("batch")
    if isinstance(batch, BatchFields):
        given = given | {"batch": BatchOptions(**batch.model_dump())}
    return DeliveryOptions(**known | {name: value for name, value in given.items() if name in known})
