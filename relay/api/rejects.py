"""
`/v1/rejects`: rows that could not be read.
"""

from __future__ import annotations

from typing import Any

import orjson

from relay.api import shown, source_shown
from relay.api.bodies import RejectsReplay
from relay.api.operation import Answer, Asked, Reach
from relay.api.queries import RejectListQuery
from relay.model.source_work import REPLAY_REJECTS


async def list_rejects(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with rows that could not be read, newest first.
    """
    query = asked.query_as(RejectListQuery)
    page = await reach.reading.list_rejects(query.wanted(), query.after, query.limit)
    return Answer.of(shown.listing([source_shown.reject(one) for one in page.items], page.next))


async def replay_rejects(reach: Reach, asked: Asked) -> Answer:
    """
    Have the rows of a source that could not be read, read once more.
    """
    body = asked.body_as(RejectsReplay)
    stream = body.stream if "stream" in body.model_fields_set else None
    order: dict[str, Any] = {"stream": stream}

    def reply(item_id: int) -> bytes:
        document = {"source_id": body.source_id, "stream": stream, "item_id": item_id}
        return Answer(orjson.dumps(document), 202).to_reply()

    stored = await reach.work.put_down(
        body.source_id, REPLAY_REJECTS, order, reply, reach.clock.now(), asked.once
    )
    reach.wake(body.source_id)
    return Answer.of_reply(stored)
