"""
Answers to writes, as real servers gave them, become results.
"""

from __future__ import annotations

import pytest

from relay.commands.function import DUPLICATE
from relay.commands.result import FAILED, SUCCEEDED
from relay.model.vendor_answer import BAD_ARGUMENT, DENIED, NOT_FOUND, NOTICE, SUCCESS
from tests.commands.answering import heard, judged

# Function, what the reader made of the answer, its lines; word, details and events of the result.
RECORDED: list[tuple[str, str, tuple[str, ...], str, dict[str, str], tuple[str, ...]]] = [
    (
        "add_lead",
        SUCCESS,
        ("SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|402|-5|api",),
        SUCCESS,
        {"phone_number": "7275551112", "list_id": "999", "lead_id": "402", "gmt_offset": "-5"},
        ("lead.created",),
    ),
    (
        "add_lead",
        SUCCESS,
        (
            "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551113|101|403|-5|api",
            "NOTICE: add_lead MULTI-ALT-PHONE NUMBERS LOADED - 2|403|api",
            "NOTICE: add_lead CUSTOM FIELDS VALUES ADDED - 7275551113|403|101|1",
            "NOTICE: add_lead ADDED TO HOPPER - 7275551113|403|1|api",
        ),
        SUCCESS,
        {"phone_number": "7275551113", "list_id": "101", "lead_id": "403", "gmt_offset": "-5"},
        ("lead.created",),
    ),
    (
        "add_lead",
        BAD_ARGUMENT,
        ("ERROR: add_lead INVALID PHONE NUMBER LENGTH - 72755|api",),
        BAD_ARGUMENT,
        {},
        ("lead.rejected",),
    ),
    (
        "add_lead",
        BAD_ARGUMENT,
        ("ERROR: add_lead INVALID PHONE NUMBER AREACODE - 9115551115|api",),
        BAD_ARGUMENT,
        {},
        ("lead.rejected",),
    ),
    (
        "add_lead",
        DENIED,
        ("ERROR: add_lead USER DOES NOT HAVE PERMISSION TO ADD LEADS TO THE SYSTEM - lvl7|0",),
        DENIED,
        {},
        ("lead.rejected",),
    ),
    (
        "add_lead",
        BAD_ARGUMENT,
        ("ERROR: add_lead DUPLICATE PHONE NUMBER IN SYSTEM - 7275551111|101|8765444|101",),
        DUPLICATE,
        {},
        ("lead.rejected",),
    ),
    (
        "update_lead",
        SUCCESS,
        ("SUCCESS: update_lead LEAD HAS BEEN UPDATED - api|151|0||",),
        SUCCESS,
        {"lead_id": "151"},
        ("lead.updated",),
    ),
    (
        "update_lead",
        NOT_FOUND,
        ("ERROR: update_lead NO MATCHES FOUND IN THE SYSTEM - api|99999999|",),
        NOT_FOUND,
        {},
        ("lead.rejected",),
    ),
    (
        "update_lead",
        BAD_ARGUMENT,
        ("ERROR: update_lead NO VALID SEARCH METHOD - api|LEAD_ID||",),
        BAD_ARGUMENT,
        {},
        ("lead.rejected",),
    ),
    (
        "update_lead",
        SUCCESS,
        (
            "NOTICE: update_lead NO MATCHES FOUND IN THE SYSTEM - api|||7275559999",
            "SUCCESS: update_lead LEAD HAS BEEN ADDED - 7275559999|101|407|-5|api",
        ),
        SUCCESS,
        {"phone_number": "7275559999", "list_id": "101", "lead_id": "407", "gmt_offset": "-5"},
        ("lead.created",),
    ),
    (
        "update_lead",
        NOTICE,
        ("NOTICE: update_lead CUSTOM FIELDS VALUES UPDATED - 151|101|0|101|1",),
        SUCCESS,
        {},
        ("lead.updated",),
    ),
    (
        "update_lead",
        SUCCESS,
        ("SUCCESS: update_lead LEAD HAS BEEN DELETED 0|0 - api|152|1|0|0",),
        SUCCESS,
        {"lead_id": "152"},
        ("lead.updated",),
    ),
    (
        "add_user",
        BAD_ARGUMENT,
        ("ERROR: add_user YOU MUST USE ALL REQUIRED FIELDS - api|3002|||",),
        BAD_ARGUMENT,
        {},
        (),
    ),
    (
        "add_user",
        SUCCESS,
        ("SUCCESS: add_user USER HAS BEEN ADDED - api|101|abc123|1|Auto Person|AGENTS",),
        SUCCESS,
        {
            "agent_user": "101",
            "agent_user_level": "1",
            "agent_full_name": "Auto Person",
            "agent_user_group": "AGENTS",
        },
        ("user.created",),
    ),
    ("update_user", BAD_ARGUMENT, ("ERROR: update_user NO UPDATES DEFINED - api",), BAD_ARGUMENT, {}, ()),
    (
        "update_user",
        SUCCESS,
        (
            "NOTICE: update_user USER CAMPAIGN RANKS/GRADES HAVE BEEN UPDATED - api|3|4",
            "ERROR: update_user NO UPDATES DEFINED - api",
        ),
        SUCCESS,
        {},
        ("user.updated",),
    ),
    (
        "add_phone",
        BAD_ARGUMENT,
        ("ERROR: add_phone PHONE ALREADY EXISTS ON THIS SERVER - api|10.10.10.15|1",),
        DUPLICATE,
        {},
        (),
    ),
    (
        "update_phone",
        SUCCESS,
        ("SUCCESS: update_phone PHONE HAS BEEN UPDATED - api|55000|10.10.10.15",),
        SUCCESS,
        {"extension": "55000", "server_ip": "10.10.10.15"},
        (),
    ),
    (
        "update_phone",
        NOT_FOUND,
        ("ERROR: update_phone PHONE DOES NOT EXIST ON THIS SERVER - api|10.1.1.1|5",),
        NOT_FOUND,
        {},
        (),
    ),
    (
        "add_phone_alias",
        SUCCESS,
        ("SUCCESS: add_phone_alias PHONE ALIAS HAS BEEN ADDED - api|alias1|Alias One|cc1001,cc1002",),
        SUCCESS,
        {"alias_id": "alias1", "alias_name": "Alias One", "phone_logins": "cc1001,cc1002"},
        (),
    ),
    (
        "add_phone_alias",
        BAD_ARGUMENT,
        ("ERROR: add_phone_alias PHONE ALIAS ALREADY EXISTS - api|alias1",),
        DUPLICATE,
        {},
        (),
    ),
    (
        "add_phone_alias",
        NOT_FOUND,
        ("ERROR: add_phone_alias PHONE DOES NOT EXIST - api|nope1",),
        NOT_FOUND,
        {},
        (),
    ),
    (
        "update_phone_alias",
        NOT_FOUND,
        ("ERROR: update_phone_alias PHONE ALIAS DOES NOT EXIST - api|nope",),
        NOT_FOUND,
        {},
        (),
    ),
    (
        "update_phone_alias",
        SUCCESS,
        ("SUCCESS: update_phone_alias PHONE ALIAS HAS BEEN DELETED - api|alias1",),
        SUCCESS,
        {"alias_id": "alias1"},
        (),
    ),
    (
        "add_group_alias",
        SUCCESS,
        ("SUCCESS: add_group_alias GROUP ALIAS HAS BEEN ADDED - api|test_ga|test group alias|7275551212",),
        SUCCESS,
        {
            "group_alias_id": "test_ga",
            "group_alias_name": "test group alias",
            "caller_id_number": "7275551212",
        },
        (),
    ),
    ("add_list", NOT_FOUND, ("ERROR: add_list CAMPAIGN DOES NOT EXIST - api|NOPE",), NOT_FOUND, {}, ()),
    (
        "update_list",
        SUCCESS,
        ("SUCCESS: update_list LIST HAS BEEN UPDATED - api|1101",),
        SUCCESS,
        {"list_id": "1101"},
        ("list.changed",),
    ),
    (
        "update_list",
        NOTICE,
        (
            "NOTICE: update_list NO UPDATES DEFINED - api",
            "NOTICE: update_list LEADS IN LIST HAVE BEEN RESET - api|101|324",
        ),
        SUCCESS,
        {"list_id": "101", "leads": "324"},
        ("list.changed",),
    ),
    ("update_list", NOT_FOUND, ("ERROR: update_list LIST DOES NOT EXIST - api|8888",), NOT_FOUND, {}, ()),
    ("update_list", NOTICE, ("NOTICE: update_list NO UPDATES DEFINED - api",), BAD_ARGUMENT, {}, ()),
    (
        "update_list",
        NOTICE,
        (
            "NOTICE: update_list NO UPDATES DEFINED - api",
            "NOTICE: update_list USER DOES NOT HAVE PERMISSION TO DELETE LISTS - api|0",
        ),
        DENIED,
        {},
        (),
    ),
    (
        "update_list",
        SUCCESS,
        (
            "NOTICE: update_list LIST DOES NOT EXIST, SENDING TO add_list FUNCTION - api|1105",
            "SUCCESS: add_list LIST HAS BEEN ADDED - api|1105|Ins|TESTCAMP",
        ),
        SUCCESS,
        {"list_id": "1105", "list_name": "Ins", "campaign_id": "TESTCAMP"},
        ("list.changed",),
    ),
    (
        "server_refresh",
        SUCCESS,
        ("SUCCESS: server_refresh SERVER REFRESH HAS BEEN TRIGGERED - api|0",),
        SUCCESS,
        {"servers": "0"},
        (),
    ),
    (
        "update_log_entry",
        NOT_FOUND,
        ("ERROR: update_log_entry NO RECORDS FOUND - api|TESTCAMP|1|SALEX",),
        NOT_FOUND,
        {},
        (),
    ),
    ("update_log_entry", NOT_FOUND, ("ERROR: update_log_entry GROUP NOT FOUND - api",), NOT_FOUND, {}, ()),
    (
        "update_campaign",
        SUCCESS,
        ("SUCCESS: update_campaign CAMPAIGN HAS BEEN UPDATED - api|TESTCAMP",),
        SUCCESS,
        {"campaign_id": "TESTCAMP"},
        (),
    ),
    ("update_campaign", NOTICE, ("NOTICE: update_campaign NO UPDATES DEFINED - api",), BAD_ARGUMENT, {}, ()),
    # The limit is a setting of the dialer.
    (
        "update_campaign",
        BAD_ARGUMENT,
        ("ERROR: update_campaign AUTO DIAL LEVEL MUST BE FROM 0 TO 4.001, THIS IS AN OPTIONAL FIELD",),
        BAD_ARGUMENT,
        {},
        (),
    ),
    (
        "blind_monitor",
        SUCCESS,
        ("SUCCESS: blind_monitor HAS BEEN LAUNCHED - cc1001|010*010*010*015*08600052|1001|8600052|1|api",),
        SUCCESS,
        {
            "phone_login": "cc1001",
            "dial_string": "010*010*010*015*08600052",
            "agent_user": "1001",
            "session_id": "8600052",
        },
        (),
    ),
    (
        "blind_monitor",
        BAD_ARGUMENT,
        ("ERROR: blind_monitor INVALID SESSION ID - 8609999|10.10.10.15|api",),
        BAD_ARGUMENT,
        {},
        (),
    ),
]


@pytest.mark.parametrize(
    ("name", "verdict", "lines", "word", "details", "events"),
    RECORDED,
    ids=[f"{place} {row[0]}" for place, row in enumerate(RECORDED)],
)
def test_recorded_answers_to_writes(
    name: str,
    verdict: str,
    lines: tuple[str, ...],
    word: str,
    details: dict[str, str],
    events: tuple[str, ...],
) -> None:
    result = judged(name, verdict, *lines)

    assert (word, details, events) == (result.word, result.data["details"], result.events)
    assert (SUCCEEDED if word == SUCCESS else FAILED) == result.status
    assert "\n".join(lines) == result.raw
    assert sorted(heard(line).text for line in lines) == sorted([result.message, *result.data["notices"]])
