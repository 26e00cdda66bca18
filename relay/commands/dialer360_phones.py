"""
Functions of Dialer360 on phones and their aliases.

The vendor's document ends within add_phone; the rest are the functions of the same build of VICIdial.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from relay.commands.dialer360_shared import (
    ADMIN_USER_GROUP,
    ADMINISTER,
    DIALER360,
    EMAIL,
    GENERAL,
    IP_ADDRESS,
    LABEL,
    NO_UPDATES,
    REQUIRED_FIELDS,
    WORD,
    optional,
    refused,
)
from relay.commands.function import (
    CHOICE,
    DECIMAL,
    DIGITS,
    DUPLICATE,
    FLAG,
    INTEGER,
    LIST,
    TEXT,
    Function,
    Parameter,
    Rule,
    Saying,
    When,
)
from relay.model.vendor_answer import BAD_ARGUMENT, DENIED, NOT_FOUND, SUCCESS

_EXTENSION: Final = Parameter("extension", TEXT, "Extension of the phone.", (2, 100), WORD, required=True)
_SERVER_IP: Final = Parameter(
    "server_ip", TEXT, "Server it registers with.", (7, 15), "0-9.", True, pattern=IP_ADDRESS
)
_FIELDS: Final = (
    Parameter("dialplan_number", DIGITS, "Number in the dial plan.", (1, 20)),
    Parameter("voicemail_id", DIGITS, "Voicemail box.", (1, 10)),
    Parameter("phone_login", TEXT, "Login of the phone.", (1, 20), WORD),
    Parameter("phone_pass", TEXT, "Password of the login.", (1, 20), WORD, is_secret=True),
    Parameter("protocol", CHOICE, "Protocol.", choices=("IAX2", "SIP", "Zap", "EXTERNAL")),
    Parameter(
        "registration_password", TEXT, "Password of the registration.", (1, 20), WORD, is_secret=True
    ),
    Parameter("phone_full_name", TEXT, "Name of the phone.", (1, 50), "- +._0-9A-Za-z"),
    # The server compares the text with its list: "-5.00" is a time zone, "-5" is none.
    Parameter("local_gmt", DECIMAL, "Hours ahead of UTC, without summer time.", limits=(-12, 14), places=2),
)  # fmt: skip
_CONTEXT: Final = Parameter(
    "phone_context", TEXT, "Context in the dial plan.", (1, 20), WORD, default="default"
)
_ALIAS_FIELDS: Final = (
    Parameter("alias_id", TEXT, "Id of the alias.", (2, 20), WORD, required=True),
    Parameter("phone_logins", LIST, "Logins of the phones it stands for.", (2, 255), WORD, separator=","),
    Parameter("alias_name", TEXT, "Name of the alias.", (1, 50), LABEL),
)
_BAD_TIMEZONE: Final = Saying("YOU MUST USE A VALID TIMEZONE", BAD_ARGUMENT)
_ON_SERVER: Final = ("", "extension", "server_ip")

PHONES: Final = (
    Function(
        "add_phone",
        DIALER360,
        "Add a phone.",
        (
            _EXTENSION,
            _SERVER_IP,
            *(replace(field, required=True) for field in _FIELDS),
            Parameter("outbound_cid", DIGITS, "Number shown to the called.", (1, 20), required=True),
            _CONTEXT,
            Parameter("email", TEXT, "Email address for voicemail.", (1, 100), EMAIL),
            ADMIN_USER_GROUP,
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO ADD PHONES", DENIED),
            REQUIRED_FIELDS,
            Saying("SERVER DOES NOT EXIST", NOT_FOUND),
            *refused("PHONE ALREADY EXISTS ON THIS SERVER", "PHONE LOGIN ALREADY EXISTS", word=DUPLICATE),
            _BAD_TIMEZONE,
            Saying("PHONE HAS BEEN ADDED", SUCCESS, (*_ON_SERVER, "protocol", "dialplan_number")),
        ),
        ADMINISTER,
        is_write=True,
    ),
    Function(
        "update_phone",
        DIALER360,
        "Change or delete a phone.",
        (
            _EXTENSION,
            _SERVER_IP,
            Parameter("delete_phone", FLAG, "Delete it.", default="N"),
            *_FIELDS,
            Parameter("outbound_cid", DIGITS, "Number shown to the called.", (6, 18)),
            Parameter("outbound_alt_cid", DIGITS, "Second number to show.", (6, 18), is_clearable=True),
            replace(_CONTEXT, default=None),
            Parameter("email", TEXT, "Email address for voicemail.", (5, 100), EMAIL, is_clearable=True),
            replace(ADMIN_USER_GROUP, default=None),
            Parameter("phone_ring_timeout", INTEGER, "Seconds that it rings.", limits=(2, 180)),
            Parameter("delete_vm_after_email", FLAG, "Delete a voice message once it is sent."),
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO UPDATE PHONES", DENIED),
            REQUIRED_FIELDS,
            *refused("SERVER DOES NOT EXIST", "PHONE DOES NOT EXIST ON THIS SERVER", word=NOT_FOUND),
            Saying("LOGIN ALREADY EXISTS", DUPLICATE),
            _BAD_TIMEZONE,
            *refused(
                *(
                    f"YOU MUST USE A VALID {field}"
                    for field in (
                        "DIALPLAN NUMBER", "VOICEMAIL NUMBER", "PHONE PASSWORD", "REGISTRATION PASSWORD",
                        "PROTOCOL", "PHONE NAME", "PHONE CONTEXT", "EMAIL",
                    )
                )
            ),
            *optional(
                (
                    "ACTIVE MUST BE Y OR N",
                    "OUTBOUND CID MUST BE FROM 6 TO 18 DIGITS",
                    "OUTBOUND ALT CID MUST BE FROM 6 TO 18 DIGITS",
                    "USER GROUP MUST BE FROM 2 TO 20 CHARACTERS",
                    "PHONE RING TIMEOUT MUST BE FROM 2 TO 180 SECONDS",
                    "DELETE VOICEMAIL AFTER EMAIL MUST BE Y OR N",
                )
            ),
            NO_UPDATES,
            Saying("USER DOES NOT HAVE PERMISSION TO DELETE PHONES", DENIED),
            Saying("PHONE HAS BEEN UPDATED", SUCCESS, _ON_SERVER),
            Saying("PHONE HAS BEEN DELETED", SUCCESS, _ON_SERVER),
        ),
        ADMINISTER,
        is_write=True,
    ),
    Function(
        "add_phone_alias",
        DIALER360,
        "Add a name for several phones of one agent.",
        tuple(replace(field, required=True) for field in _ALIAS_FIELDS),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO ADD PHONE ALIASES", DENIED),
            REQUIRED_FIELDS,
            Saying("PHONE ALIAS ALREADY EXISTS", DUPLICATE),
            Saying("PHONE DOES NOT EXIST", NOT_FOUND),
            Saying("PHONE ALIAS HAS BEEN ADDED", SUCCESS, ("", "alias_id", "alias_name", "phone_logins")),
        ),
        ADMINISTER,
        is_write=True,
    ),
    Function(
        "update_phone_alias",
        DIALER360,
        "Change or delete an alias of phones.",
        # The document calls logins and name required; the server changes and deletes without them.
        (*_ALIAS_FIELDS, Parameter("delete_alias", FLAG, "Delete it.", default="N")),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO UPDATE PHONE ALIASES", DENIED),
            REQUIRED_FIELDS,
            *refused("PHONE ALIAS DOES NOT EXIST", "PHONE DOES NOT EXIST", word=NOT_FOUND),
            Saying("YOU MUST USE A VALID ALIAS NAME", BAD_ARGUMENT),
            NO_UPDATES,
            Saying("PHONE ALIAS HAS BEEN UPDATED", SUCCESS, ("", "alias_id")),
            Saying("PHONE ALIAS HAS BEEN DELETED", SUCCESS, ("", "alias_id")),
        ),
        ADMINISTER,
        rules=(
            Rule(
                "Something must change: logins, name, or its deletion.",
                When("delete_alias", ("N",)),
                (("phone_logins",), ("alias_name",)),
            ),
        ),
        is_write=True,
    ),
)  # fmt: skip
