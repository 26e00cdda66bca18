"""
What an Elision dialer keeps: users, groups, campaigns, lists and leads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from relay.twin.elision.settings import ElisionTwinSettings

USER_GROUPS: Final = ("ADMIN", "AGENTS")
CAMPAIGNS: Final = ("TESTCAMP", "SALES")
FIRST_LEAD: Final = 1036


@dataclass(slots=True)
class User:
    """
    Someone who may log in, as an agent or as a program.
    """

    user: str
    password: str
    level: int = 1
    full_name: str = ""
    user_group: str = "AGENTS"
    may_change: bool = False
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class LeadList:
    """
    One list of leads of a campaign.
    """

    list_id: str
    name: str
    campaign: str
    is_active: bool = True


@dataclass(slots=True)
class Lead:
    """
    One lead, with whatever was sent of it.
    """

    lead_id: int
    list_id: str
    phone: str
    fields: dict[str, Any] = field(default_factory=dict)


class Store:
    """
    All of it.  `lvl7` and `bare` are API users that may not change anything.
    """

    def __init__(self, settings: ElisionTwinSettings) -> None:
        users = (
            User(settings.user, settings.password, 9, "API user", "ADMIN", may_change=True),
            User("lvl8", "pass8", 8, "Level eight", "ADMIN", may_change=True),
            User("lvl7", "pass7", 7, "Level seven", "ADMIN", may_change=True),
            User("bare", "pass9", 9, "Without permissions", "ADMIN"),
            User("1001", "pass1001", 1, "Alice Adams"),
        )
        self.users = {user.user: user for user in users}
        self.lists = {
            list_id: LeadList(list_id, name, campaign) for list_id, name, campaign in settings.lists
        }
        self.leads: list[Lead] = []

    def add_lead(self, list_id: str, phone: str, fields: dict[str, Any]) -> Lead:
        """
        Add a lead with the next number.
        """
        lead = Lead(FIRST_LEAD + len(self.leads), list_id, phone, fields)
        self.leads.append(lead)
        return lead

    def active_lists(self) -> list[str]:
        """
        Return the active lists as `campaign-id-name`.
        """
        return [f"{one.campaign}-{one.list_id}-{one.name}" for one in self.lists.values() if one.is_active]

    def replace_lists(self, lists: Iterable[LeadList]) -> None:
        """
        Have these lists and no others.
        """
        self.lists = {one.list_id: one for one in lists}

    def as_json(self) -> dict[str, Any]:
        """
        Return what there is, as `/truth` shows it, without passwords.
        """
        return {
            "users": [
                {
                    "user": one.user,
                    "level": one.level,
                    "full_name": one.full_name,
                    "user_group": one.user_group,
                    **{name: value for name, value in one.fields.items() if name != "phone_pass"},
                }
                for one in self.users.values()
            ],
            "lists": [
                {"list_id": one.list_id, "name": one.name, "campaign": one.campaign, "active": one.is_active}
                for one in self.lists.values()
            ],
            "leads": [
                {**lead.fields, "lead_id": lead.lead_id, "list_id": lead.list_id, "phone_number": lead.phone}
                for lead in self.leads
            ],
        }
