"""
What each function is asked for to be done, and to be refused in each way that the twins can show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from relay.commands.catalogue import function
from relay.commands.examples import example_of
from relay.twin.vicidial.leads import FIRST_LEAD
from relay.twin.vicidial.script import Script
from relay.twin.vicidial.world import World

LEAD: Final = {"phone_number": "7275551212", "phone_code": "1", "list_id": "101"}
LEAD_ID: Final = str(FIRST_LEAD)
USER: Final = example_of(function("dialer360", "add_user")) | {"agent_user": "2001"}
PHONE: Final = {"extension": "cc1001", "server_ip": "10.10.10.15"}

Prepare = Callable[[World], object]


def _nothing(_world: World) -> None:
    return None


@dataclass(frozen=True)
class Recipe:
    """
    One command and what comes of it: None where it is done, else the vendor's words and the status.

    `first` are commands before it; `user` asks (at a dialer); `prepare` changes its world.
    """

    function: str
    params: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    status: int = 200
    first: tuple[tuple[str, dict[str, Any]], ...] = ()
    prepare: Prepare = _nothing
    user: str = "api"

    def __str__(self) -> str:
        return f"{self.function} {self.error or 'done'}"


def logged_in(world: World) -> None:
    """
    Let an agent wait for calls.
    """
    Script(world).put("1001", "READY")


def no_sounds(world: World) -> None:
    """
    Switch the lists of sounds off.
    """
    world.office.sound_control = "off"


def no_sound_folder(world: World) -> None:
    """
    Take the folder of sounds away.
    """
    world.office.sound_control = "missing"


def few_prefixes(world: World) -> None:
    """
    Load the prefixes of numbers, all but one.
    """
    world.office.nanpa_prefixes = frozenset({"212555"})


ALIAS: Final = ("add_phone_alias", {"alias_id": "alice", "alias_name": "Phones", "phone_logins": ["cc1001"]})
GROUP_ALIAS: Final = {"caller_id_number": "7275551212"}
ADDED: Final = ("add_lead", LEAD)
CHECK: Final = {"phone_number": "7275551212", "phone_code": "1", "local_call_time": "24hours"}
NAMED: Final = {"first_name": "Bob", "last_name": "Wilson"}
TITLED: Final = {"title": "Mr", "alt_phone": "7275559999"}

DIALER360_DONE: Final = (
    Recipe("version"),
    Recipe("sounds_list"),
    Recipe("moh_list"),
    Recipe("vm_list"),
    Recipe(
        "blind_monitor",
        {"phone_login": "cc1002", "session_id": "8600051", "server_ip": "10.10.10.15", "stage": "MONITOR"},
        prepare=logged_in,
    ),
    Recipe("agent_ingroup_info", {"agent_user": "1001", "stage": "info"}, prepare=logged_in),
    Recipe("server_refresh"),
    Recipe("update_campaign", {"campaign_id": "TESTCAMP", "active": True}),
    Recipe("agent_status", {"agent_user": "1001"}, prepare=logged_in),
    Recipe("logged_in_agents", prepare=logged_in),
    Recipe("in_group_status", {"in_groups": ["SALESLINE"]}),
    Recipe("user_group_status", {"user_groups": ["AGENTS"]}),
    Recipe("phone_number_log", {"phone_number": ["7275551212"]}),
    Recipe("did_log_export", {"phone_number": "3125551212", "date": "2026-11-21"}),
    Recipe("recording_lookup", {"lead_id": "1"}),
    Recipe(
        "agent_stats_export", {"datetime_start": "2026-11-21 09:00:00", "datetime_end": "2026-11-21 10:00:00"}
    ),
    Recipe("add_lead", LEAD | NAMED),
    Recipe("update_lead", {"lead_id": LEAD_ID, "last_name": "Wilson"}),
    Recipe("lead_field_info", {"lead_id": LEAD_ID, "field_name": "first_name"}),
    Recipe("check_phone_number", CHECK),
    Recipe("add_user", USER),
    Recipe("update_user", {"agent_user": "1001", "agent_full_name": "Alice B"}),
    Recipe("add_group_alias", GROUP_ALIAS),
    Recipe("add_phone", example_of(function("dialer360", "add_phone"))),
    Recipe("update_phone", PHONE | {"phone_full_name": "Desk of Alice"}),
    Recipe("add_phone_alias", ALIAS[1]),
    Recipe("update_phone_alias", {"alias_id": "alice", "alias_name": "Other"}, first=(ALIAS,)),
    Recipe("add_list", {"list_id": "1101", "list_name": "Spring offer", "campaign_id": "TESTCAMP"}),
    Recipe("update_list", {"list_id": "101", "active": True}),
)

DIALER360_REFUSED: Final = (
    Recipe("sounds_list", {}, "CENTRAL SOUND CONTROL IS NOT ACTIVE", 404, prepare=no_sounds),
    Recipe("sounds_list", {}, "audio store web directory does not exist", 502, prepare=no_sound_folder),
    Recipe("moh_list", {}, "CENTRAL SOUND CONTROL IS NOT ACTIVE", 404, prepare=no_sounds),
    Recipe("vm_list", {}, "CENTRAL SOUND CONTROL IS NOT ACTIVE", 404, prepare=no_sounds),
    Recipe(
        "blind_monitor",
        {"phone_login": "nobody", "session_id": "8600051", "server_ip": "10.10.10.15", "stage": "MONITOR"},
        "INVALID PHONE LOGIN", 422, prepare=logged_in,
    ),
    Recipe(
        "blind_monitor",
        {"phone_login": "cc1002", "session_id": "8600077", "server_ip": "10.10.10.15", "stage": "MONITOR"},
        "INVALID SESSION ID", 422,
    ),
    Recipe("agent_ingroup_info", {"agent_user": "7777", "stage": "info"}, "INVALID USER ID", 422),
    Recipe("update_campaign", {"campaign_id": "NONE", "active": True}, "CAMPAIGN DOES NOT EXIST", 404),
    Recipe("agent_status", {"agent_user": "7777"}, "AGENT NOT FOUND", 404),
    Recipe("callid_info", {"call_id": "V1210245330000000128"}, "CALL NOT FOUND", 404),
    Recipe("add_lead", LEAD | {"list_id": "777"}, "NOT AN ALLOWED LIST ID", 403),
    Recipe(
        "add_lead", LEAD | {"phone_number": "7271551212", "usacan_prefix_check": True},
        "INVALID PHONE NUMBER PREFIX", 422,
    ),
    Recipe(
        "add_lead", LEAD | {"phone_number": "1275551212", "usacan_areacode_check": True},
        "INVALID PHONE NUMBER AREACODE", 422,
    ),
    Recipe(
        "add_lead", LEAD | {"nanpa_ac_prefix_check": True},
        "INVALID PHONE NUMBER NANPA AREACODE PREFIX", 422, prepare=few_prefixes,
    ),
    Recipe(
        "add_lead", LEAD | {"phone_number": "7275550000", "dnc_check": "Y"}, "PHONE NUMBER IN DNC", 422
    ),
    *(
        Recipe(
            "add_lead", LEAD | more | {"duplicate_check": [check]}, f"DUPLICATE {what} IN {where}", 409,
            first=(("add_lead", LEAD | more),),
        )
        for prefix, what, more in (
            ("DUP", "PHONE NUMBER", {}),
            ("DUPTITLEALTPHONE", "TITLE ALT_PHONE", TITLED),
            ("DUPNAMEPHONE", "NAME PHONE", NAMED),
        )
        for check, where in (
            (f"{prefix}LIST", "LIST"), (f"{prefix}CAMP", "CAMPAIGN LISTS"), (f"{prefix}SYS", "SYSTEM")
        )
    ),
    Recipe("update_lead", {"lead_id": "999999", "last_name": "W"}, "NO MATCHES FOUND IN THE SYSTEM", 404),
    Recipe("lead_field_info", {"lead_id": "999999", "field_name": "first_name"}, "LEAD NOT FOUND", 404),
    Recipe("check_phone_number", CHECK | {"local_call_time": "never"}, "THIS IS NOT A VALID CALL TIME", 404),
    Recipe(
        "check_phone_number", CHECK | {"phone_number": "7275550000", "dnc_check": "Y"},
        "PHONE NUMBER IN DNC", 422,
    ),
    Recipe("add_user", USER | {"agent_user": "1001"}, "USER ALREADY EXISTS", 409),
    Recipe("add_user", USER | {"agent_user_group": "NOGROUP"}, "USER GROUP DOES NOT EXIST", 404),
    Recipe(
        "add_user", USER | {"agent_user_level": 9},
        "USER DOES NOT HAVE PERMISSION TO ADD USERS IN THIS USER LEVEL", 403, user="lvl8",
    ),
    Recipe("update_user", {"agent_user": "7777", "active": True}, "USER DOES NOT EXIST", 404),
    Recipe(
        "add_group_alias", GROUP_ALIAS, "GROUP ALIAS ALREADY EXISTS", 409,
        first=(("add_group_alias", GROUP_ALIAS),),
    ),
    Recipe(
        "add_phone", example_of(function("dialer360", "add_phone")) | {"server_ip": "10.9.9.9"},
        "SERVER DOES NOT EXIST", 404,
    ),
    Recipe(
        "add_phone", example_of(function("dialer360", "add_phone")) | {"extension": "cc1001"},
        "PHONE ALREADY EXISTS ON THIS SERVER", 409,
    ),
    Recipe(
        "update_phone", PHONE | {"extension": "cc7777", "phone_full_name": "Desk"},
        "PHONE DOES NOT EXIST ON THIS SERVER", 404,
    ),
    Recipe("add_phone_alias", ALIAS[1], "PHONE ALIAS ALREADY EXISTS", 409, first=(ALIAS,)),
    Recipe("add_phone_alias", ALIAS[1] | {"phone_logins": ["nobody"]}, "PHONE DOES NOT EXIST", 404),
    Recipe("update_phone_alias", {"alias_id": "none", "alias_name": "X1"}, "PHONE ALIAS DOES NOT EXIST", 404),
    Recipe(
        "add_list", {"list_id": "101", "list_name": "Spring offer", "campaign_id": "TESTCAMP"},
        "LIST ALREADY EXISTS", 409,
    ),
    Recipe(
        "add_list", {"list_id": "1101", "list_name": "Spring offer", "campaign_id": "NONE"},
        "CAMPAIGN DOES NOT EXIST", 404,
    ),
    Recipe("update_list", {"list_id": "777", "active": True}, "LIST DOES NOT EXIST", 404),
)  # fmt: skip

ELISION_LIST: Final = {"list_id": "3001", "list_name": "Spring offer", "campaign_id": "TESTCAMP"}
ELISION_USER: Final = example_of(function("elision", "add_user"))
ELISION_DONE: Final = (
    Recipe("add_user", ELISION_USER | {"agent_user": "2001"}),
    Recipe("update_user", {"agent_user": "1001", "agent_full_name": "Alice B"}),
    Recipe("add_list", ELISION_LIST),
    Recipe("active_lists"),
    Recipe("add_multi_lead", {"multi_leads": [{"phone_number": "7275551212", "list_id": "1101"}]}),
)
ELISION_REFUSED: Final = (
    Recipe("add_user", ELISION_USER | {"agent_user": "1001"}, "USER ALREADY EXISTS", 409),
    Recipe(
        "add_user", ELISION_USER | {"agent_user": "2001", "agent_user_group": "NOGROUP"},
        "USER GROUP DOES NOT EXIST", 404,
    ),
    Recipe("update_user", {"agent_user": "7777", "active": True}, "USER DOES NOT EXIST", 404),
    Recipe(
        "update_user", {"agent_user": "1001", "agent_user_group": "NOGROUP"},
        "YOU MUST USE A VALID USER GROUP, THIS IS AN OPTIONAL FIELD", 422,
    ),
    Recipe("add_list", ELISION_LIST | {"campaign_id": "NONE"}, "campaign does not exist", 404),
    Recipe("add_list", ELISION_LIST | {"list_id": "1101"}, "list already exist", 409),
)  # fmt: skip
