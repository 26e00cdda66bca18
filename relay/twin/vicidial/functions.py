"""
All functions of the page: who may use each, and what answers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.twin.vicidial import (
    agent_stats,
    lead_functions,
    lead_updates,
    list_functions,
    log_functions,
    media_functions,
    phone_functions,
    status_functions,
    user_functions,
)
from relay.twin.vicidial.asking import Answer

READS: Final = 7
WRITES: Final = 8


@dataclass(frozen=True, slots=True)
class Function:
    """
    One function: the `level` and `permission` it asks for, and how it is refused to whom lacks them.
    """

    answer: Answer
    level: int
    permission: str
    denial: str
    needs_source: bool = True


# Name: level, permission, and what a user without them is told not to be allowed.
_RULES: Final = {
    "sounds_list": (READS, "audio", "VIEW SOUNDS LIST"),
    "moh_list": (READS, "audio", "VIEW SOUNDS LIST"),
    "vm_list": (READS, "audio", "VIEW VOICEMAIL BOXES LIST"),
    "blind_monitor": (READS, "view_reports", "BLIND MONITOR"),
    "agent_ingroup_info": (READS, "view_reports", "GET AGENT INFO"),
    "recording_lookup": (READS, "view_reports", "GET RECORDING INFO"),
    "did_log_export": (READS, "view_reports", "GET DID INFO"),
    "phone_number_log": (READS, "view_reports", "GET CALL LOG INFO"),
    "agent_stats_export": (READS, "view_reports", "GET AGENT INFO"),
    "user_group_status": (READS, "view_reports", "GET USER GROUP INFO"),
    "in_group_status": (READS, "view_reports", "GET IN-GROUP INFO"),
    "agent_status": (READS, "view_reports", "GET AGENT INFO"),
    "logged_in_agents": (READS, "view_reports", "GET AGENT INFO"),
    "callid_info": (READS, "view_reports", "GET CALL INFO"),
    "lead_field_info": (READS, "modify_leads", "GET LEAD INFO"),
    "check_phone_number": (WRITES, "modify_leads", "CHECK PHONE NUMBERS"),
    "update_log_entry": (WRITES, "modify_leads", "UPDATE LOGS"),
    "add_lead": (WRITES, "modify_leads", "ADD LEADS TO THE SYSTEM"),
    "update_lead": (WRITES, "modify_leads", "UPDATE LEADS IN THE SYSTEM"),
    "add_user": (WRITES, "modify_users", "ADD USERS"),
    "update_user": (WRITES, "modify_users", "UPDATE USERS"),
    "add_group_alias": (WRITES, "ast_admin_access", "ADD GROUP ALIASES"),
    "add_phone": (WRITES, "ast_admin_access", "ADD PHONES"),
    "update_phone": (WRITES, "ast_admin_access", "UPDATE PHONES"),
    "add_phone_alias": (WRITES, "ast_admin_access", "ADD PHONE ALIASES"),
    "update_phone_alias": (WRITES, "ast_admin_access", "UPDATE PHONE ALIASES"),
    "server_refresh": (WRITES, "ast_admin_access", "REFRESH SERVERS"),
    "add_list": (WRITES, "modify_lists", "ADD LISTS"),
    "update_list": (WRITES, "modify_lists", "UPDATE LISTS"),
    "update_campaign": (WRITES, "modify_campaigns", "UPDATE CAMPAIGNS"),
}
_WITHOUT_SOURCE: Final = ("sounds_list", "moh_list", "vm_list")
_ANSWERS: Final[dict[str, Answer]] = {
    **status_functions.FUNCTIONS,
    **log_functions.FUNCTIONS,
    **agent_stats.FUNCTIONS,
    **media_functions.FUNCTIONS,
    **lead_functions.FUNCTIONS,
    **lead_updates.FUNCTIONS,
    **user_functions.FUNCTIONS,
    **phone_functions.FUNCTIONS,
    **list_functions.FUNCTIONS,
}

FUNCTIONS: Final = {
    name: Function(
        _ANSWERS[name],
        level,
        permission,
        f"USER DOES NOT HAVE PERMISSION TO {denial}",
        needs_source=name not in _WITHOUT_SOURCE,
    )
    for name, (level, permission, denial) in _RULES.items()
}
