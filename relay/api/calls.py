"""
`/v1/calls`: the calls, as last published.
"""

from __future__ import annotations

from relay.api import shown
from relay.api.operation import Answer, Asked, Reach
from relay.api.queries import CallListQuery
from relay.model.errors import NotFound


async def list_calls(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with calls, newest start first.
    """
    query = asked.query_as(CallListQuery)
    page = await reach.reading.list_calls(query.wanted(), query.after, query.limit)
    return Answer.of(shown.listing([shown.call(item) for item in page.items], page.next))


async def get_call(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a call, its legs and its events.
    """
    call_id = asked.path["call_id"]
    detail = await reach.reading.call(call_id)
    if detail is None:
        raise NotFound(f"there is no call `{call_id}`")
    return Answer.of(shown.call_detail(detail))
