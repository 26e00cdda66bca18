"""
The bodies of answers about lead statuses, agent mappings, agents and groups.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from relay.api.mapping_queries import GroupKind
from relay.model.event_data import Time


class LeadStatusAnswer(BaseModel):
    """
    A status of the CRM that stands for a status of a dialer.
    """

    source_id: str
    code: str = Field(description="The CRM's status.")
    dialer_status: str = Field(description="The dialer's status.")
    description: str = Field(description="For people.")
    is_default: bool = Field(description="Of the codes with this dialer status the one that events tell.")


class AgentMappingAnswer(BaseModel):
    """
    An agent of a dialer who is a user of the CRM.
    """

    source_id: str
    agent_id: str = Field(description="The dialer's user id.")
    external_id: str = Field(description="Id of the user in the CRM.")
    description: str = Field(description="For people.")


class SubjectAnswer(BaseModel):
    """
    What a dialer shows besides calls, as last published.
    """

    source_id: str
    subject: str = Field(description="What its events name as their subject.")
    revision: int = Field(description="Of its newest event; 0: it has none.")
    last_event_id: str | None = Field(description="Id of that event.")
    changed_at: Time = Field(description="When anything of it last changed, by relay's clock.")
    data: dict[str, Any] = Field(description="As the data of its events has it; empty before the first.")


class AgentAnswer(SubjectAnswer):
    """
    An agent of a dialer.
    """

    agent_id: str = Field(description="The dialer's user id.")
    since: Time | None = Field(description="Since when it is in its status; null where not known.")


class GroupAnswer(SubjectAnswer):
    """
    An in-group or a user group of a dialer.
    """

    group_id: str = Field(description="Name of the group.")
    kind: GroupKind
