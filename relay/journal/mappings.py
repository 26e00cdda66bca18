"""
Lead statuses and agent mappings on a database: `relay.journal.commands_port.MappingJournal`.
"""

from __future__ import annotations

from relay.journal import mapping_lists, mapping_rows
from relay.journal.fence import Fence
from relay.journal.sqlite import SqliteDatabase
from relay.model.listing import Page
from relay.model.mapping import AgentMapping, LeadStatus, Mappings


class SqlMappings:
    """
    The mappings of the sources of one journal.

    Args:
        database: where the journal is.
        fence: for writes.
    """

    def __init__(self, database: SqliteDatabase, fence: Fence) -> None:
        self._database = database
        self._fence = fence

    async def mappings(self, source_id: str) -> Mappings:
        return await self._database.read(lambda conn: mapping_rows.mappings(conn, source_id))

    async def list_lead_statuses(
        self, source_id: str | None, after: str | None, limit: int
    ) -> Page[LeadStatus]:
        return await self._database.look_up(
            lambda look: mapping_lists.list_lead_statuses(look, source_id, after, limit)
        )

    async def put_lead_status(self, status: LeadStatus, *, is_new: bool | None) -> LeadStatus:
        return await self._fence.write(lambda conn, _: mapping_rows.put_lead_status(conn, status, is_new))

    async def delete_lead_status(self, source_id: str, code: str) -> None:
        await self._fence.write(lambda conn, _: mapping_rows.delete_lead_status(conn, source_id, code))

    async def list_agent_mappings(
        self, source_id: str | None, after: str | None, limit: int
    ) -> Page[AgentMapping]:
        return await self._database.look_up(
            lambda look: mapping_lists.list_agent_mappings(look, source_id, after, limit)
        )

    async def put_agent_mapping(self, mapping: AgentMapping, *, is_new: bool | None) -> AgentMapping:
        return await self._fence.write(lambda conn, _: mapping_rows.put_agent_mapping(conn, mapping, is_new))

    async def delete_agent_mapping(self, source_id: str, agent_id: str) -> None:
        await self._fence.write(lambda conn, _: mapping_rows.delete_agent_mapping(conn, source_id, agent_id))
