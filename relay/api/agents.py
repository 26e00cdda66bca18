"""
`/v1/agents` and `/v1/groups`: what dialers show besides calls, as last published.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from relay.api import mapping_shown, shown
from relay.api.mapping_queries import AgentListQuery, GroupListQuery
from relay.api.operation import Answer, Asked, Reach
from relay.model.errors import NotFound
from relay.model.ids import subject
from relay.model.listing import Page, SubjectItem
from relay.model.subject_state import AGENT, GROUP_KINDS

PAGES_AT_ONCE: Final = 20  # pages read to fill one with those wanted; then it ends short


async def list_agents(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with agents by source and id.
    """
    query = asked.query_as(AgentListQuery)
    wanted = {"status": query.status, "user_group": query.user_group}
    filters = {name: value for name, value in wanted.items() if value is not None}

    def fits(item: SubjectItem) -> bool:
        return all(item.record.get(name) == value for name, value in filters.items())

    page = await _page(reach, (AGENT,), query, fits)
    return Answer.of(shown.listing([mapping_shown.agent(item) for item in page.items], page.next))


async def get_agent(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with an agent.
    """
    source_id, agent_id = asked.path["source_id"], asked.path["agent_id"]
    found = await reach.reading.subject(subject(AGENT, source_id, agent_id))
    if found is None:
        raise NotFound(f"there is no agent {agent_id} of {source_id}")
    return Answer.of(mapping_shown.agent(found))


async def list_groups(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with groups by kind, source and name.
    """
    query = asked.query_as(GroupListQuery)
    kinds = GROUP_KINDS if query.kind is None else (query.kind,)
    page = await reach.reading.list_subjects(kinds, query.source, query.after, query.limit)
    return Answer.of(shown.listing([mapping_shown.group(item) for item in page.items], page.next))


async def get_group(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a group.
    """
    source_id, kind, group_id = (asked.path[name] for name in ("source_id", "kind", "group_id"))
    found = await reach.reading.subject(subject(kind, source_id, group_id))
    if found is None:
        raise NotFound(f"there is no {kind} {group_id} of {source_id}")
    return Answer.of(mapping_shown.group(found))


async def _page(
    reach: Reach, kinds: Collection[str], query: AgentListQuery, fits: Callable[[SubjectItem], bool]
) -> Page[SubjectItem]:
    found: list[SubjectItem] = []
    place = query.after
    for _ in range(PAGES_AT_ONCE):
        page = await reach.reading.list_subjects(kinds, query.source, place, query.limit - len(found))
        found += filter(fits, page.items)
        place = page.next
        if place is None or len(found) == query.limit:
            break
    return Page(tuple(found), place)
