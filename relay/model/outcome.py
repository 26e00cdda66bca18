"""
What became of one attempt to hand an event over.

`Delivered`, `TryLater` or `GiveUp` is an answer, not an error.  A cancelled attempt has no outcome:
it is made again under the same event id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# One word per kind of failure; labels relay_delivery_attempts_total.
REASONS: Final = (
    "ok", "timeout", "dns", "tls", "refused", "disconnected", "protocol", "blocked",
    "proxy", "http_3xx", "http_4xx", "http_410", "http_429", "http_5xx", "no_consent", "bug",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivered:
    """
    The other side has it.
    """

    status: int | None = None


@dataclass(frozen=True, slots=True)
class TryLater:
    """
    Not now.  `answer` begins what the receiver said, or says why it said nothing.

    `not_before` holds the whole lane until then and costs no attempt (429, or 503 with Retry-After).
    `is_refusal` marks an answer that a person should look at (most 4xx).
    """

    reason: str
    status: int | None = None
    answer: bytes = b""
    not_before: datetime | None = None
    is_refusal: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """
    Never again: the receiver said that it is gone (410).
    """

    reason: str
    status: int | None = None
    answer: bytes = b""


Outcome = Delivered | TryLater | GiveUp


@dataclass(frozen=True, slots=True)
class TestResult:
    """
    What came of the one attempt of an `endpoint.test` event that a person asked for.
    """

    __test__ = False  # for pytest, which takes every class of such a name for a test

    outcome: Outcome
    latency_ms: int
    event_id: str
