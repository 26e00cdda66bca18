"""
The operations on agents and groups, and on the mappings between a dialer and a CRM.
"""

from __future__ import annotations

from typing import Final

from relay.api import (
    agent_mappings,
    agents,
    lead_statuses,
    mapping_answers,
    mapping_bodies,
    mapping_queries,
)
from relay.api.answers import Listing
from relay.api.operation import Operation

LEAD_STATUS: Final = f"{lead_statuses.PATH}/{{source_id}}/{{code}}"
AGENT_MAPPING: Final = f"{agent_mappings.PATH}/{{source_id}}/{{agent_id}}"

AGENT_OPERATIONS: Final = (
    Operation(
        "GET", "/v1/agents", agents.list_agents, "List agents of dialers by source and id.",
        "agents:read", Listing[mapping_answers.AgentAnswer], query=mapping_queries.AgentListQuery,
    ),
    Operation(
        "GET", "/v1/agents/{source_id}/{agent_id}", agents.get_agent, "Show an agent.",
        "agents:read", mapping_answers.AgentAnswer,
    ),
    Operation(
        "GET", "/v1/groups", agents.list_groups,
        "List in-groups and user groups of dialers by kind, source and name.",
        "groups:read", Listing[mapping_answers.GroupAnswer], query=mapping_queries.GroupListQuery,
    ),
    Operation(
        "GET", "/v1/groups/{source_id}/{kind}/{group_id}", agents.get_group, "Show a group.",
        "groups:read", mapping_answers.GroupAnswer,
    ),
)  # fmt: skip

MAPPING_OPERATIONS: Final = (
    Operation(
        "GET", lead_statuses.PATH, lead_statuses.list_lead_statuses,
        "List which status of the CRM stands for which status of a dialer, by source and code.",
        "lead-statuses:read", Listing[mapping_answers.LeadStatusAnswer],
        query=mapping_queries.MappingListQuery,
    ),
    Operation(
        "POST", lead_statuses.PATH, lead_statuses.create_lead_status,
        "Map a status of the CRM to one of a dialer: events and commands speak it from now on.",
        "lead-statuses:write", mapping_answers.LeadStatusAnswer, 201, body=mapping_bodies.LeadStatusNew,
        problems=(404, 409),
    ),
    Operation(
        "GET", LEAD_STATUS, lead_statuses.get_lead_status, "Show a lead status.",
        "lead-statuses:read", mapping_answers.LeadStatusAnswer,
    ),
    Operation(
        "PATCH", LEAD_STATUS, lead_statuses.change_lead_status, "Change the given fields of a lead status.",
        "lead-statuses:write", mapping_answers.LeadStatusAnswer, body=mapping_bodies.LeadStatusChanges,
    ),
    Operation(
        "DELETE", LEAD_STATUS, lead_statuses.delete_lead_status,
        "Remove a lead status; another code of its dialer status becomes the default.",
        "lead-statuses:write", None, 204,
    ),
    Operation(
        "GET", agent_mappings.PATH, agent_mappings.list_agent_mappings,
        "List which agent is which user of the CRM, by source and agent id.",
        "agent-mappings:read", Listing[mapping_answers.AgentMappingAnswer],
        query=mapping_queries.MappingListQuery,
    ),
    Operation(
        "POST", agent_mappings.PATH, agent_mappings.create_agent_mapping,
        "Map an agent to a user of the CRM: events name it as agent_external_id from now on.",
        "agent-mappings:write", mapping_answers.AgentMappingAnswer, 201,
        body=mapping_bodies.AgentMappingNew, problems=(404, 409),
    ),
    Operation(
        "GET", AGENT_MAPPING, agent_mappings.get_agent_mapping, "Show an agent mapping.",
        "agent-mappings:read", mapping_answers.AgentMappingAnswer,
    ),
    Operation(
        "PATCH", AGENT_MAPPING, agent_mappings.change_agent_mapping,
        "Change the given fields of an agent mapping.",
        "agent-mappings:write", mapping_answers.AgentMappingAnswer,
        body=mapping_bodies.AgentMappingChanges,
    ),
    Operation(
        "DELETE", AGENT_MAPPING, agent_mappings.delete_agent_mapping, "Remove an agent mapping.",
        "agent-mappings:write", None, 204,
    ),
)  # fmt: skip
