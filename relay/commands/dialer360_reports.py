"""
Functions of Dialer360 that tell what is going on: agents, groups, calls, statistics.
"""

from __future__ import annotations

from typing import Final

from relay.commands.dialer360_shared import (
    ALPHANUMERIC,
    DIALER360,
    GENERAL,
    GROUPS,
    ROW_FORMAT,
    SEE_REPORTS,
    agent_user,
    date_of_calls,
    refused,
)
from relay.commands.function import (
    CHOICE,
    DATE,
    DATETIME,
    DIGITS,
    FLAG,
    LIST,
    TEXT,
    Function,
    Parameter,
    Rule,
    Saying,
)
from relay.model.vendor_answer import DENIED, EMPTY, LOGGED_OUT, NOT_FOUND

_NO_AGENT_INFO: Final = Saying("USER DOES NOT HAVE PERMISSION TO GET AGENT INFO", DENIED)
_BAD_SEARCH: Final = refused("INVALID SEARCH PARAMETERS")
_USER_GROUPS: Final = Parameter(
    "user_groups", LIST, "Ids of user groups; an unknown one reads as zeros.", (1, 2000), GROUPS,
    separator="|",
)  # fmt: skip


def _export_time(name: str, description: str) -> Parameter:
    return Parameter(name, DATETIME, f"{description}, by the dialer's clock.", required=True)


REPORTS: Final = (
    Function(
        "agent_status",
        DIALER360,
        "What one agent is doing.",
        (agent_user("Id of the agent."), *ROW_FORMAT),
        (
            *GENERAL,
            _NO_AGENT_INFO,
            *_BAD_SEARCH,
            # Also where the agent is outside the user groups that relay's user may see.
            Saying("AGENT NOT FOUND", NOT_FOUND),
            Saying("AGENT NOT LOGGED IN", LOGGED_OUT),
        ),
        SEE_REPORTS,
        columns=(
            "status", "callerid", "lead_id", "campaign_id", "calls_today", "full_name", "user_group",
            "user_level", "pause_code", "real_time_sub_status", "phone_number", "vendor_lead_code",
            "session_id",
        ),
    ),
    Function(
        "logged_in_agents",
        DIALER360,
        "All agents that are logged in.",
        (
            Parameter(
                "campaigns", LIST, "Only agents of these campaigns.", (1, 2000), GROUPS, separator="|"
            ),
            _USER_GROUPS,
            Parameter(
                "show_sub_status",
                FLAG,
                "Sub-status and pause code too; costs the dialer more.",
                choices=("YES", "NO"),
                default="NO",
            ),
            *ROW_FORMAT,
        ),
        (*GENERAL, _NO_AGENT_INFO, Saying("NO LOGGED IN AGENTS", EMPTY)),
        SEE_REPORTS,
        columns=(
            "user", "campaign_id", "session_id", "status", "lead_id", "callerid", "calls_today", "full_name",
            "user_group", "user_level", "pause_code", "sub_status",
        ),
    ),
    Function(
        "in_group_status",
        DIALER360,
        "Calls and agents of inbound groups; several are summed into one row.",
        (
            Parameter(
                "in_groups",
                LIST,
                "Ids of inbound groups; an unknown one reads as zeros.",
                (1, 2000),
                GROUPS,
                required=True,
                separator="|",
            ),
            *ROW_FORMAT,
        ),
        (*GENERAL, Saying("USER DOES NOT HAVE PERMISSION TO GET IN-GROUP INFO", DENIED), *_BAD_SEARCH),
        SEE_REPORTS,
        columns=(
            "ingroups", "total_calls", "calls_waiting", "agents_logged_in", "agents_in_calls",
            "agents_waiting", "agents_paused", "agents_in_dispo", "agents_in_dial",
        ),
    ),
    Function(
        "user_group_status",
        DIALER360,
        "Agents of user groups; several are summed into one row.",
        (
            Parameter(
                "user_groups", LIST, _USER_GROUPS.description, (1, 2000), GROUPS, True, separator="|"
            ),
            *ROW_FORMAT,
        ),
        (*GENERAL, Saying("USER DOES NOT HAVE PERMISSION TO GET USER GROUP INFO", DENIED), *_BAD_SEARCH),
        SEE_REPORTS,
        columns=(
            "usergroups", "calls_waiting", "agents_logged_in", "agents_in_calls", "agents_waiting",
            "agents_paused", "agents_in_dead_calls", "agents_in_dispo", "agents_in_dial",
        ),
    ),
    Function(
        "callid_info",
        DIALER360,
        "What became of one call.",
        (
            # The server wants 18 to 39 characters and knows calls by these first letters only; it drops
            # dots, so that a unique id with its dot never matches.
            Parameter(
                "call_id",
                TEXT,
                "Caller id of the call, as agent_status shows it.",
                (18, 39),
                ALPHANUMERIC,
                required=True,
                pattern="(Y|J|V|M|DC|S|LP|VH|XL)[0-9A-Za-z]{16,38}",
            ),
            Parameter("detail", FLAG, "All that is known.", choices=("YES", "NO"), default="NO"),
            *ROW_FORMAT,
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO GET CALL INFO", DENIED),
            *_BAD_SEARCH,
            *refused("CALL NOT FOUND", "CALL LOG NOT FOUND", word=NOT_FOUND),
        ),
        SEE_REPORTS,
        columns=(
            "call_id", "custtime", "call_date", "phone", "call_type", "campaign_id", "list_id", "status",
            "user",
        ),
    ),
    Function(
        "phone_number_log",
        DIALER360,
        "Calls with phone numbers.",
        (
            Parameter(
                "phone_number", LIST, "Phone numbers.", (6, 2000), "0-9", required=True, separator=","
            ),
            Parameter(
                "detail", CHOICE, "All calls of each number, or its last.", choices=("ALL", "LAST"),
                default="ALL",
            ),
            Parameter(
                "type", CHOICE, "Direction of the calls.", choices=("IN", "OUT", "ALL"), default="OUT"
            ),
            *ROW_FORMAT,
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO GET CALL LOG INFO", DENIED),
            *refused("NO VALID PHONE NUMBERS DEFINED"),
            Saying("NO RECORDS FOUND", EMPTY),
        ),
        SEE_REPORTS,
        columns=(
            "phone_number", "call_date", "list_id", "length_in_sec", "lead_status", "hangup_reason",
            "call_status", "source_id", "user",
        ),
    ),
    Function(
        "did_log_export",
        DIALER360,
        "Calls to one inbound number on one day.",
        (
            Parameter("phone_number", DIGITS, "The inbound number.", (2, 20), required=True),
            Parameter("date", DATE, date_of_calls().description, required=True),
            *ROW_FORMAT,
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO GET DID INFO", DENIED),
            *_BAD_SEARCH,
            Saying("NO RECORDS FOUND", EMPTY),
        ),
        SEE_REPORTS,
        columns=("did_number", "caller_id_number", "call_date", "length_in_sec"),
    ),
    Function(
        "recording_lookup",
        DIALER360,
        "Recordings of an agent's day, of a lead or of a call.",
        (
            agent_user("Id of the agent.", required=False),
            Parameter("lead_id", DIGITS, "Id of the lead.", (1, 10)),
            date_of_calls(),
            Parameter("uniqueid", TEXT, "Unique id of the call.", (1, 20), "-_.0-9A-Za-z"),
            # Not in the vendor's document, but the server takes it for the search.
            Parameter("extension", TEXT, "Extension that was recorded.", (2, 100), "-_0-9A-Za-z"),
            *ROW_FORMAT,
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO GET RECORDING INFO", DENIED),
            *_BAD_SEARCH,
            Saying("NO RECORDINGS FOUND", EMPTY),
        ),
        SEE_REPORTS,
        rules=(
            Rule(
                "A search needs the lead, the unique id, or two of agent, date and extension.",
                needs=(
                    ("lead_id",),
                    ("uniqueid",),
                    ("agent_user", "date"),
                    ("agent_user", "extension"),
                    ("date", "extension"),
                ),
            ),
        ),
        columns=("start_time", "user", "recording_id", "lead_id", "location"),
    ),
    Function(
        "agent_stats_export",
        DIALER360,
        "What agents did in a stretch of time.",
        (
            _export_time("datetime_start", "First second"),
            _export_time("datetime_end", "Last second"),
            agent_user("Only this agent.", required=False),
            Parameter(
                "time_format",
                CHOICE,
                "Durations as hours (HF: also for zero), minutes or seconds.",
                choices=("H", "HF", "M", "S"),
                default="HF",
            ),
            *ROW_FORMAT,
        ),
        (*GENERAL, _NO_AGENT_INFO, *_BAD_SEARCH, Saying("NO RECORDS FOUND", EMPTY)),
        SEE_REPORTS,
        columns=(
            "user", "full_name", "user_group", "calls", "login_time", "total_talk_time", "avg_talk_time",
            "avg_wait_time", "pct_of_queue", "pause_time", "sessions", "avg_session", "pauses",
            "avg_pause_time", "pause_pct", "pauses_per_session", "wait_time", "talk_time", "dispo_time",
            "dead_time",
        ),
    ),
)  # fmt: skip
