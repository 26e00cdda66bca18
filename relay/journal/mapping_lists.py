"""
Lead statuses and agent mappings as people look at them.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Table, bindparam, select, tuple_

from relay.journal import schema
from relay.journal.cursors import FIRST_MAPPING, MappingPlace, place_of, text_of
from relay.journal.questions import Question, Row, Snapshot
from relay.model.listing import Page
from relay.model.mapping import AgentMapping, LeadStatus

_l, _a = schema.lead_statuses, schema.agent_mappings


def _questions(table: Table, name: Column[Any]) -> dict[bool, Question]:
    """
    Return what lists a table by source and a name: of one source (True), or of all.
    """
    query = select(table).order_by(table.c.source_id, name).limit(bindparam("limit"))
    place = tuple_(bindparam("source_id"), bindparam("name"))
    return {
        True: Question(query.where(table.c.source_id == bindparam("source_id"), name > bindparam("name"))),
        False: Question(query.where(tuple_(table.c.source_id, name) > place)),
    }


LEAD_STATUSES: Final = _questions(_l, _l.c.code)
AGENT_MAPPINGS: Final = _questions(_a, _a.c.agent_id)


def list_lead_statuses(
    look: Snapshot, source_id: str | None, after: str | None, limit: int
) -> Page[LeadStatus]:
    """
    Return a page of lead statuses by source and code.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    rows, place = _page(look, LEAD_STATUSES, source_id, after, limit)
    found = (
        LeadStatus(source, code, status, text, bool(default)) for source, code, status, text, default in rows
    )
    return Page(tuple(found), place)


def list_agent_mappings(
    look: Snapshot, source_id: str | None, after: str | None, limit: int
) -> Page[AgentMapping]:
    """
    Return a page of agent mappings by source and agent id.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    rows, place = _page(look, AGENT_MAPPINGS, source_id, after, limit)
    return Page(tuple(AgentMapping(*row) for row in rows), place)


def _page(
    look: Snapshot, questions: dict[bool, Question], source_id: str | None, after: str | None, limit: int
) -> tuple[list[Row], str | None]:
    begin = place_of(after, FIRST_MAPPING)
    rows = look.rows(
        questions[source_id is not None],
        source_id=begin.source_id if source_id is None else source_id,
        name=begin.name,
        limit=limit + 1,
    )
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], text_of(MappingPlace(*rows[limit - 1][:2]))
