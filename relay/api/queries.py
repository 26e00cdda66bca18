"""
The query parameters of each list, and what a text among them must look like.

Everything arrives as text: a type here reads its text or says what is wrong with it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from relay.api.operation import Given
from relay.config import checked
from relay.config.section import Id
from relay.model.catalogue import known_patterns
from relay.model.listing import CallFilter, DeliveryFilter, EventFilter, RejectFilter

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
SEQ_PATTERN: Final = "^[0-9]{1,18}$"
EVENT_ID_PATTERN: Final = "^[a-z0-9_]{20,64}$"
CALL_ID_PATTERN: Final = "^[a-z0-9_]{1,64}$"
COMMAND_ID_PATTERN: Final = "^cmd_[0-9a-z]{1,64}$"
BULK_ID_PATTERN: Final = "^bulk_[0-9a-z]{1,64}$"
FUNCTION_PATTERN: Final = "^[a-z0-9_-]{1,64}$"
_TEXT: Final = "^[^\\u0000-\\u001f\\u007f]*$"
_CURSOR: Final = "^[!-~]*$"
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)
_WHOLE: Final = re.compile(r"[0-9]{1,9}")


def instant(given: object) -> object:
    """
    Read an RFC 3339 time; it is returned in UTC.
    """
    if not isinstance(given, str) or not _INSTANT.fullmatch(given):
        raise ValueError("must be a time such as 2026-11-21T10:00:00Z")
    try:
        return datetime.fromisoformat(given.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no time there is") from None


def whole_number(given: object) -> object:
    """
    Read a whole number.
    """
    return int(given) if isinstance(given, str) and _WHOLE.fullmatch(given) else given


Instant = Annotated[
    datetime,
    BeforeValidator(instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-21T10:00:00Z"]}),
]
Limit = Annotated[
    int,
    Field(ge=1, le=MAX_LIMIT, description="How many items a page may have."),
    BeforeValidator(whole_number),
]
After = Annotated[
    str,
    Field(min_length=1, max_length=512, pattern=_CURSOR, description="The `next` of an earlier page."),
]
AfterSeq = Annotated[
    str, Field(pattern=SEQ_PATTERN, description="The `next` of an earlier page, or any `seq`.")
]
Patterns = Annotated[
    tuple[
        Annotated[
            str,
            Field(max_length=checked.MAX_PATTERN, json_schema_extra={"enum": [*known_patterns()]}),
            AfterValidator(checked.event_pattern),
        ],
        ...,
    ],
    Field(max_length=20, json_schema_extra={"minItems": 1}),
]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=_TEXT)]
CallStream = Literal["user_calls", "ringgroup_calls", "queue_calls"]


class ListQuery(Given):
    """
    What every list takes.
    """

    limit: Limit = DEFAULT_LIMIT
    after: After | None = None


class EventsQuery(Given):
    """
    Which events.
    """

    type: Patterns = Field(default=(), description="Only of these types: `call.*`; may be repeated.")
    source: Annotated[tuple[Id, ...], Field(max_length=100, json_schema_extra={"minItems": 1})] = Field(
        default=(), description="Only of these sources; may be repeated."
    )
    subject: Annotated[str, Field(min_length=1, max_length=512, pattern="^[!-~]*$")] | None = Field(
        default=None, description="Only about this: `call/pbx-sydney/abc`."
    )
    recorded_from: Instant | None = Field(default=None, description="Only recorded then or later.")
    recorded_before: Instant | None = Field(default=None, description="Only recorded before.")
    after: AfterSeq | None = None

    def wanted(self) -> EventFilter:
        """
        Return the filter in the shared words.
        """
        return EventFilter(self.type, self.source, self.subject, self.recorded_from, self.recorded_before)


class EventListQuery(EventsQuery):
    """
    Which events, and how many.
    """

    limit: Limit = DEFAULT_LIMIT


class CallListQuery(ListQuery):
    """
    Which calls.
    """

    source: Id | None = Field(default=None, description="Only of this source.")
    state: Literal["started", "answered", "ended"] | None = Field(
        default=None, description="Only in this state."
    )
    outcome: (
        Literal["answered", "abandoned", "timed_out", "missed", "no_answer", "failed", "unknown"] | None
    ) = Field(default=None, description="Only with this outcome.")
    direction: Literal["inbound", "outbound", "internal", "unknown"] | None = Field(
        default=None, description="Only in this direction."
    )
    agent: Text | None = Field(default=None, description="Only with this agent, by name.")
    queue: Text | None = Field(default=None, description="Only through this queue.")
    number: Text | None = Field(
        default=None, description="Only with this number on either side: E.164, or as the vendor wrote it."
    )
    started_from: Instant | None = Field(default=None, description="Only started then or later.")
    started_before: Instant | None = Field(default=None, description="Only started before.")

    def wanted(self) -> CallFilter:
        """
        Return the filter in the shared words.
        """
        return CallFilter(
            source_id=self.source,
            state=self.state,
            outcome=self.outcome,
            direction=self.direction,
            agent_name=self.agent,
            queue=self.queue,
            number=self.number,
            started_from=self.started_from,
            started_before=self.started_before,
        )


class DeliveriesOfEndpointQuery(ListQuery):
    """
    Which deliveries of one endpoint.
    """

    status: Annotated[
        tuple[Literal["pending", "delivered", "exhausted", "expired", "discarded"], ...],
        Field(max_length=5, json_schema_extra={"minItems": 1}),
    ] = Field(default=(), description="Only with one of these; may be repeated.")
    event: Annotated[str, Field(pattern=EVENT_ID_PATTERN)] | None = Field(
        default=None, description="Only of the event with this id."
    )
    type: Patterns = Field(default=(), description="Only of such events: `call.*`; may be repeated.")

    def wanted_of(self, endpoint_id: str | None) -> DeliveryFilter:
        """
        Return the filter in the shared words.
        """
        return DeliveryFilter(endpoint_id, self.status, self.event, self.type)


class DeliveryListQuery(DeliveriesOfEndpointQuery):
    """
    Which deliveries.
    """

    endpoint: Id | None = Field(default=None, description="Only to this endpoint.")


class ReadListQuery(ListQuery):
    """
    Which reads of a source.
    """

    stream: CallStream | None = Field(default=None, description="Only of this stream.")


class RejectListQuery(ListQuery):
    """
    Which rows that could not be read.
    """

    source_id: Id | None = Field(default=None, description="Only of this source.")
    stream: CallStream | None = Field(default=None, description="Only of this stream.")

    def wanted(self) -> RejectFilter:
        """
        Return the filter in the shared words.
        """
        return RejectFilter(self.source_id, self.stream)


class AliasListQuery(ListQuery):
    """
    Which aliases.
    """

    source_id: Id | None = Field(default=None, description="Only of this source.")


class CommandListQuery(ListQuery):
    """
    Which commands.
    """

    source: Id = Field(description="Of this source.")
    function: Annotated[str, Field(pattern=FUNCTION_PATTERN)] | None = Field(
        default=None, description="Only of this function."
    )
    state: Literal["sent", "succeeded", "failed", "unknown"] | None = Field(
        default=None, description="Only in this state."
    )
    bulk: Annotated[str, Field(pattern=BULK_ID_PATTERN)] | None = Field(
        default=None, description="Only of this bulk job."
    )

    def wanted(self) -> dict[str, str]:
        """
        Return the filter in the shared words.
        """
        given = {"function": self.function, "state": self.state, "bulk_id": self.bulk}
        return {name: value for name, value in given.items() if value is not None}


class BulkQuery(Given):
    """
    What is done with every row.
    """

    function: Annotated[str, Field(pattern=FUNCTION_PATTERN)] | None = Field(
        default=None, description="add_lead or add_multi_lead. Left out: the one that the source has."
    )
    default: Annotated[
        tuple[Annotated[str, Field(max_length=100, pattern="^[a-zA-Z0-9_]{1,50}=[ -~]*$")], ...],
        Field(max_length=20, json_schema_extra={"minItems": 1}),
    ] = Field(default=(), description="A parameter of rows that lack it, as `list_id=999`; may be repeated.")


class BulkRowListQuery(ListQuery):
    """
    Which rows of a bulk job.
    """

    state: Literal["succeeded", "failed", "unknown"] | None = Field(
        default=None, description="Only with this verdict."
    )
