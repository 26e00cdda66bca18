"""
What people ask for when a receiver is to get events again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from relay.api.bodies import CallId
from relay.api.operation import Given
from relay.api.queries import Instant, Text
from relay.config import checked
from relay.config.section import Id
from relay.model.catalogue import known_patterns
from relay.model.replay import DEFAULT_RATE_PER_S, ReplayFilter

MAX_RATE_PER_S: Final = 10_000.0
_LEFT_OUT: Final = datetime.min.replace(tzinfo=UTC)
_FILTER: Final = {"from_": "recorded_from", "to": "recorded_before", "sources": "source_ids"}
_OTHERS: Final = frozenset(("endpoint", "rate_per_s", "dry_run"))

Outcome = Literal["answered", "abandoned", "timed_out", "missed", "no_answer", "failed", "unknown"]
Types = Annotated[
    tuple[
        Annotated[
            str,
            Field(max_length=checked.MAX_PATTERN, json_schema_extra={"enum": [*known_patterns()]}),
            AfterValidator(checked.event_pattern),
        ],
        ...,
    ],
    Field(strict=False, max_length=20, description="Only of these types: `call.*`; none: all."),
]
Sources = Annotated[
    tuple[Id, ...], Field(strict=False, max_length=100, description="Only of these sources; none: all.")
]


class ReplayToEndpoint(Given):
    """
    Which events that an endpoint wants it is to get again, and how fast.
    """

    # Default factories, because null is never meant and no schema may show a default that is not taken.
    from_: Instant = Field(
        alias="from", default_factory=lambda: _LEFT_OUT, description="Only recorded then or later …"
    )
    to: Instant = Field(default_factory=lambda: _LEFT_OUT, description="… and before then.")
    types: Types = ()
    sources: Sources = ()
    call_id: CallId = Field(default_factory=str, description="Only of this call.")
    agent_id: Text = Field(default_factory=str, description="Only with this agent, by id.")
    agent_name: Text = Field(default_factory=str, description="Only with this agent, by name.")
    queue: Text = Field(default_factory=str, description="Only through this queue.")
    outcome: Outcome = Field(default_factory=lambda: "unknown", description="Only with this outcome.")
    only_missing: bool = Field(default=False, description="Only what is missing: what reconciliation lists.")
    rate_per_s: float = Field(
        default=DEFAULT_RATE_PER_S, gt=0, le=MAX_RATE_PER_S, description="Events a second at the most."
    )
    dry_run: bool = Field(default=False, description="Count them and send nothing.")

    def wanted(self) -> ReplayFilter:
        """
        Return the filter in the shared words.
        """
        given: dict[str, Any] = {
            _FILTER.get(name, name): getattr(self, name) for name in self.model_fields_set - _OTHERS
        }
        return ReplayFilter(**given)


class ReplayNew(ReplayToEndpoint):
    """
    The same, with the endpoint.
    """

    endpoint: Id = Field(description="Who is to get them.")
