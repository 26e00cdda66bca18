"""
The bodies of requests.  An endpoint made by REST obeys the rules of one in the configuration file.

A field that is left out keeps its default (or, in a change, its value); null is never meant.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from relay.api.auth_bodies import AuthGiven, SigningKey
from relay.api.link_rules import LinkRulesGiven
from relay.api.operation import Given
from relay.api.queries import CALL_ID_PATTERN, CallStream, Instant
from relay.config import checked
from relay.config.delivery_fields import DeliveryFields
from relay.config.endpoint_schema import (
    EventPatterns,
    MaxInFlight,
    RetryScheduleS,
    SourceIds,
    TimeoutS,
)
from relay.config.section import Id
from relay.config.signing_key import PRIVATE_PREFIX, decode_signing_key
from relay.config.webhook_secret import decode_secret
from relay.model.endpoint import RETRY_SCHEDULE_S
from relay.model.source_work import Alias

MAX_URL: Final = 2_048
DEFAULT_OVERLAP_S: Final = 86_400
MAX_OVERLAP_S: Final = 604_800
MAX_ALIASES: Final = 1_000
FINGERPRINT_PATTERN: Final = "^[0-9a-f]{16}$"
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", flags=re.ASCII)
_LEFT_OUT: Final = datetime.min.replace(tzinfo=UTC)
_GROUP: Final = "[A-Za-z0-9+/]"
# Base64 of 24 to 64 bytes.
_SECRET: Final = (
    f"^whsec_({_GROUP}{{4}}){{8}}(({_GROUP}{{4}}){{0,13}}|({_GROUP}{{4}}){{0,12}}{_GROUP}{{3}}=|"
    f"({_GROUP}{{4}}){{0,13}}{_GROUP}{{2}}==)$"
)


def _is_secret(text: str) -> str:
    decode_secret(text)
    return text


def _is_either(text: str) -> str:
    if text.startswith(PRIVATE_PREFIX):
        decode_signing_key(text)
    else:
        decode_secret(text)
    return text


Address = Annotated[
    str,
    Field(
        max_length=MAX_URL,
        json_schema_extra={
            "format": "uri",
            "pattern": "^https?://[!-~]+$",
            "examples": ["https://crm.example.com/hooks/calls"],
        },
        description="Where events are posted to: public, or in a network that webhooks.allow_private names.",
    ),
    AfterValidator(checked.http_url),
]
WebhookSecret = Annotated[
    str,
    AfterValidator(_is_secret),
    Field(
        json_schema_extra={"pattern": _SECRET},
        description="whsec_ and base64 of 24 to 64 bytes; signs every request. Left out: made by relay.",
    ),
]


EitherSecret = Annotated[
    str,
    AfterValidator(_is_either),
    Field(
        json_schema_extra={"pattern": f"{_SECRET}|^{PRIVATE_PREFIX}{_GROUP}{{43}}=$"},
        description="whsec_ and base64 of 24 to 64 bytes, for v1a whsk_ and base64 of an ed25519 key."
        " Left out: made by relay.",
    ),
]


def _day(given: object) -> date:
    if not isinstance(given, str) or not _DAY.fullmatch(given):
        raise ValueError("must be a day such as 2026-11-21")
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise ValueError("is no day there is") from None


Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-11-21"]}),
]
CallId = Annotated[str, Field(pattern=CALL_ID_PATTERN)]
Description = Annotated[
    str, Field(max_length=500, pattern="^[^\\u0000-\\u001f\\u007f]*$", description="For people.")
]


class EndpointNew(DeliveryFields, AuthGiven):
    """
    A webhook to register.
    """

    # Default factories, because a schema would show "" as the default of a field that may not be empty.
    id: Id = Field(default_factory=str, description="Its name for ever, [a-z0-9-]{1,40}. Left out: made.")
    url: Address
    events: EventPatterns
    sources: SourceIds = ()
    description: Description = ""
    secret: WebhookSecret = Field(default_factory=str)
    signing_key: SigningKey = Field(default_factory=str)
    timeout_s: TimeoutS = 20.0
    max_in_flight: MaxInFlight = 64
    retry_schedule_s: RetryScheduleS = RETRY_SCHEDULE_S


class EndpointChanges(DeliveryFields, AuthGiven):
    """
    What of an endpoint is to be different.
    """

    url: Address = Field(default_factory=str)
    events: EventPatterns = Field(default_factory=tuple)
    sources: SourceIds = Field(default_factory=tuple)
    description: Description = Field(default_factory=str)
    timeout_s: TimeoutS = Field(default_factory=float)
    max_in_flight: MaxInFlight = Field(default_factory=int)
    retry_schedule_s: RetryScheduleS = Field(default_factory=tuple)

    def given(self) -> dict[str, Any]:
        """
        Return the fields that were given.
        """
        return {name: getattr(self, name) for name in self.model_fields_set}


class SecretNew(Given):
    """
    Another secret for an endpoint.
    """

    secret: EitherSecret = Field(default_factory=str)
    scheme: Literal["v1", "v1a"] = Field(default="v1", description="What it signs.")
    starts_at: Instant = Field(
        default_factory=lambda: _LEFT_OUT,
        description="When it begins to sign, and the overlap with the older ones. Left out: at once.",
    )
    overlap_s: int = Field(
        default=DEFAULT_OVERLAP_S,
        ge=0,
        le=MAX_OVERLAP_S,
        description="How long the older secrets of its scheme go on signing beside it.",
    )

    @model_validator(mode="after")
    def _is_of_its_scheme(self) -> SecretNew:
        if self.secret and self.secret.startswith(PRIVATE_PREFIX) != (self.scheme == "v1a"):
            raise ValueError("a secret of v1 starts with whsec_, one of v1a with whsk_")
        return self


class Stretch(Given):
    """
    A stretch of the past.
    """

    from_: Instant = Field(alias="from", description="Calls that started then or later …")
    to: Instant = Field(description="… and before then.")


class Reconciliation(Given):
    """
    A closed day to be read again, or another stretch of the past.
    """

    day: Day = Field(
        default_factory=lambda: date.min, description="A day in the source's zone. Left out: yesterday."
    )
    from_: Instant = Field(
        alias="from",
        default_factory=lambda: _LEFT_OUT,
        description="Instead of a day: calls that started then or later …",
    )
    to: Instant = Field(default_factory=lambda: _LEFT_OUT, description="… and before then.")


class LinksTrial(Stretch):
    """
    Calls to be linked anew, without effect.
    """

    rules: LinkRulesGiven = Field(
        default_factory=LinkRulesGiven, description="Rules of linking that are to be different."
    )


class RejectsReplay(Given):
    """
    Which rows are to be read once more.
    """

    source_id: Id
    stream: CallStream = Field(
        default_factory=lambda: "user_calls", description="Left out: those of all streams."
    )


class AliasGiven(Given):
    """
    A call whose published id is not the one that a rebuild from its rows would choose.
    """

    source_id: Id
    natural_id: CallId = Field(description="What a rebuild would choose.")
    call_id: CallId = Field(description="What was published.")


class Aliases(Given):
    """
    Aliases of another journal, as the items of its list.
    """

    items: tuple[AliasGiven, ...] = Field(strict=False, max_length=MAX_ALIASES)
    id_key_fingerprint: Annotated[str, Field(pattern=FINGERPRINT_PATTERN)] = Field(
        default_factory=lambda: "", description="That of the list; 409 where this journal has another id_key."
    )

    def wanted(self) -> list[Alias]:
        """
        Return them in the shared words.
        """
        return [Alias(one.source_id, one.natural_id, one.call_id) for one in self.items]
