"""
What a dialer is set up with: users, groups, campaigns, DIDs, lists, phones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from relay.twin.vicidial.leads import INBOUND_LIST, Leads, stock
from relay.twin.vicidial.settings import DialerTwinSettings

OUTBOUND_CAMPAIGN: Final = "TESTCAMP"
INBOUND_CAMPAIGN: Final = "SALES"
IN_GROUPS: Final = ("SALESLINE", "SUPPORT", "BILLING")
USER_GROUPS: Final = ("AGENTS", "SUPPORTG")
SERVER_IP: Final = "10.10.10.15"
FIRST_AGENT: Final = 1001
FIRST_SESSION: Final = 8_600_051
FIRST_DID: Final = 3_125_551_212
LISTS: Final = (101, 102)
LEADS_PER_AGENT: Final = 40
EVERYTHING: Final = "ALL_FUNCTIONS"
PERMISSIONS: Final = frozenset((
    "audio", "view_reports", "modify_users", "modify_leads", "modify_lists", "modify_campaigns",
    "ast_admin_access", "delete_users", "delete_lists", "delete_phones",
))  # fmt: skip
_FIRST: Final = (
    "Alice", "Bob", "Carol", "Dan", "Erin", "Frank", "Grace", "Henry", "Iris", "Jack", "Kate", "Leo",
)  # fmt: skip
_LAST: Final = (
    "Adams", "Baker", "Clark", "Davis", "Evans", "Ford", "Green", "Hill", "Irwin", "Jones", "King", "Lane",
)  # fmt: skip


@dataclass(slots=True)
class User:
    """
    Someone who may log in: an agent, or a program that asks the API.

    `functions` are those it may ask for (`ALL_FUNCTIONS`: any), `viewable` the user groups whose agents it
    sees (None: all), `permissions` the flags it has of `PERMISSIONS`.
    """

    user: str
    password: str
    full_name: str
    level: int = 1
    user_group: str = "AGENTS"
    permissions: frozenset[str] = frozenset()
    functions: tuple[str, ...] = (EVERYTHING,)
    viewable: tuple[str, ...] | None = None
    is_active: bool = True
    fields: dict[str, str] = field(default_factory=dict)

    def sees(self, user_group: str) -> bool:
        """
        Tell whether agents of this group are shown.
        """
        return self.viewable is None or user_group in self.viewable


@dataclass(slots=True)
class LeadList:
    """
    One list of leads; `is_custom` ones have custom fields.
    """

    list_id: int
    name: str
    campaign: str
    is_active: bool = True
    is_custom: bool = False
    resets: int = 0
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Phone:
    """
    One telephone of a server.
    """

    extension: str
    server_ip: str
    login: str
    fields: dict[str, str] = field(default_factory=dict)


class Office:
    """
    All of it; the functions that write change it in place.
    """

    def __init__(self, settings: DialerTwinSettings) -> None:
        agents = settings.floor.agents
        access = settings.access
        everything = User(access.user, access.password, "API user", 9, "ADMIN", PERMISSIONS)
        self.users = {user.user: user for user in (everything, *_agents(agents), *_api_users())}
        self.user_groups = ["ADMIN", *USER_GROUPS]
        self.campaigns: dict[str, dict[str, str]] = {OUTBOUND_CAMPAIGN: {}, INBOUND_CAMPAIGN: {}}
        self.in_groups = list(IN_GROUPS)
        self.dids = {str(FIRST_DID + number): group for number, group in enumerate(IN_GROUPS)}
        self.leads = Leads()
        stock(self.leads, max(400, LEADS_PER_AGENT * agents), LISTS)
        self.lists = {
            101: LeadList(101, "First list", OUTBOUND_CAMPAIGN, is_custom=True),
            102: LeadList(102, "Second list", OUTBOUND_CAMPAIGN),
            INBOUND_LIST: LeadList(INBOUND_LIST, "Default inbound list", INBOUND_CAMPAIGN),
        }
        self.phones = {
            (SERVER_IP, f"cc{number}"): Phone(
                f"cc{number}", SERVER_IP, f"cc{number}", {"dialplan_number": str(number)}
            )
            for number in range(FIRST_AGENT, FIRST_AGENT + agents)
        }
        self.sound_control = "on"  # off: no list at all; missing: its folder is not there
        self.phone_aliases: dict[str, tuple[str, str]] = {}
        self.group_aliases: dict[str, str] = {}
        self.dnc: set[str] = {"7275550000"}
        self.hopper: list[int] = []
        self.has_custom_fields = True
        self.nanpa_prefixes: frozenset[str] | None = None  # none: not loaded
        self.monitored = 0
        self.callbacks: dict[int, dict[str, str]] = {}

    def agent_names(self) -> list[str]:
        """
        Return the users who sit at a phone.
        """
        return [user.user for user in self.users.values() if "session_id" in user.fields]


def _agents(count: int) -> list[User]:
    half = (count + 1) // 2
    return [
        User(
            str(FIRST_AGENT + number),
            f"pass{FIRST_AGENT + number}",
            f"{_FIRST[number % len(_FIRST)]} {_LAST[(number + number // len(_FIRST)) % len(_LAST)]}",
            user_group=USER_GROUPS[0] if number < half else USER_GROUPS[1],
            fields={
                "session_id": str(FIRST_SESSION + number),
                # Every other one takes calls that come in.
                "campaign": OUTBOUND_CAMPAIGN if number % 2 == 0 else INBOUND_CAMPAIGN,
                # One in twelve has a phone that rings instead of an open line.
                "is_on_hook": "Y" if number % len(_FIRST) == len(_FIRST) // 2 + 1 else "N",
            },
        )
        for number in range(count)
    ]


def _api_users() -> list[User]:
    """
    Return API users that may do less, to be refused by the server in each of its ways.
    """
    every = PERMISSIONS
    return [
        User("lvl5", "pass5", "Level five", 5, "ADMIN", every),
        User("lvl7", "pass7", "Level seven", 7, "ADMIN", every),
        User("lvl8", "pass8", "Level eight", 8, "ADMIN", every),
        User("bare", "pass9", "Without permissions", 9, "ADMIN", frozenset()),
        User("restrict", "pass9", "One function", 9, "ADMIN", every, ("agent_status",)),
        User("grpapi", "pass9", "One group", 9, "ADMIN", every, viewable=("SUPPORTG",)),
        User("gone", "pass9", "Not active", 9, "ADMIN", every, is_active=False),
    ]
