"""
What many functions of Dialer360 have in common: parameters, and what the server says to all of them.

The character classes are those that the server itself keeps (VICIdial's input filter, as long as
`use_non_latin` is off): it drops everything else without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay.commands.function import CHOICE, DATE, DIGITS, FLAG, TEXT, Parameter, Permission, Saying
from relay.model.vendor_answer import AUTH, BAD_ARGUMENT, DENIED, IP_BLOCKED, LOCKED, NOT_FOUND

DIALER360: Final = "dialer360"

WORD: Final = "-_0-9A-Za-z"
ALPHANUMERIC: Final = "0-9A-Za-z"
GROUPS: Final = "-_0-9A-Za-z"
NAME: Final = "-' _.0-9A-Za-z"
ADDRESS: Final = "-' .:/@_0-9A-Za-z"
EMAIL: Final = "-'.:/@%_0-9A-Za-z"
LABEL: Final = "- +.:/@_0-9A-Za-z"
PLAIN_LABEL: Final = "- +_0-9A-Za-z"
ADDRESS_OF_WEB: Final = "- %=+.:/@?&_0-9A-Za-z"
IP_ADDRESS: Final = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
# Comments and the codes of other systems keep all but these; a plus becomes a space.
FREE: Final = '^;#"+'
# The same in rows whose delimiter is a pipe.
FREE_IN_ROWS: Final = '^;#"+|'

SEE_REPORTS: Final = Permission(7, "view reports")
SEE: Final = Permission(7)
MODIFY_LEADS: Final = Permission(8, "modify leads")
MODIFY_USERS: Final = Permission(8, "modify users")
MODIFY_LISTS: Final = Permission(8, "modify lists")
MODIFY_CAMPAIGNS: Final = Permission(8, "modify campaigns")
ADMINISTER: Final = Permission(8, "ast admin access")

# The format of rows is part of the vendor's document; what relay answers is the same in all of them.
ROW_FORMAT: Final = (
    Parameter(
        "stage", CHOICE, "Delimiter on the wire; rows are the same.", choices=("csv", "tab", "pipe"),
        default="pipe",
    ),
    Parameter(
        "header", FLAG, "A line of names on the wire; rows are the same.", choices=("YES", "NO"), default="NO"
    ),
)  # fmt: skip
PHONE_CODE: Final = Parameter("phone_code", DIGITS, "Country calling code.", (1, 4), default="1")
CAMPAIGN_ID: Final = Parameter("campaign_id", TEXT, "Id of a campaign.", (2, 8), WORD)
ADMIN_USER_GROUP: Final = Parameter(
    "admin_user_group", TEXT, "User group that may administer it.", (2, 20), WORD, default="---ALL---"
)
GENERAL: Final = (
    Saying("Login incorrect, please try again", AUTH),
    Saying("Too many login attempts, try again in 15 minutes", LOCKED),
    Saying("Your IP Address is not allowed", IP_BLOCKED),
    Saying("USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION", DENIED),
    # The dialer is of a build that does not have it.
    Saying("NO FUNCTION SPECIFIED", NOT_FOUND),
    Saying("Invalid Source", BAD_ARGUMENT),
)
REQUIRED_FIELDS: Final = Saying("YOU MUST USE ALL REQUIRED FIELDS", BAD_ARGUMENT)
NO_UPDATES: Final = Saying("NO UPDATES DEFINED", BAD_ARGUMENT)


def agent_user(description: str, *, required: bool = True) -> Parameter:
    """
    Return the parameter that names an agent.
    """
    return Parameter("agent_user", TEXT, description, (2, 20), WORD, required)


def date_of_calls() -> Parameter:
    """
    Return the parameter for a day by the dialer's own clock.
    """
    return Parameter("date", DATE, "Day of the calls, by the dialer's clock.")


def refused(*texts: str, word: str = BAD_ARGUMENT) -> tuple[Saying, ...]:
    """
    Return texts that all mean the same.
    """
    return tuple(Saying(text, word) for text in texts)


def optional(texts: Sequence[str]) -> tuple[Saying, ...]:
    """
    Return the errors about fields that may be left out.
    """
    return tuple(Saying(f"{text}, THIS IS AN OPTIONAL FIELD", BAD_ARGUMENT) for text in texts)
