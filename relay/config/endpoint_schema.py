"""
The operator's words for webhooks, the same in the configuration file and in REST.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from relay.config import auth_fields, checked
from relay.config.auth_fields import BasicFields
from relay.config.delivery_fields import DeliveryFields
from relay.config.secrets import Secret
from relay.config.section import Id, Url
from relay.config.signing_key import decode_signing_key
from relay.model.catalogue import known_patterns
from relay.model.delivery_options import V1A
from relay.model.endpoint import RETRY_SCHEDULE_S, EndpointSpec
from relay.model.endpoint_auth import EndpointAuth

# What an endpoint may be, wherever it is registered: in the file or by REST.
EventPatterns = Annotated[
    tuple[
        Annotated[
            str,
            Field(max_length=checked.MAX_PATTERN, json_schema_extra={"enum": [*known_patterns()]}),
            AfterValidator(checked.event_pattern),
        ],
        ...,
    ],
    Field(
        strict=False,
        max_length=100,
        json_schema_extra={"minItems": 1},
        description='Types of events wanted: "*", "call.*", "call.finished", …',
    ),
    AfterValidator(checked.not_empty),
]
SourceIds = Annotated[
    tuple[Id, ...],
    Field(strict=False, max_length=1_000, description="Ids of the sources wanted; none: all."),
]
TimeoutS = Annotated[float, Field(gt=0, le=300, description="Total time of one attempt.")]
MaxInFlight = Annotated[int, Field(ge=1, le=10_000, description="Attempts under way at the same time.")]
RetryScheduleS = Annotated[
    tuple[Annotated[int, Field(ge=0, le=604_800)], ...],
    Field(
        strict=False,
        max_length=50,
        description="Delay before each further attempt; jitter is added.",
    ),
]


class EndpointConfig(DeliveryFields):
    """
    A registered webhook.
    """

    id: Id = Field(description="Name of the endpoint, [a-z0-9-]{1,40}.")
    url: Url = Field(description="Where events are posted to.")
    secret: Secret = Field(description="whsec_ and base64 of 24 to 64 bytes; signs every request (v1).")
    signing_key: Secret | None = Field(
        default=None,
        description="whsk_ and base64 of an ed25519 key; required where `signatures` has v1a.",
    )
    headers: dict[str, Secret] = Field(
        default={}, description="Headers of every request, 20 at the most; none of relay's own."
    )
    bearer: Secret | None = Field(default=None, description="Sent as `Authorization: Bearer …`.")
    basic: BasicFields | None = Field(default=None, description="Sent as `Authorization: Basic …`.")
    events: EventPatterns
    sources: SourceIds = ()
    timeout_s: TimeoutS = 20.0
    max_in_flight: MaxInFlight = 64
    retry_schedule_s: RetryScheduleS = RETRY_SCHEDULE_S

    @field_validator("secret")
    @classmethod
    def _is_webhook_secret(cls, secret: Secret) -> Secret:
        checked.webhook_secret_bytes(secret.reveal())
        return secret

    @field_validator("signing_key")
    @classmethod
    def _is_signing_key(cls, signing_key: Secret | None) -> Secret | None:
        if signing_key is not None:
            decode_signing_key(signing_key.reveal())
        return signing_key

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, Secret]) -> dict[str, Secret]:
        auth_fields.checked_headers({name: value.reveal() for name, value in headers.items()})
        return headers

    @field_validator("bearer")
    @classmethod
    def _is_token(cls, bearer: Secret | None) -> Secret | None:
        if bearer is not None:
            auth_fields.checked_bearer(bearer.reveal())
        return bearer

    @field_validator("basic")
    @classmethod
    def _is_login(cls, basic: BasicFields | None) -> BasicFields | None:
        if basic is not None:
            auth_fields.checked_basic(basic.user, basic.password.reveal())
        return basic

    @model_validator(mode="after")
    def _fits_together(self) -> EndpointConfig:
        auth_fields.checked_auth(self.auth())
        if V1A in self.signatures and self.signing_key is None:
            raise ValueError("signatures has v1a: signing_key is required")
        return self

    def auth(self) -> EndpointAuth:
        """
        Return what it asks of requests besides signatures, in the shared words.
        """
        return EndpointAuth(
            headers=tuple((name, value.reveal()) for name, value in self.headers.items()),
            bearer="" if self.bearer is None else self.bearer.reveal(),
            basic=None if self.basic is None else (self.basic.user, self.basic.password.reveal()),
        )

    def spec(self) -> EndpointSpec:
        """
        Return the endpoint in the shared words, its secrets decoded.
        """
        return EndpointSpec(
            id=self.id,
            url=self.url,
            secrets=(checked.webhook_secret_bytes(self.secret.reveal()),),
            events=self.events,
            sources=self.sources,
            timeout_s=self.timeout_s,
            max_in_flight=self.max_in_flight,
            retry_schedule_s=self.retry_schedule_s,
            options=self.options(),
            signing_keys=() if self.signing_key is None else (decode_signing_key(self.signing_key.reveal()),),
            auth=self.auth(),
        )
