"""
The query parameters of the lists of agents, groups and mappings, and what stands in their paths.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from relay.api.queries import ListQuery, Text
from relay.config.section import Id
from relay.model.subject_state import GROUP_KINDS

# Names of agents and groups are the dialer's, codes the CRM's: what stands safely in a path.
NAME_PATTERN: Final = "^[-_0-9A-Za-z][-_0-9A-Za-z.:@+]{0,63}$"
CODE_PATTERN: Final = "^[-_0-9A-Za-z]([-_0-9A-Za-z.:@+ ]{0,38}[-_0-9A-Za-z.:@+])?$"
KIND_PATTERN: Final = f"^({'|'.join(GROUP_KINDS)})$"

AgentStatus = Literal["READY", "CLOSER", "QUEUE", "MQUEUE", "INCALL", "PAUSED", "LOGGED_OUT"]
GroupKind = Literal["in_group", "user_group"]
OfSource = Annotated[Id | None, Field(description="Only of this source.")]


class MappingListQuery(ListQuery):
    """
    Which lead statuses or agent mappings.
    """

    source: OfSource = None


class AgentListQuery(ListQuery):
    """
    Which agents.
    """

    source: OfSource = None
    status: AgentStatus | None = Field(default=None, description="Only in this status.")
    user_group: Text | None = Field(default=None, description="Only of this user group.")


class GroupListQuery(ListQuery):
    """
    Which groups.
    """

    source: OfSource = None
    kind: GroupKind | None = Field(default=None, description="Only in-groups, or only user groups.")
