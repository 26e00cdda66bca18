"""
`/v1/aliases`: calls whose published ids are not the ones that a rebuild would choose.
"""

from __future__ import annotations

from relay.api import shown, source_shown
from relay.api.bodies import Aliases
from relay.api.operation import Answer, Asked, Reach
from relay.api.queries import AliasListQuery


async def list_aliases(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with aliases by source and natural id.
    """
    query = asked.query_as(AliasListQuery)
    page = await reach.reading.list_aliases(query.source_id, query.after, query.limit)
    return Answer.of(shown.listing([source_shown.alias(one) for one in page.items], page.next))


async def import_aliases(reach: Reach, asked: Asked) -> Answer:
    """
    Keep aliases of another journal of this deployment, all or none.
    """
    wanted = asked.body_as(Aliases).wanted()
    added = await reach.work.import_aliases(wanted)
    return Answer.of({"given": len(wanted), "added": added})
