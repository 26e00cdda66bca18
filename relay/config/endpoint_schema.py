"""
The operator's words for webhooks, the same in the configuration file and in REST.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from relay.config import checked
from relay.config.delivery_fields import DeliveryFields
from relay.config.secrets import Secret
from relay.config.section import Id, Url
from relay.model.catalogue import known_patterns
from relay.model.endpoint import RETRY_SCHEDULE_S, EndpointSpec

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
    secret: Secret = Field(description="whsec_ and base64 of 24 to 64 bytes; signs every request.")
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

    def spec(self) -> EndpointSpec:
        """
        Return the endpoint in the shared words, its secret decoded.
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
        )
