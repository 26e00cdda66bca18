"""
Functions of Dialer360 on lists of leads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from relay.commands.dialer360_shared import (
    ADDRESS_OF_WEB,
    CAMPAIGN_ID,
    DIALER360,
    GENERAL,
    MODIFY_LISTS,
    NO_UPDATES,
    REQUIRED_FIELDS,
    WORD,
    optional,
    refused,
)
from relay.commands.function import (
    DATE,
    DIGITS,
    DUPLICATE,
    FLAG,
    LIST_CHANGED,
    TEXT,
    Function,
    Parameter,
    Rule,
    Saying,
    When,
)
from relay.model.vendor_answer import DENIED, NOT_FOUND, NOTICE, SUCCESS

LIST_ID: Final = Parameter("list_id", DIGITS, "Id of the list.", (2, 14), required=True)
LIST_NAME: Final = Parameter("list_name", TEXT, "Name of the list.", (6, 30), "- +.:/@?&_0-9A-Za-z")
CAMPAIGN: Final = replace(CAMPAIGN_ID, description="Campaign that dials it; it must exist.")
ACTIVE: Final = Parameter("active", FLAG, "Whether it is dialled.", default="N")

_TIME: Final = "([01][0-9]|2[0-3])[0-5][0-9]"
_FIELDS: Final = (
    # 6 to 20 digits in the document of lists, at most 18 by the server's own error.
    Parameter("outbound_cid", DIGITS, "Number shown to the called.", (6, 18)),
    Parameter("script", TEXT, "Id of a script.", (1, 10), WORD),
    Parameter("am_message", TEXT, "Message for answering machines.", (2, 100), WORD),
    Parameter("drop_inbound_group", TEXT, "In-group of dropped calls.", (1, 10), WORD),
    *(
        Parameter(name, TEXT, "Address of a web form.", (6, 100), ADDRESS_OF_WEB)
        for name in ("web_form_address", "web_form_address_two", "web_form_address_three")
    ),
    Parameter(
        "reset_time",
        TEXT,
        "When leads may be called anew: times of four digits, joined by a minus sign.",
        (4, 100),
        "-0-9",
        pattern=f"{_TIME}(-{_TIME})*",
    ),
    Parameter("expiration_date", DATE, "Last day that it is dialled."),
)
_FIELD_ERRORS: Final = optional(
    (
        "SCRIPT DOES NOT EXIST",
        "IN-GROUP DOES NOT EXIST",
        "RESET TIME IS NOT VALID",
        "EXPIRATION DATE IS NOT VALID",
    )
)
_LIST_ADDED: Final = Saying(
    # The document has no name among the details; the real server does.
    "LIST HAS BEEN ADDED", SUCCESS, ("", "list_id", "list_name", "campaign_id"), LIST_CHANGED,
)  # fmt: skip
_ADD_ERRORS: Final = (
    Saying("USER DOES NOT HAVE PERMISSION TO ADD LISTS", DENIED),
    REQUIRED_FIELDS,
    Saying("CAMPAIGN DOES NOT EXIST", NOT_FOUND),
    Saying("LIST ALREADY EXISTS", DUPLICATE),
    *_FIELD_ERRORS,
)
_YES: Final = ("Y",)
_CHANGED: Final = ("", "list_id", "leads")

LISTS: Final = (
    Function(
        "add_list",
        DIALER360,
        "Add a list.",
        (LIST_ID, replace(LIST_NAME, required=True), replace(CAMPAIGN, required=True), ACTIVE, *_FIELDS),
        (*GENERAL, *_ADD_ERRORS, _LIST_ADDED),
        MODIFY_LISTS,
        is_write=True,
    ),
    Function(
        "update_list",
        DIALER360,
        "Change, reset or delete a list, or its leads.",
        (
            LIST_ID,
            Parameter("insert_if_not_found", FLAG, "Add it where there is none.", default="N"),
            Parameter("reset_list", FLAG, "Let all its leads be called again.", default="N"),
            Parameter("delete_list", FLAG, "Delete the list.", default="N"),
            Parameter("delete_leads", FLAG, "Delete all its leads.", default="N"),
            LIST_NAME,
            CAMPAIGN,
            replace(ACTIVE, default=None),
            *(replace(field, is_clearable=True) for field in _FIELDS),
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO UPDATE LISTS", DENIED),
            *_ADD_ERRORS,
            Saying("NOT AN ALLOWED LIST ID", DENIED),
            Saying("LIST DOES NOT EXIST, SENDING TO add_list FUNCTION", NOTICE),
            Saying("LIST DOES NOT EXIST", NOT_FOUND),
            *optional(
                (
                    "CAMPAIGN DOES NOT EXIST",
                    "LIST NAME MUST BE FROM 6 TO 30 CHARACTERS",
                    "ACTIVE MUST BE Y OR N",
                    "OUTBOUND CID MUST BE FROM 6 TO 18 DIGITS",
                    "ANSWERING MACHINE MESSAGE MUST LESS THAN 101 DIGITS",
                )
            ),
            # What the server calls a notice may be the whole answer: a change, or why there is none.
            NO_UPDATES,
            *refused("LIST RESET FAILED"),
            Saying("USER DOES NOT HAVE PERMISSION TO DELETE LISTS", DENIED),
            Saying("USER DOES NOT HAVE PERMISSION TO DELETE LEADS", DENIED),
            Saying("LIST HAS BEEN UPDATED", SUCCESS, ("", "list_id"), LIST_CHANGED),
            Saying("LEADS IN LIST HAVE BEEN RESET", SUCCESS, _CHANGED, LIST_CHANGED),
            Saying("LIST HAS BEEN DELETED", SUCCESS, ("", "list_id"), LIST_CHANGED),
            Saying("LEADS IN LIST HAVE BEEN DELETED", SUCCESS, _CHANGED, LIST_CHANGED),
            _LIST_ADDED,
        ),
        MODIFY_LISTS,
        rules=(
            Rule(
                "A new list needs a name and a campaign.",
                When("insert_if_not_found", _YES),
                (("list_name", "campaign_id"),),
            ),
        ),
        is_write=True,
    ),
)
