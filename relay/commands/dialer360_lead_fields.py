"""
The parameters of Dialer360's functions on leads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from relay.commands.dialer360_shared import ADDRESS, EMAIL, FREE, FREE_IN_ROWS, NAME, WORD, refused
from relay.commands.function import (
    CHOICE,
    DATE,
    DATETIME,
    DECIMAL,
    DIGITS,
    FLAG,
    INTEGER,
    LIST,
    TEXT,
    Parameter,
    Rule,
    When,
)

DNC: Final = ("Y", "N", "AREACODE")

_DUPLICATES: Final = tuple(
    f"{what}{where}"
    for what in ("DUP", "DUPTITLEALTPHONE", "DUPNAMEPHONE")
    for where in ("LIST", "CAMP", "SYS")
)
DUPLICATE_CHECKS: Final = (*_DUPLICATES, *(f"{check}90DAY" for check in _DUPLICATES))

# What a lead is: the same in add_lead and update_lead.
LEAD_FIELDS: Final = (
    Parameter("vendor_lead_code", TEXT, "Id of the lead in the CRM.", (1, 20), FREE_IN_ROWS),
    Parameter("source_id", TEXT, "Where the lead came from.", (1, 50), FREE_IN_ROWS),
    Parameter(
        "gmt_offset_now",
        DECIMAL,
        "Hours ahead of UTC; the dialer's own look-up by number wins.",
        limits=(-12.75, 14),
    ),
    Parameter("title", TEXT, "Form of address.", (1, 4), NAME),
    Parameter("first_name", TEXT, "First name.", (1, 30), NAME),
    Parameter("middle_initial", TEXT, "Middle initial.", (1, 1), WORD),
    Parameter("last_name", TEXT, "Last name.", (1, 30), NAME),
    Parameter("address1", TEXT, "First line of the address.", (1, 100), ADDRESS),
    Parameter("address2", TEXT, "Second line of the address.", (1, 100), ADDRESS),
    Parameter("address3", TEXT, "Third line of the address, often a third number.", (1, 100), ADDRESS),
    Parameter("city", TEXT, "City.", (1, 50), ADDRESS),
    Parameter("state", TEXT, "State, two letters.", (2, 2), "- 0-9A-Za-z"),
    Parameter("province", TEXT, "Province.", (1, 50), NAME),
    Parameter("postal_code", TEXT, "Postal code.", (1, 10), "-' 0-9A-Za-z"),
    Parameter("country_code", TEXT, "Country, three letters.", (3, 3), WORD),
    Parameter(
        "gender", CHOICE, "Undefined, male or female.", choices=("U", "M", "F"), default="U"
    ),
    Parameter("date_of_birth", DATE, "Date of birth."),
    Parameter("alt_phone", TEXT, "Second phone number.", (1, 12), NAME),
    # The server turns a plus into a space: such an address would be stored wrong.
    Parameter("email", TEXT, "Email address, without a plus sign.", (1, 70), EMAIL),
    Parameter("security_phrase", TEXT, "Any phrase, often shown to the agent.", (1, 100), ADDRESS),
    Parameter("comments", TEXT, "Remarks for the agent.", (1, 255), FREE),
    Parameter("rank", DIGITS, "Order in the list.", (1, 5)),
    Parameter("owner", TEXT, "User, territory or user group it belongs to.", (1, 20), ADDRESS),
    Parameter(
        "entry_list_id", DIGITS, "List whose custom fields it has; a wrong one breaks them.", (3, 12)
    ),
)  # fmt: skip
EDITABLE_FIELDS: Final = tuple(replace(field, is_clearable=True, default=None) for field in LEAD_FIELDS)

HOPPER: Final = (
    Parameter("add_to_hopper", FLAG, "Dial it soon.", default="N"),
    Parameter("hopper_priority", INTEGER, "Higher goes first.", limits=(-99, 99), default="0"),
    Parameter(
        "hopper_local_call_time_check", FLAG, "Only when it may be called at its local time.", default="N"
    ),
)
CUSTOM_FIELDS: Final = Parameter(
    "custom_fields", FLAG, "The list's own fields are given too, each by its label.", default="N"
)
CALLBACK: Final = (
    Parameter(
        "callback_status", TEXT, "Status that it has when due.", (1, 6), WORD, default="CALLBK"
    ),
    Parameter(
        "callback_datetime", DATETIME, "When, by the dialer's clock; NOW is now.", choices=("NOW",)
    ),
    Parameter(
        "callback_type", CHOICE, "For one agent or for anyone.", choices=("USERONLY", "ANYONE"),
        default="ANYONE",
    ),
    Parameter("callback_user", TEXT, "Agent of a USERONLY callback.", (2, 20), WORD),
    Parameter("callback_comments", TEXT, "Remarks for the callback.", (1, 255), "- +.:/@_0-9A-Za-z"),
)  # fmt: skip
NUMBER_CHECKS: Final = (
    Parameter(
        "usacan_prefix_check", FLAG, "US and Canada: the fourth digit is not 0 or 1.", default="N"
    ),
    Parameter("usacan_areacode_check", FLAG, "US and Canada: area code and length.", default="N"),
    Parameter(
        "nanpa_ac_prefix_check", FLAG, "US and Canada: area code and prefix are in use.", default="N"
    ),
)  # fmt: skip
DNC_CHECKS: Final = (
    Parameter("dnc_check", CHOICE, "Against the system's do-not-call list.", choices=DNC, default="N"),
    Parameter(
        "campaign_dnc_check", CHOICE, "Against the campaign's do-not-call list.", choices=DNC, default="N"
    ),
)
ADDING: Final = (
    Parameter(
        "duplicate_check",
        LIST,
        "Refuse it where one is there already; 90DAY looks at the last 90 days only.",
        (1, 255),
        choices=DUPLICATE_CHECKS,
        separator="-",
    ),
    Parameter(
        "tz_method", CHOICE, "How its time zone is found; by default by country and area code.",
        choices=("POSTAL", "TZCODE", "NANPA"),
    ),
    Parameter("lookup_state", FLAG, "Fill in the state by area code.", default="N"),
    Parameter(
        "multi_alt_phones",
        TEXT,
        "More numbers: number_code_note, joined by an exclamation mark.",
        (5, 1024),
        "- !:_0-9A-Za-z",
    ),
)  # fmt: skip
CAMPAIGN_DNC: Final = Rule(
    "A campaign's do-not-call list needs the campaign.",
    When("campaign_dnc_check", ("Y", "AREACODE")),
    (("campaign_id",),),
)
TIME_ZONE_RULES: Final = (
    Rule("The time zone by postal code needs it.", When("tz_method", ("POSTAL",)), (("postal_code",),)),
    Rule("The time zone by code stands in owner.", When("tz_method", ("TZCODE",)), (("owner",),)),
)
NUMBER_ERRORS: Final = refused(
    "INVALID PHONE NUMBER LENGTH",
    "INVALID PHONE NUMBER PREFIX",
    "INVALID PHONE NUMBER AREACODE",
    "INVALID PHONE NUMBER NANPA AREACODE PREFIX",
)
