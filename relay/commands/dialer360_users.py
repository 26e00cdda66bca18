"""
Functions of Dialer360 on users and group aliases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from relay.commands.dialer360_shared import (
    ADMIN_USER_GROUP,
    ADMINISTER,
    CAMPAIGN_ID,
    DIALER360,
    EMAIL,
    GENERAL,
    LABEL,
    MODIFY_USERS,
    NO_UPDATES,
    PLAIN_LABEL,
    REQUIRED_FIELDS,
    WORD,
    agent_user,
    optional,
    refused,
)
from relay.commands.function import (
    DIGITS,
    DUPLICATE,
    FLAG,
    INTEGER,
    TEXT,
    USER_CREATED,
    USER_UPDATED,
    Function,
    Parameter,
    Rule,
    Saying,
    When,
)
from relay.model.vendor_answer import DENIED, NOT_FOUND, SUCCESS

_ONE_ZERO: Final = ("1", "0")

# A password with other characters is stored without them, and nobody could log in with it.
USER_FIELDS: Final = (
    Parameter("agent_pass", TEXT, "Password of the agent.", (1, 20), WORD, is_secret=True),
    Parameter("agent_user_level", INTEGER, "Level of the agent.", limits=(1, 9)),
    Parameter("agent_full_name", TEXT, "Name of the agent.", (1, 50), LABEL),
    Parameter("agent_user_group", TEXT, "User group; it must exist.", (1, 20), WORD),
)
PHONE_OF_USER: Final = (
    Parameter("phone_login", TEXT, "Login of the agent's phone.", (1, 20), WORD),
    Parameter("phone_pass", TEXT, "Password of the agent's phone.", (1, 20), WORD, is_secret=True),
)
CONTACT_OF_USER: Final = (
    Parameter("voicemail_id", DIGITS, "Voicemail box.", (1, 10)),
    Parameter("email", TEXT, "Email address, without a plus sign.", (1, 100), EMAIL),
)
_MORE_FIELDS: Final = (
    *PHONE_OF_USER,
    Parameter("hotkeys_active", FLAG, "Hot keys may be used.", choices=_ONE_ZERO),
    *CONTACT_OF_USER,
    *(
        Parameter(f"custom_{number}", TEXT, f"Free field {number}.", (1, 100), LABEL)
        for number in ("one", "two", "three", "four", "five")
    ),
    Parameter(
        "wrapup_seconds_override", INTEGER, "Seconds of wrap-up; -1 as the campaign.", limits=(-1, 9999)
    ),
)
ADD_USER_SAYINGS: Final = (
    Saying("USER DOES NOT HAVE PERMISSION TO ADD USERS", DENIED),
    REQUIRED_FIELDS,
    Saying("USER DOES NOT HAVE PERMISSION TO ADD USERS IN THIS USER LEVEL", DENIED),
    Saying("USER GROUP DOES NOT EXIST", NOT_FOUND),
    Saying("USER ALREADY EXISTS", DUPLICATE),
    # Relay's user first and the new password third: neither is shown.
    Saying(
        "USER HAS BEEN ADDED",
        SUCCESS,
        ("", "agent_user", "", "agent_user_level", "agent_full_name", "agent_user_group"),
        USER_CREATED,
    ),
)
UPDATE_USER_SAYINGS: Final = (
    Saying("USER DOES NOT HAVE PERMISSION TO UPDATE USERS", DENIED),
    REQUIRED_FIELDS,
    Saying("USER DOES NOT EXIST", NOT_FOUND),
    Saying("USER DOES NOT HAVE PERMISSION TO UPDATE THIS USER", DENIED),
    *optional(
        tuple(
            f"YOU MUST USE A VALID {field}"
            for field in (
                "FULL NAME", "USER LEVEL", "USER GROUP", "PHONE LOGIN", "PHONE PASSWORD", "VOICEMAIL ID",
                "EMAIL",
            )
        )
    ),
    *optional(("ACTIVE MUST BE Y OR N",)),
    Saying("USER HAS BEEN UPDATED", SUCCESS, ("", "agent_user"), USER_UPDATED),
)  # fmt: skip

_UPDATE_USER: Final = Function(
    "update_user",
    DIALER360,
    "Change or delete a user.",
    (
        agent_user("Id of the user."),
        *USER_FIELDS,
        *_MORE_FIELDS,
        Parameter("active", FLAG, "Whether the user may log in."),
        Parameter("campaign_rank", INTEGER, "Rank in campaigns.", limits=(-9, 9)),
        Parameter("campaign_grade", INTEGER, "Grade in campaigns.", limits=(1, 10)),
        Parameter("camp_rg_only", FLAG, "Rank and grade of one campaign only.", choices=_ONE_ZERO),
        replace(CAMPAIGN_ID, description="Campaign of camp_rg_only."),
        # Not in the list of the document, whose answers speak of it all the same.
        Parameter("delete_user", FLAG, "Delete the user.", default="N"),
    ),
    (
        *GENERAL,
        *UPDATE_USER_SAYINGS,
        Saying("USER DOES NOT HAVE PERMISSION TO DELETE USERS", DENIED),
        *optional(
            tuple(
                f"YOU MUST USE A VALID {field}"
                for field in (
                    "HOTKEYS SETTING", "CUSTOM ONE", "CUSTOM TWO", "CUSTOM THREE", "CUSTOM FOUR",
                    "CUSTOM FIVE", "CAMPAIGN RANK", "CAMPAIGN GRADE",
                )
            )
        ),
        *optional(("wrapup_seconds_override MUST BE A VALID DIGIT BETWEEN -1 AND 9999",)),
        NO_UPDATES,
        # Where rank or grade is all that changes, the server adds that nothing was to be changed.
        Saying("USER CAMPAIGN RANKS HAVE BEEN UPDATED", SUCCESS, (), USER_UPDATED),
        Saying("USER CAMPAIGN RANKS/GRADES HAVE BEEN UPDATED", SUCCESS, (), USER_UPDATED),
        Saying("USER HAS BEEN DELETED", SUCCESS, ("", "agent_user"), USER_UPDATED),
    ),
    MODIFY_USERS,
    rules=(
        Rule("Rank and grade of one campaign need it.", When("camp_rg_only", ("1",)), (("campaign_id",),)),
    ),
    is_write=True,
)  # fmt: skip

USERS: Final = (
    Function(
        "add_user",
        DIALER360,
        "Add a user.",
        (
            agent_user("Id of the new user; AUTOGENERATED lets the dialer choose."),
            *(replace(field, required=True) for field in USER_FIELDS),
            *_MORE_FIELDS,
        ),
        (*GENERAL, *ADD_USER_SAYINGS),
        MODIFY_USERS,
        is_write=True,
    ),
    _UPDATE_USER,
    Function(
        "add_group_alias",
        DIALER360,
        "Add a caller id that agents may choose.",
        (
            # 6 to 20 characters in the document; the server keeps digits only.
            Parameter("caller_id_number", DIGITS, "The number.", (6, 20), required=True),
            Parameter("group_alias_id", TEXT, "Its id; by default the number.", (3, 30), "_0-9A-Za-z"),
            Parameter("group_alias_name", TEXT, "Its name; by default the number.", (3, 50), PLAIN_LABEL),
            Parameter("caller_id_name", TEXT, "Name shown to the called.", (6, 20), PLAIN_LABEL),
            Parameter("active", FLAG, "Whether it may be used.", default="Y"),
            ADMIN_USER_GROUP,
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO ADD GROUP ALIASES", DENIED),
            REQUIRED_FIELDS,
            *refused("GROUP ALIAS ALREADY EXISTS", word=DUPLICATE),
            # In the order of the real server.
            Saying(
                "GROUP ALIAS HAS BEEN ADDED",
                SUCCESS,
                ("", "group_alias_id", "group_alias_name", "caller_id_number"),
            ),
        ),
        ADMINISTER,
        is_write=True,
    ),
)
