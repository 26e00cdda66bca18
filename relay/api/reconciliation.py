"""
`/v1/endpoints/{id}/reconciliation`: what an endpoint should have, and what it has acknowledged.
"""

from __future__ import annotations

from relay.api import operating_shown, shown
from relay.api.operating_queries import MissingListQuery, ReconciliationQuery
from relay.api.operation import Answer, Asked, Reach
from relay.api.replays import operating


async def reconcile_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with what became of the events that an endpoint wants, in numbers.
    """
    query = asked.query_as(ReconciliationQuery)
    found = await operating(reach).journal.reconcile(
        asked.path["endpoint_id"], query.from_, query.to, query.after
    )
    return Answer.of(operating_shown.reconciliation(found, query.from_, query.to))


async def list_missing_events(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the events that an endpoint neither has nor is about to be sent.
    """
    query = asked.query_as(MissingListQuery)
    page = await operating(reach).journal.list_missing(
        asked.path["endpoint_id"], query.from_, query.to, query.after, query.limit
    )
    return Answer.of(shown.listing([operating_shown.missing(item) for item in page.items], page.next))
