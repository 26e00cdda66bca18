"""
The customer's own words for what a dialer calls otherwise: lead statuses and agents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LeadStatus:
    """
    A status of the CRM that stands for a status of a dialer.

    `code` is the CRM's, unique within a source; `dialer_status` the dialer's (at most 6 characters).  Several
    codes may share one dialer status: then `is_default` is the one that events are told in.
    """

    source_id: str
    code: str
    dialer_status: str
    description: str = ""
    is_default: bool = True


@dataclass(frozen=True, slots=True)
class AgentMapping:
    """
    A user of the CRM that is an agent of a source.
    """

    source_id: str
    agent_id: str
    external_id: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Mappings:
    """
    The mappings of one source as normalising needs them: CRM code by dialer status, CRM user by agent id.

    `version` rises with every change.
    """

    version: int = 0
    codes: Mapping[str, str] = field(default_factory=dict)
    external_ids: Mapping[str, str] = field(default_factory=dict)
