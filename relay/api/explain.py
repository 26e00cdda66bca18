"""
`/v1/calls/{id}/explain`: one call, from the polls that showed it to every attempt to tell of it.
"""

from __future__ import annotations

from relay.api import operating_shown
from relay.api.operation import Answer, Asked, Reach
from relay.api.replays import operating
from relay.model.errors import NotFound


async def explain_call(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with how a call came to be known and who was told of it.
    """
    call_id = asked.path["call_id"]
    found = await operating(reach).journal.explain(call_id)
    if found is None:
        raise NotFound(f"there is no call `{call_id}`")
    return Answer.of(operating_shown.explanation(found, await reach.explain_links(call_id)))
