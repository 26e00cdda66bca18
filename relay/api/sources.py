"""
`/v1/sources`: the phone systems, how they are reached and how far they were read.
"""

from __future__ import annotations

import re
from typing import Final

from relay.api import shown
from relay.api.operation import Answer, Asked, Reach
from relay.api.queries import ListQuery
from relay.config.schema import ID_PATTERN
from relay.model.errors import NoSuchPlace, NotFound

_PLACE: Final = re.compile(ID_PATTERN)


async def list_sources(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with sources by id.
    """
    query, now = asked.query_as(ListQuery), reach.clock.now()
    if query.after is not None and not _PLACE.fullmatch(query.after):
        raise NoSuchPlace("not a place in the list of sources")
    items = [one for one in await reach.reading.list_sources(now) if one.source_id > (query.after or "")]
    page = items[: query.limit]
    place = page[-1].source_id if len(items) > len(page) else None
    documents = [shown.source(item, reach.budgets.get(item.source_id), now) for item in page]
    return Answer.of(shown.listing(documents, place))


async def get_source(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a source.
    """
    source_id, now = asked.path["source_id"], reach.clock.now()
    for item in await reach.reading.list_sources(now):
        if item.source_id == source_id:
            return Answer.of(shown.source(item, reach.budgets.get(source_id), now))
    raise NotFound(f"there is no source `{source_id}`")
