"""
Functions of Dialer360 beside leads: a field of one, the log of its calls, a look at a number.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from relay.commands.dialer360_lead_fields import (
    CAMPAIGN_DNC,
    DNC_CHECKS,
    NUMBER_CHECKS,
    NUMBER_ERRORS,
    TIME_ZONE_RULES,
)
from relay.commands.dialer360_shared import (
    ALPHANUMERIC,
    CAMPAIGN_ID,
    DIALER360,
    GENERAL,
    MODIFY_LEADS,
    PHONE_CODE,
    WORD,
    refused,
)
from relay.commands.function import DIGITS, FLAG, LIST, TEXT, Function, Parameter, Permission, Saying
from relay.model.vendor_answer import BAD_ARGUMENT, DENIED, NOT_FOUND, SUCCESS

LEAD_LOGS: Final = (
    Function(
        "lead_field_info",
        DIALER360,
        "The value of one field of a lead.",
        (
            # The document says 16 to 40 characters, a slip from the function above it.
            Parameter("lead_id", DIGITS, "Id of the lead.", (1, 10), required=True),
            Parameter("field_name", TEXT, "Name of the field.", (1, 50), WORD, required=True),
            Parameter("custom_fields", FLAG, "It is one of the list's own fields.", default="N"),
            Parameter("list_id", DIGITS, "List whose own field it is.", (3, 14)),
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO GET LEAD INFO", DENIED),
            *refused("INVALID SEARCH PARAMETERS"),
            *refused("LIST NOT FOUND", "LEAD NOT FOUND", "LEAD FIELD NOT FOUND", word=NOT_FOUND),
        ),
        Permission(7, "modify leads"),
        columns=("value",),
    ),
    Function(
        "update_log_entry",
        DIALER360,
        "Change the status in a call's log.",
        (
            # The server drops the dot of a unique id, which then never matches.
            Parameter("call_id", TEXT, "The call's 20 characters.", (1, 40), ALPHANUMERIC, required=True),
            Parameter("group", TEXT, "Campaign or in-group of the call.", (2, 20), WORD, required=True),
            Parameter("status", TEXT, "New status.", (1, 6), WORD, required=True),
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO UPDATE LOGS", DENIED),
            *refused("INVALID SEARCH PARAMETERS"),
            *refused("GROUP NOT FOUND", "NO RECORDS FOUND", word=NOT_FOUND),
            Saying("NO RECORDS UPDATED", BAD_ARGUMENT),
            Saying(
                "RECORD HAS BEEN UPDATED",
                SUCCESS,
                ("", "user", "group", "call_id", "status", "previous_status"),
            ),
        ),
        MODIFY_LEADS,
        is_write=True,
    ),
    Function(
        "check_phone_number",
        DIALER360,
        "Tell whether a number is valid and may be called now.",
        (
            Parameter("phone_number", DIGITS, "Phone number without country code.", (6, 16), required=True),
            PHONE_CODE,
            Parameter(
                "local_call_time", TEXT, "Id of a call time of the dialer.", (1, 10), WORD, required=True
            ),
            Parameter("postal_code", DIGITS, "US postal code.", (5, 5)),
            Parameter("state", TEXT, "State, two letters.", (2, 2), "A-Za-z"),
            Parameter("owner", TEXT, "Code of a time zone.", (2, 5), "A-Za-z"),
            *DNC_CHECKS,
            replace(CAMPAIGN_ID, description="Campaign of the do-not-call list."),
            *NUMBER_CHECKS,
            Parameter(
                "tz_method",
                LIST,
                "How its time zone is found; each gives a result of its own.",
                (1, 40),
                choices=("POSTAL", "TZCODE", "NANPA", "AREACODE"),
            ),
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO CHECK PHONE NUMBERS", DENIED),
            Saying("THIS IS NOT A VALID CALL TIME", NOT_FOUND),
            *refused("NANPA options disabled, NANPA prefix data not loaded", "PHONE NUMBER IN DNC"),
            *NUMBER_ERRORS,
        ),
        Permission(8),
        rules=(
            CAMPAIGN_DNC,
            *TIME_ZONE_RULES,
        ),
        columns=("method", "is_dialable", "gmt_offset"),
    ),
)
