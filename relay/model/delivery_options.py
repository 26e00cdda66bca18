"""
How an endpoint wants its events: everything an operator may choose beyond address, types and secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ORDER_SUBJECT: Final = "subject"
ORDER_ENDPOINT: Final = "endpoint"
ORDER_NONE: Final = "none"
ONE_FOR_ALL: Final = 0  # with ORDER_ENDPOINT: the key that all events share
ORDERS: Final = (ORDER_SUBJECT, ORDER_ENDPOINT, ORDER_NONE)

STRUCTURED: Final = "structured"
BINARY: Final = "binary"
BATCHED: Final = "batched"
STANDARD: Final = "standard"
PAYLOADS: Final = (STRUCTURED, BINARY, BATCHED, STANDARD)

V1: Final = "v1"
V1A: Final = "v1a"
SIGNATURES: Final = (V1, V1A)

HANDSHAKE_OFF: Final = "off"
HANDSHAKE_REQUIRE: Final = "require"
HANDSHAKES: Final = (HANDSHAKE_OFF, HANDSHAKE_REQUIRE)

NO_LIMIT: Final = 0


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """
    When a batch is sent: with `max_events`, before it would be longer than `max_bytes`, or `linger_s` after
    its first event.
    """

    max_events: int = 100
    max_bytes: int = 262_144
    linger_s: float = 0.2


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """
    How an endpoint wants its events.  0, and "" of a text, mean: no limit, none.

    Args:
        order: what waits for what: `subject` (events of one subject), `endpoint` (all), `none`.
        conditions: on fields of an event, all of which must hold (`data.queue in ["sales"]`).
        rate_per_s: requests a second at the most.
        max_age_s: an event that happened longer ago, when its turn comes, expires (`too_old`).
        max_pending_age_s: an event that was recorded longer ago and still waits expires.
        max_pending: of more events that wait the oldest expire.
        disable_after_s: without a success for so long the endpoint is disabled.
        supersede_status: a status event that waits is discarded once a newer one of its subject is there.
        payload: the form of a request: CloudEvents structured, binary or batched, or Standard Webhooks'.
        batch: how batches are cut.
        fields: of `data`, the only ones that are sent; none: all.
        mask_numbers: digits of phone numbers are hidden but for the last three.
        signatures: the schemes that sign: `v1` (HMAC-SHA256), `v1a` (ed25519).
        handshake: `require`: nothing is sent before the receiver has consented (CloudEvents, OPTIONS).
        client_certificate: name of the one that relay shows when asked.
    """

    order: str = ORDER_SUBJECT
    conditions: tuple[str, ...] = ()
    rate_per_s: float = NO_LIMIT
    max_age_s: int = NO_LIMIT
    max_pending_age_s: int = 7 * 86_400
    max_pending: int = 2_000_000
    disable_after_s: int = 5 * 86_400
    supersede_status: bool = False
    payload: str = STRUCTURED
    batch: BatchOptions = field(default_factory=BatchOptions)
    fields: tuple[str, ...] = ()
    mask_numbers: bool = False
    signatures: tuple[str, ...] = (V1,)
    handshake: str = HANDSHAKE_OFF
    client_certificate: str = ""
