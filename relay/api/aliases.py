"""
`/v1/aliases`: calls whose published ids are not the ones that a rebuild would choose.
"""

from __future__ import annotations

from relay.api import shown, source_shown
from relay.api.bodies import Aliases
from relay.api.operation import Answer, Asked, Reach
from relay.api.queries import AliasListQuery
from relay.model.errors import Conflict


async def list_aliases(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with aliases by source and natural id.
    """
    query = asked.query_as(AliasListQuery)
    page = await reach.reading.list_aliases(query.source_id, query.after, query.limit)
    listed = shown.listing([source_shown.alias(one) for one in page.items], page.next)
    return Answer.of({**listed, "id_key_fingerprint": reach.id_key_fingerprint})


async def import_aliases(reach: Reach, asked: Asked) -> Answer:
    """
    Keep aliases of another journal of this deployment, all or none.

    Raises:
        Conflict: they are of a journal with another `id_key`, whose ids nothing here will ever have.
    """
    given = asked.body_as(Aliases)
    if given.id_key_fingerprint not in ("", reach.id_key_fingerprint):
        raise Conflict(
            "these ids were made with another id_key; start this journal, while it is empty, with the id_key"
            " of the one they come from: `relay db id-key` writes it into a file"
        )
    wanted = given.wanted()
    added = await reach.work.import_aliases(wanted)
    return Answer.of({"given": len(wanted), "added": added})
