"""
The functions of Elision, whose dialer is a VICIdial behind its own entrance.

It answers to users as VICIdial does, and to lists and leads in JSON.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from relay.commands.dialer360_lead_fields import LEAD_FIELDS
from relay.commands.dialer360_lists import ACTIVE, CAMPAIGN, LIST_ID, LIST_NAME
from relay.commands.dialer360_shared import MODIFY_LISTS, MODIFY_USERS, REQUIRED_FIELDS, agent_user
from relay.commands.dialer360_users import (
    ADD_USER_SAYINGS,
    CONTACT_OF_USER,
    PHONE_OF_USER,
    UPDATE_USER_SAYINGS,
    USER_FIELDS,
)
from relay.commands.function import (
    DIGITS,
    DUPLICATE,
    FLAG,
    LEAD_CREATED,
    LEAD_REJECTED,
    LIST_CHANGED,
    RECORDS,
    Function,
    Parameter,
    Saying,
)
from relay.model.vendor_answer import BAD_ARGUMENT, DENIED, NOT_FOUND, SUCCESS

ELISION: Final = "elision"
# Ours: the document sets none, and one request must end before its deadline.
MAX_LEADS: Final = 500

_OF_LEAD: Final = {field.name: field for field in LEAD_FIELDS}
_LEAD: Final = (
    Parameter("phone_number", DIGITS, "Phone number.", (6, 16), required=True),
    replace(LIST_ID, description="List it goes into."),
    # The document's own example has an empty one.
    *(
        replace(_OF_LEAD[name], length=(0, (_OF_LEAD[name].length or (0, 0))[1]))
        for name in ("city", "email", "first_name", "last_name", "vendor_lead_code", "postal_code")
    ),
)

ELISION_FUNCTIONS: Final = (
    Function(
        "add_user",
        ELISION,
        "Add a user.",
        (
            agent_user("Id of the new user."),
            *(replace(field, required=True) for field in USER_FIELDS),
            *PHONE_OF_USER,
            *CONTACT_OF_USER,
        ),
        ADD_USER_SAYINGS,
        MODIFY_USERS,
        is_write=True,
    ),
    Function(
        "update_user",
        ELISION,
        "Change a user.",
        (
            agent_user("Id of the user."),
            *USER_FIELDS,
            *PHONE_OF_USER,
            *CONTACT_OF_USER,
            Parameter("active", FLAG, "Whether the user may log in."),
        ),
        UPDATE_USER_SAYINGS,
        MODIFY_USERS,
        is_write=True,
    ),
    Function(
        "add_list",
        ELISION,
        "Add a list.",
        (LIST_ID, replace(LIST_NAME, required=True), replace(CAMPAIGN, required=True), ACTIVE),
        (
            Saying("* does not have permission to add list in the system", DENIED),
            Saying("Please send list id , campaign id and list name", BAD_ARGUMENT),
            Saying("* campaign does not exist", NOT_FOUND),
            Saying("* list already exist", DUPLICATE),
            Saying("* list created", SUCCESS, ("list_id", "list_name", "campaign_id"), LIST_CHANGED),
        ),
        MODIFY_LISTS,
        is_write=True,
    ),
    Function(
        "active_lists",
        ELISION,
        "All lists that are dialled.",
        (),
        (Saying("lists are listed successfully", SUCCESS),),
        columns=("campaign_id", "list_id", "list_name"),
    ),
    Function(
        "add_multi_lead",
        ELISION,
        "Add several leads at once; each has its own verdict.",
        (Parameter("multi_leads", RECORDS, "The leads.", (1, MAX_LEADS), required=True, fields=_LEAD),),
        (
            REQUIRED_FIELDS,
            Saying("Invalid phone number", BAD_ARGUMENT),
            Saying("Record(s) Created", SUCCESS, (), LEAD_CREATED),
        ),
        is_write=True,
        columns=("lead", "success", "message", "data"),
        rejected_event=LEAD_REJECTED,
        row_verdict="success",
    ),
)
