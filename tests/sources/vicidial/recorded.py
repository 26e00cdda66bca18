"""
The recorded answers, and what each must be read as.

Written by the rules of the reference, not by what the reader says.  The rule that most answers follow: one
record a line, and with `header=YES` a line of names first; everything else is named here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RECORDED: Final = Path(__file__).with_name("recorded_answers.jsonl")

# By name: the verdict of answers that are messages (vicidial.md section 3), and of those that are nothing.
VERDICTS: Final = {
    "auth": (
        "no_params bad_user level5_user sounds_list_denied special_password lock_9 lock_10 lock_11"
        " lock_after_good_1 lock_after_good_10"
    ),
    "locked": "lock_good_password_refused",
    "ip_blocked": "ip_list_on",
    "denied": "function_not_allowed add_lead_noperm",
    "empty": "phone_number_log_none did_log_export_none",
    "not_found": (
        "agent_status_unknown_user agent_status_group_hidden agent_user_dot callid_info_bad"
        " lead_field_info_nolead"
        " update_lead_none update_phone_none add_phone_alias_badlogin update_phone_alias_none"
        " add_list_badcamp"
        " update_list_none update_log_entry_same update_log_entry_none update_log_entry_missing"
        " lead_callback_info"
    ),
    "bad_argument": (
        "no_function unknown_function no_source in_group_status_seed_param agent_ingroup_info_bad"
        " agent_ingroup_info_notlive callid_info_short phone_number_log_bad did_log_export_missing"
        " recording_lookup_missing add_lead_short add_lead_areacode update_lead_nomethod add_user_missing"
        " update_user_nofields add_phone_exists update_phone_missing add_phone_alias_exists"
        " add_phone_alias_missing add_group_alias_missing check_phone_number_short update_campaign_bad"
        " blind_monitor_badphone blind_monitor_badsession blind_monitor_missing"
    ),
    "success": (
        "add_lead_default_list add_lead_hopper_custom update_lead_vlc update_lead_phone2 update_lead_insert"
        " update_lead_delete add_user_auto update_phone_ok add_phone_alias_ok update_phone_alias_delete"
        " add_group_alias_ok update_list_ok update_list_insert server_refresh_ok update_campaign_ok"
        " blind_monitor_ok"
    ),
    "notice": "update_lead_custom update_list_reset update_list_nofields update_campaign_nofields",
    # No body where there must be one: a HEAD, and a database that is down.
    "server_fault": "head db_down_version",
    # Cut by whoever recorded them, before the first line of the list or with the row; nothing of it is whole.
    "unknown": "moh_list moh_list_noformat vm_list noisy_agent_status",
}
_BY_NAME: Final = {name: verdict for verdict, names in VERDICTS.items() for name in names.split()}
# By name and place among those of the name, where the name is not enough: verdict, rows, rejected parts.
SINGLE: Final = {
    ("agent_status", 11): ("logged_out", 0, 0),  # agent 1012 is not logged in
    ("teapot", 0): ("unknown", 0, 1),  # 418: neither message nor row
    ("teapot", 1): ("bad_argument", 0, 0),  # the old build knows no such function
    ("sounds_list", 2): ("unknown", 0, 1),  # an HTML list cut before its first line
    ("lead_field_info_multiline", 0): ("rows", 1, 0),  # the value has two lines and no newline at its end
    ("lead_field_info_odd", 0): ("rows", 1, 0),  # 500 with a whole value; a newline in it
    ("lead_field_info_empty_value", 0): ("rows", 1, 0),  # an empty body is an empty value here
    # Cut inside the eleventh agent: ten are whole.
    ("agent_stats_export", 0): ("rows", 10, 1),
    ("agent_stats_export", 1): ("rows", 10, 1),
    # One name holds a newline: one row fewer than lines.
    ("odd_name_2006", 0): ("rows", 1, 0),
    ("odd_name_2006", 1): ("rows", 1, 0),
    ("odd_name_2006", 2): ("rows", 1, 0),
    ("odd_name_logged_in_agents", 0): ("rows", 17, 0),
    ("odd_name_logged_in_agents", 1): ("rows", 17, 0),
    # Five lines of SQL in front of the row.
    ("debug_on", 0): ("rows", 1, 4),
}
NO_ROWS_REJECTED: Final = dict.fromkeys(VERDICTS["unknown"].split(), 1)


@dataclass(frozen=True)
class Recorded:
    """
    One recorded answer and what it must be read as.
    """

    key: tuple[str, int]
    function: str
    body: bytes
    http_status: int
    query: dict[str, str]
    verdict: str
    rows: int
    rejected: int

    @property
    def stage(self) -> str:
        """
        Return the stage that the server took.
        """
        stage = self.query.get("stage", "pipe")
        return stage if stage in ("csv", "tab") else "pipe"


def recorded_answers() -> list[Recorded]:
    """
    Return all of them in the order of the file.
    """
    seen: dict[str, int] = {}
    answers: list[Recorded] = []
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        one: dict[str, Any] = json.loads(line)
        place = seen.get(one["name"], 0)
        seen[one["name"]] = place + 1
        verdict, rows, rejected = _expected(one, place)
        answers.append(
            Recorded(
                key=(one["name"], place),
                function=one["function"] or _function_of(one),
                body=one["body"].encode(one.get("body_encoding", "utf-8")),
                http_status=one["status"],
                query=one["query"],
                verdict=verdict,
                rows=rows,
                rejected=rejected,
            )
        )
    return answers


def _function_of(one: dict[str, Any]) -> str:
    return "in_group_status" if "function=in_group_status" in one.get("raw_query", "") else ""


def _expected(one: dict[str, Any], place: int) -> tuple[str, int, int]:
    if (one["name"], place) in SINGLE:
        return SINGLE[one["name"], place]
    verdict = _BY_NAME.get(one["name"])
    if verdict is not None:
        return verdict, 0, NO_ROWS_REJECTED.get(one["name"], 0)
    has_header = one["query"].get("header") == "YES"
    return "rows", one["body"].count("\n") - has_header, 0
