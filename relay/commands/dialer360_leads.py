"""
Functions of Dialer360 on leads.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Final

from relay.commands.dialer360_lead_fields import (
    ADDING,
    CALLBACK,
    CAMPAIGN_DNC,
    CUSTOM_FIELDS,
    DNC_CHECKS,
    EDITABLE_FIELDS,
    HOPPER,
    LEAD_FIELDS,
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
from relay.commands.function import (
    CHOICE,
    DIGITS,
    DUPLICATE,
    FLAG,
    INTEGER,
    LEAD_CREATED,
    LEAD_REJECTED,
    LEAD_UPDATED,
    TEXT,
    Function,
    Parameter,
    Rule,
    Saying,
    When,
)
from relay.model.vendor_answer import DENIED, NOT_FOUND, NOTICE, SUCCESS

_YES: Final = ("Y",)
_CUSTOM: Final = When("custom_fields", _YES)
_INSERTS: Final = When("insert_if_not_found", _YES)
_OWN_FIELDS_BREAK: Final = Rule(
    "The dialer takes no entry_list_id together with custom fields.", _CUSTOM, forbids=("entry_list_id",)
)
_CALLBACK_RULES: Final = (
    Rule(
        "A callback needs a campaign and a time.",
        When("callback", _YES),
        (("campaign_id", "callback_datetime"),),
    ),
    Rule(
        "A callback for one agent needs the agent.",
        When("callback_type", ("USERONLY",)),
        (("callback_user",),),
    ),
)
# In the order of the real server; the document has another.
_ADDED: Final = ("phone_number", "list_id", "lead_id", "gmt_offset")
_CUSTOM_NOT: Final = (
    "CUSTOM FIELDS DISABLED",
    "NO CUSTOM FIELDS DEFINED FOR THIS LIST",
    "NO FIELDS DEFINED",
)
_REMARKS: Final = (
    "ADDED TO HOPPER",
    "NOT ADDED TO HOPPER",
    "NOT ADDED TO HOPPER, OUTSIDE OF LOCAL TIME",
    "SCHEDULED CALLBACK ADDED",
    "SCHEDULED CALLBACK NOT ADDED, USER NOT VALID",
    "SCHEDULED CALLBACK NOT ADDED, CAMPAIGN NOT VALID",
)

# The words of search_method, and the parameter that each searches by.
_SEARCHES: Final = {
    "LEAD_ID": "lead_id",
    "VENDOR_LEAD_CODE": "vendor_lead_code",
    "PHONE_NUMBER": "phone_number",
}
_SEARCH_METHODS: Final = {
    "_".join(words): tuple((_SEARCHES[word],) for word in words)
    for count in (1, 2, 3)
    for words in combinations(_SEARCHES, count)
}

_ADD_LEAD: Final = Function(
    "add_lead",
    DIALER360,
    "Add a lead to a list.",
    (
        Parameter("phone_number", DIGITS, "Phone number without country code.", (6, 16), required=True),
        PHONE_CODE,
        Parameter("list_id", DIGITS, "List it goes into.", (3, 12), default="999"),
        *DNC_CHECKS,
        replace(CAMPAIGN_ID, description="Campaign of the callback or of the do-not-call list."),
        *HOPPER,
        *ADDING,
        *NUMBER_CHECKS,
        CUSTOM_FIELDS,
        Parameter("callback", FLAG, "Make it a scheduled callback.", default="N"),
        *CALLBACK,
        *LEAD_FIELDS,
    ),
    (
        *GENERAL,
        Saying("LEAD HAS BEEN ADDED", SUCCESS, _ADDED, LEAD_CREATED),
        *refused(*_REMARKS, "CUSTOM FIELDS VALUES ADDED", "MULTI-ALT-PHONE NUMBERS LOADED", word=NOTICE),
        *refused(*(f"CUSTOM FIELDS NOT ADDED, {why}" for why in _CUSTOM_NOT), word=NOTICE),
        Saying("NANPA options disabled, NANPA prefix data not loaded", NOTICE),
        *NUMBER_ERRORS,
        *refused("PHONE NUMBER IN DNC", "PHONE NUMBER IN CAMPAIGN DNC"),
        Saying("USER DOES NOT HAVE PERMISSION TO ADD LEADS TO THE SYSTEM", DENIED),
        Saying("NOT AN ALLOWED LIST ID", DENIED),
        *refused(
            *(
                f"DUPLICATE {what} IN {where}"
                for what in ("PHONE NUMBER", "TITLE ALT_PHONE", "NAME PHONE")
                for where in ("LIST", "CAMPAIGN LISTS", "SYSTEM")
            ),
            word=DUPLICATE,
        ),
    ),
    MODIFY_LEADS,
    rules=(
        CAMPAIGN_DNC,
        *_CALLBACK_RULES,
        _OWN_FIELDS_BREAK,
        *TIME_ZONE_RULES,
    ),
    is_write=True,
    custom_fields=_CUSTOM,
    rejected_event=LEAD_REJECTED,
)

_UPDATE_LEAD: Final = Function(
    "update_lead",
    DIALER360,
    "Change, reset or delete leads that a search finds, or add one where it finds none.",
    (
        Parameter("lead_id", DIGITS, "Lead to find.", (1, 9)),
        Parameter("phone_number", DIGITS, "Number to find, or to store.", (6, 16)),
        replace(PHONE_CODE, description="Country calling code, for a new lead.", default=None),
        Parameter("list_id", DIGITS, "List to search in, or for a new lead.", (3, 12)),
        Parameter(
            "search_method",
            CHOICE,
            "What the lead is found by.",
            choices=tuple(_SEARCH_METHODS),
            default="LEAD_ID",
        ),
        Parameter(
            "search_location",
            CHOICE,
            "Where it is searched; without a list always SYSTEM.",
            choices=("LIST", "CAMPAIGN", "SYSTEM"),
            default="SYSTEM",
        ),
        Parameter("insert_if_not_found", FLAG, "Add it where none is found.", default="N"),
        Parameter("records", INTEGER, "How many at most, newest first.", limits=(1, 1000), default="1"),
        CUSTOM_FIELDS,
        Parameter("no_update", FLAG, "Only tell what is found.", default="N"),
        Parameter("delete_lead", FLAG, "Delete it.", default="N"),
        Parameter("reset_lead", FLAG, "Let it be called again.", default="N"),
        Parameter(
            "callback",
            CHOICE,
            "Make it a callback, or remove its callback.",
            choices=("Y", "N", "REMOVE"),
            default="N",
        ),
        replace(CAMPAIGN_ID, description="Campaign of the callback."),
        *CALLBACK,
        Parameter("update_phone_number", FLAG, "Store the phone number too.", default="N"),
        *HOPPER,
        Parameter("user_field", TEXT, "Agent of the lead.", (1, 20), WORD, is_clearable=True),
        Parameter("list_id_field", DIGITS, "List it moves to.", (3, 12)),
        Parameter("status", TEXT, "New status.", (1, 6), ALPHANUMERIC),
        *EDITABLE_FIELDS,
        Parameter("called_count", DIGITS, "How often it was called.", (1, 5)),
        Parameter("force_entry_list_id", DIGITS, "List whose custom fields this one command uses.", (3, 12)),
    ),
    (
        *GENERAL,
        # The fields after the lead's id differ between builds.
        Saying("LEAD HAS BEEN UPDATED", SUCCESS, ("", "lead_id"), LEAD_UPDATED),
        Saying("LEAD HAS BEEN ADDED", SUCCESS, _ADDED, LEAD_CREATED),
        Saying("LEAD HAS BEEN DELETED", SUCCESS, ("", "lead_id"), LEAD_UPDATED),
        # Its first detail, the phone number, may be missing: the others have no fixed place.
        Saying("CUSTOM FIELDS VALUES UPDATED", SUCCESS, (), LEAD_UPDATED),
        Saying("CUSTOM FIELDS ENTRY DELETED", NOTICE),
        Saying(
            "LEADS FOUND IN THE SYSTEM",
            SUCCESS,
            ("", "lead_id", "vendor_lead_code", "phone_number", "list_id", "entry_list_id"),
        ),
        *refused(*(f"CUSTOM FIELDS NOT UPDATED, {why}" for why in _CUSTOM_NOT)),
        Saying("SCHEDULED CALLBACK UPDATED", NOTICE),
        Saying("SCHEDULED CALLBACK NOT UPDATED, NO FIELDS SPECIFIED", NOTICE),
        *refused(
            *_REMARKS,
            "NOT ADDED TO HOPPER, LEAD NOT FOUND",
            "NOT ADDED TO HOPPER, LEAD IS ALREADY IN THE HOPPER",
            word=NOTICE,
        ),
        Saying("NO MATCHES FOUND IN THE SYSTEM", NOT_FOUND),
        *refused("INVALID DATA FOR LEAD INSERTION", "NO VALID SEARCH METHOD"),
        Saying("USER DOES NOT HAVE PERMISSION TO UPDATE LEADS IN THE SYSTEM", DENIED),
        Saying("NOT AN ALLOWED LIST ID", DENIED),
    ),
    MODIFY_LEADS,
    rules=(
        *(
            Rule(f"A search by {method} needs what it searches by.", When("search_method", (method,)), needs)
            for method, needs in _SEARCH_METHODS.items()
        ),
        Rule(
            "A new lead needs number, country code and list.",
            _INSERTS,
            (("phone_number", "phone_code", "list_id"),),
        ),
        Rule(
            "A search in a list or its campaign needs the list.",
            When("search_location", ("LIST", "CAMPAIGN")),
            (("list_id",),),
        ),
        Rule("A new number is needed to store one.", When("update_phone_number", _YES), (("phone_number",),)),
        *_CALLBACK_RULES,
        _OWN_FIELDS_BREAK,
    ),
    is_write=True,
    custom_fields=_CUSTOM,
    rejected_event=LEAD_REJECTED,
)

LEADS: Final = (_ADD_LEAD, _UPDATE_LEAD)
