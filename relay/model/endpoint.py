"""
A registered webhook, and one delivery to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Final, NamedTuple

from relay.model.delivery_options import ORDER_SUBJECT, V1, V1A, DeliveryOptions
from relay.model.endpoint_auth import EndpointAuth

HEALTHY: Final = "healthy"
PROBING: Final = "probing"
PAUSED: Final = "paused"
DISABLED: Final = "disabled"
ENDPOINT_STATES: Final = (HEALTHY, PROBING, PAUSED, DISABLED)

# Standard Webhooks 1.0.0, "Deliverability and reliability": the delay before each further attempt.
RETRY_SCHEDULE_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)

# Why an endpoint gets nothing, whatever its state is; each follows "endpoint crm".
NOT_IN_FILE: Final = (
    "has no secret, since it left the configuration file: put it back there, or give it a new secret"
)
NO_SIGNING_KEY: Final = "has no secret for v1a: give it one of that scheme"
UNOPENED: Final = (
    "has no secret that can be opened: the journal's secrets key is another; put the right one back, or give"
    " the endpoint a new secret"
)
UNOPENED_AUTH: Final = (
    "has headers or a password that cannot be opened: the journal's secrets key is another; put the right one"
    " back, or give the endpoint new ones"
)


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """
    What an operator registers.

    `events` are type patterns (`*`, `call.*`, `call.finished`); `sources` are source ids, none meaning all.
    `secrets` (v1) and `signing_keys` (v1a, the 32 bytes of ed25519) sign every request where `options` has
    their scheme, first one first; those of the configuration file, and its `auth`, stay out of the journal.
    """

    id: str
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    events: tuple[str, ...]
    sources: tuple[str, ...] = ()
    timeout_s: float = 20.0
    max_in_flight: int = 64
    retry_schedule_s: tuple[int, ...] = RETRY_SCHEDULE_S
    description: str = ""
    options: DeliveryOptions = field(default_factory=DeliveryOptions)
    signing_keys: tuple[bytes, ...] = field(default=(), repr=False)
    auth: EndpointAuth = field(default_factory=EndpointAuth)

    @property
    def missing_scheme(self) -> str | None:
        """
        Return the first scheme that is to sign and has nothing to sign with; None where all have.
        """
        keys = {V1: self.secrets, V1A: self.signing_keys}
        return next((scheme for scheme in self.options.signatures if not keys[scheme]), None)


@dataclass(frozen=True, slots=True)
class EndpointSecret:
    """
    A secret of an endpoint: it signs from `starts_at` (None: from the beginning) and, where it was replaced,
    until `expires_at`.

    One sealed with a key that is not here any more `is_lost`: it has no `key` and signs nothing.
    """

    secret_id: str
    key: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    scheme: str = V1
    starts_at: datetime | None = None
    is_lost: bool = False

    def signs_at(self, now: datetime) -> bool:
        """
        Tell whether it signs at an instant.
        """
        has_begun = self.starts_at is None or self.starts_at <= now
        return has_begun and not self.is_lost and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    An endpoint as the journal knows it: `no` is its short number in delivery rows.

    `not_before_ms` is until when the receiver asked to be left alone (429, Retry-After); `state_reason` is
    why its state is what it is, where that needs a reason; `failing_since_ms` is when the first of the
    failures was that no success has followed; `keyed_by` is the order in which what waits for it waits.
    """

    no: int
    id: str
    url: str
    events: tuple[str, ...]
    sources: tuple[str, ...]
    state: str
    not_before_ms: int | None = None
    state_reason: str | None = None
    options: DeliveryOptions = field(default_factory=DeliveryOptions)
    failing_since_ms: int | None = None
    keyed_by: str = ORDER_SUBJECT

    @property
    def takes_new_events(self) -> bool:
        """
        Tell whether events appended now get a delivery row (paused: yes; disabled: no).
        """
        return self.state != DISABLED

    def matches(self, event_type: str, source_id: str | None) -> bool:
        """
        Tell whether an event of this type and source is wanted.
        """
        if self.sources and source_id not in self.sources:
            return False
        return any(matches_type(pattern, event_type) for pattern in self.events)


@dataclass(frozen=True, slots=True)
class RegisteredEndpoint:
    """
    An endpoint with everything that was registered of it.

    Every matching event after `start_seq` has a delivery.  `secrets` are all that have not ended, newest
    first, also those that sign later; `spec` has the keys of those that sign now.  An endpoint of the
    configuration file has none here: its secret stays there.
    """

    endpoint: Endpoint
    spec: EndpointSpec
    secrets: tuple[EndpointSecret, ...]
    is_from_file: bool
    start_seq: int
    created_at: datetime

    @property
    def problem(self) -> str | None:
        """
        Return why nothing can be delivered to it, in words that follow its name; None where nothing is amiss.
        """
        scheme = self.spec.missing_scheme
        if self.is_from_file or (scheme is None and not self.spec.auth.is_lost):
            return None
        if scheme is None:
            return UNOPENED_AUTH
        if any(secret.is_lost for secret in self.secrets if secret.scheme == scheme):
            return UNOPENED
        return NOT_IN_FILE if scheme == V1 else NO_SIGNING_KEY


def matches_type(pattern: str, event_type: str) -> bool:
    """
    Tell whether a type pattern covers a type: `*` all, `call.*` any depth below, else the type itself.
    """
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type


class Delivery(NamedTuple):
    """
    One event for one endpoint (`job` 0; replays have their own), with what an attempt needs.

    `attempt` counts the attempts already made.
    """

    endpoint_no: int
    seq: int
    job: int
    subject_key: int
    event_id: str
    attempt: int
    occurred_at_ms: int
    recorded_at_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Events for one endpoint that go out, and succeed or fail, as one request.

    `batch_id` follows from the members: a retry has the same id and the same bytes.  `is_kept` where the
    journal keeps it, since it was put off.
    """

    batch_id: str
    members: tuple[Delivery, ...]
    is_kept: bool = False

    @classmethod
    def of(cls, members: tuple[Delivery, ...]) -> Batch:
        """
        Make a batch of deliveries that never were in one.
        """
        digest = blake2b(digest_size=16)
        for member in members:
            digest.update(member.event_id.encode() + b"\n")
        return cls(f"bat_{digest.hexdigest()}", members)

    @property
    def request(self) -> Delivery:
        """
        Return what is sent: one body, under the batch's id.
        """
        body = b"[%b]" % b",".join([member.body for member in self.members])
        attempt = max(member.attempt for member in self.members)
        return self.members[0]._replace(event_id=self.batch_id, attempt=attempt, body=body)
