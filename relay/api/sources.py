"""
`/v1/sources`: the phone systems, how they are reached and what was read of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from relay.api import shown, source_shown
from relay.api.operation import Answer, Asked, Reach
from relay.api.queries import ListQuery, ReadListQuery
from relay.config.section import ID_PATTERN
from relay.model.errors import NoSuchPlace, NotFound
from relay.model.listing import StreamCoverage

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
    setups = [reach.sources.get(item.source_id) for item in page]
    documents = [
        shown.source(item, setup.budget if setup else None, now)
        for item, setup in zip(page, setups, strict=True)
    ]
    return Answer.of(shown.listing(documents, place))


async def get_source(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a source, and what is missing of it.
    """
    source_id, now = asked.path["source_id"], reach.clock.now()
    streams = await covered_streams(reach, source_id)
    for item in await reach.reading.list_sources(now):
        if item.source_id == source_id:
            setup = reach.sources.get(source_id)
            return Answer.of(source_shown.source_detail(item, setup, streams, now))
    raise _missing(source_id)


async def source_coverage(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with what is proven of each stream of a source.
    """
    source_id = asked.path["source_id"]
    return Answer.of(source_shown.coverage(source_id, await covered_streams(reach, source_id)))


async def list_reads(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the complete reads of a source, newest first.
    """
    query, source_id = asked.query_as(ReadListQuery), asked.path["source_id"]
    await covered_streams(reach, source_id)
    page = await reach.reading.list_reads(source_id, query.stream, query.after, query.limit)
    return Answer.of(shown.listing([source_shown.read(one) for one in page.items], page.next))


async def covered_streams(reach: Reach, source_id: str) -> Sequence[StreamCoverage]:
    """
    Return what is proven of each stream of a source.

    Raises:
        NotFound: there is no such source.
    """
    streams = await reach.reading.stream_coverage(source_id)
    if streams is None:
        raise _missing(source_id)
    return streams


def _missing(source_id: str) -> NotFound:
    return NotFound(f"there is no source `{source_id}`")
