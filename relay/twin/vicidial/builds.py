"""
The two builds of the vendor's page that were measured, and what tells them apart on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_AGENT_STATUS: Final = (
    "status", "callerid", "lead_id", "campaign_id", "calls_today", "full_name", "user_group", "user_level",
    "pause_code", "real_time_sub_status", "phone_number", "vendor_lead_code", "session_id",
)  # fmt: skip
_LOGGED_IN: Final = (
    "user", "campaign_id", "session_id", "status", "lead_id", "callerid", "calls_today", "full_name",
    "user_group", "user_level",
)  # fmt: skip
_IN_GROUP: Final = (
    "ingroups", "total_calls", "calls_waiting", "agents_logged_in", "agents_in_calls", "agents_waiting",
    "agents_paused", "agents_in_dispo",
)  # fmt: skip
_USER_GROUP: Final = (
    "usergroups", "calls_waiting", "agents_logged_in", "agents_in_calls", "agents_waiting", "agents_paused",
    "agents_in_dead_calls", "agents_in_dispo",
)  # fmt: skip
_AGENT_STATS: Final = (
    "user", "full_name", "user_group", "calls", "login_time", "total_talk_time", "avg_talk_time",
    "avg_wait_time", "pct_of_queue", "pause_time", "sessions", "avg_session", "pauses", "avg_pause_time",
    "pause_pct", "pauses_per_session",
)  # fmt: skip
_BOTH: Final = {
    "logged_in_agents": _LOGGED_IN,
    "logged_in_agents sub": (*_LOGGED_IN, "pause_code", "sub_status"),
    "callid_info": ("call_id", "custtime"),
    "callid_info detail": (
        "call_id", "custtime", "call_date", "phone", "call_type", "campaign_id", "list_id", "status", "user",
    ),
    "phone_number_log": (
        "phone_number", "call_date", "list_id", "length_in_sec", "lead_status", "hangup_reason",
        "call_status", "source_id", "user",
    ),
    "did_log_export": ("did_number", "call_date", "caller_id_number", "length_in_sec"),
    "recording_lookup": ("start_time", "user", "recording_id", "lead_id", "location"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Build:
    """
    One build.  `headers` are what it writes in the first line of header=YES, right or wrong.
    """

    version: str
    build: str
    is_newer: bool
    headers: Mapping[str, tuple[str, ...]]


OLDER: Final = "2.14-96"
NEWEST: Final = "2.14-202"
BUILDS: Final = {
    OLDER: Build(OLDER, "170601-0747", False, {
        **_BOTH, "agent_status": _AGENT_STATUS[:8], "in_group_status": _IN_GROUP,
        "user_group_status": _USER_GROUP, "agent_stats_export": _AGENT_STATS,
    }),
    NEWEST: Build(NEWEST, "250720-1841", True, {
        **_BOTH, "agent_status": _AGENT_STATUS, "in_group_status": (*_IN_GROUP, "agents_in_dial"),
        "user_group_status": (*_USER_GROUP, "agents_in_dial"),
        "agent_stats_export": (*_AGENT_STATS, "wait_time", "talk_time", "dispo_time", "dead_time"),
    }),
}  # fmt: skip
