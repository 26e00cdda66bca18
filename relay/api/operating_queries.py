"""
The query parameters of replays and reconciliations.
"""

from __future__ import annotations

from pydantic import Field

from relay.api.operation import Given
from relay.api.queries import DEFAULT_LIMIT, AfterSeq, Instant, Limit, ListQuery
from relay.config.section import Id


class ReplayListQuery(ListQuery):
    """
    Which replays.
    """

    endpoint: Id | None = Field(default=None, description="Only to this endpoint.")


class ReconciliationQuery(Given):
    """
    Which events.
    """

    from_: Instant | None = Field(
        alias="from", default=None, description="Only what was recorded then or later."
    )
    to: Instant | None = Field(default=None, description="Only what was recorded before.")
    after: AfterSeq | None = None


class MissingListQuery(ReconciliationQuery):
    """
    Which events, and how many.
    """

    limit: Limit = DEFAULT_LIMIT
