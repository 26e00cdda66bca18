"""
Mappings, agents and groups as JSON: what `relay.api.mapping_answers` describes.
"""

from __future__ import annotations

from relay.api.shown import Shown
from relay.model.listing import SubjectItem
from relay.model.mapping import AgentMapping, LeadStatus
from relay.model.times import rfc3339


def lead_status(one: LeadStatus) -> Shown:
    """
    Show a lead status.
    """
    return {
        "source_id": one.source_id,
        "code": one.code,
        "dialer_status": one.dialer_status,
        "description": one.description,
        "is_default": one.is_default,
    }


def agent_mapping(one: AgentMapping) -> Shown:
    """
    Show an agent mapping.
    """
    return {
        "source_id": one.source_id,
        "agent_id": one.agent_id,
        "external_id": one.external_id,
        "description": one.description,
    }


def agent(item: SubjectItem) -> Shown:
    """
    Show an agent.
    """
    return {**_subject(item), "agent_id": item.name, "since": item.record.get("since")}


def group(item: SubjectItem) -> Shown:
    """
    Show a group.
    """
    return {**_subject(item), "group_id": item.name, "kind": item.kind}


def _subject(item: SubjectItem) -> Shown:
    return {
        "source_id": item.source_id,
        "subject": item.subject,
        "revision": item.revision,
        "last_event_id": item.last_event_id,
        "changed_at": rfc3339(item.changed_at),
        "data": item.record,
    }
