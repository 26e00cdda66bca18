"""
`/v1/lead-statuses`: which status of the CRM stands for which status of a dialer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

import orjson

from relay.api import mapping_shown, shown
from relay.api.mapping_bodies import LeadStatusChanges, LeadStatusNew
from relay.api.mapping_queries import MappingListQuery
from relay.api.operation import Answer, Asked, Reach
from relay.model.errors import NotFound
from relay.model.mapping import LeadStatus

PATH: Final = "/v1/lead-statuses"


async def list_lead_statuses(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with lead statuses by source and code.
    """
    query = asked.query_as(MappingListQuery)
    page = await reach.mappings.list_lead_statuses(query.source, query.after, query.limit)
    return Answer.of(shown.listing([mapping_shown.lead_status(one) for one in page.items], page.next))


async def create_lead_status(reach: Reach, asked: Asked) -> Answer:
    """
    Make a lead status; the next events of its source carry it.
    """
    body = asked.body_as(LeadStatusNew)
    wanted = LeadStatus(body.source_id, body.code, body.dialer_status, body.description, body.is_default)
    made = await reach.mappings.put_lead_status(wanted, is_new=True)
    reach.wake(made.source_id)
    place = f"{PATH}/{made.source_id}/{quote(made.code, safe='')}"
    return Answer(orjson.dumps(mapping_shown.lead_status(made)), 201, headers={"Location": place})


async def get_lead_status(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a lead status.
    """
    return Answer.of(mapping_shown.lead_status(await _found(reach, asked)))


async def change_lead_status(reach: Reach, asked: Asked) -> Answer:
    """
    Change the fields that were given, and no others.
    """
    given = asked.body_as(LeadStatusChanges).given()
    async with reach.changing:
        known = await _found(reach, asked)
        changed = await reach.mappings.put_lead_status(replace(known, **given), is_new=False)
    reach.wake(changed.source_id)
    return Answer.of(mapping_shown.lead_status(changed))


async def delete_lead_status(reach: Reach, asked: Asked) -> Answer:
    """
    Take a lead status away.
    """
    source_id = asked.path["source_id"]
    async with reach.changing:
        await reach.mappings.delete_lead_status(source_id, asked.path["code"])
    reach.wake(source_id)
    return Answer(b"", 204)


async def _found(reach: Reach, asked: Asked) -> LeadStatus:
    source_id, code = asked.path["source_id"], asked.path["code"]
    found = await reach.mappings.lead_status(source_id, code)
    if found is None:
        raise NotFound(f"there is no lead status {code} of {source_id}")
    return found
