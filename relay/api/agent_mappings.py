"""
`/v1/agent-mappings`: which agent of a dialer is which user of the CRM.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

import orjson

from relay.api import mapping_shown, shown
from relay.api.mapping_bodies import AgentMappingChanges, AgentMappingNew
from relay.api.mapping_queries import MappingListQuery
from relay.api.operation import Answer, Asked, Reach
from relay.model.errors import NotFound
from relay.model.mapping import AgentMapping

PATH: Final = "/v1/agent-mappings"


async def list_agent_mappings(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with agent mappings by source and agent id.
    """
    query = asked.query_as(MappingListQuery)
    page = await reach.mappings.list_agent_mappings(query.source, query.after, query.limit)
    return Answer.of(shown.listing([mapping_shown.agent_mapping(one) for one in page.items], page.next))


async def create_agent_mapping(reach: Reach, asked: Asked) -> Answer:
    """
    Make an agent mapping; the next events of its source carry it.
    """
    body = asked.body_as(AgentMappingNew)
    wanted = AgentMapping(body.source_id, body.agent_id, body.external_id, body.description)
    made = await reach.mappings.put_agent_mapping(wanted, is_new=True)
    reach.wake(made.source_id)
    place = f"{PATH}/{made.source_id}/{quote(made.agent_id, safe='')}"
    return Answer(orjson.dumps(mapping_shown.agent_mapping(made)), 201, headers={"Location": place})


async def get_agent_mapping(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with an agent mapping.
    """
    return Answer.of(mapping_shown.agent_mapping(await _found(reach, asked)))


async def change_agent_mapping(reach: Reach, asked: Asked) -> Answer:
    """
    Change the fields that were given, and no others.
    """
    given = asked.body_as(AgentMappingChanges).given()
    async with reach.changing:
        known = await _found(reach, asked)
        changed = await reach.mappings.put_agent_mapping(replace(known, **given), is_new=False)
    reach.wake(changed.source_id)
    return Answer.of(mapping_shown.agent_mapping(changed))


async def delete_agent_mapping(reach: Reach, asked: Asked) -> Answer:
    """
    Take an agent mapping away.
    """
    source_id = asked.path["source_id"]
    async with reach.changing:
        await reach.mappings.delete_agent_mapping(source_id, asked.path["agent_id"])
    reach.wake(source_id)
    return Answer(b"", 204)


async def _found(reach: Reach, asked: Asked) -> AgentMapping:
    source_id, agent_id = asked.path["source_id"], asked.path["agent_id"]
    found = await reach.mappings.agent_mapping(source_id, agent_id)
    if found is None:
        raise NotFound(f"there is no mapping of agent {agent_id} of {source_id}")
    return found
