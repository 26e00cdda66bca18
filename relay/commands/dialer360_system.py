"""
Functions of Dialer360 about the system itself: version, sounds, monitoring, refresh, campaigns.
"""

from __future__ import annotations

from typing import Final

from relay.commands.dialer360_shared import (
    ADMINISTER,
    DIALER360,
    GENERAL,
    IP_ADDRESS,
    MODIFY_CAMPAIGNS,
    NO_UPDATES,
    REQUIRED_FIELDS,
    SEE,
    WORD,
    agent_user,
    optional,
    refused,
)
from relay.commands.function import (
    CHOICE,
    DECIMAL,
    DIGITS,
    FLAG,
    INTEGER,
    TEXT,
    Function,
    Parameter,
    Saying,
)
from relay.model.vendor_answer import DENIED, NOT_FOUND, SUCCESS

_NO_CENTRAL_SOUND: Final = Saying("CENTRAL SOUND CONTROL IS NOT ACTIVE", NOT_FOUND)
_FIELD_OF_FORM: Final = Parameter(
    "comments", TEXT, "Field of the page that the choice goes into.", (1, 255), WORD
)


def _list_of(name: str, summary: str, denied: str, columns: str) -> Function:
    # The server answers with an HTML page whatever the format.
    page = Parameter("format", CHOICE, "How the list is written.", choices=("selectframe",))
    return Function(
        name,
        DIALER360,
        summary,
        (page, _FIELD_OF_FORM),
        (*GENERAL, Saying(f"USER DOES NOT HAVE PERMISSION TO VIEW {denied} LIST", DENIED), _NO_CENTRAL_SOUND),
        SEE,
        columns=("number", *columns.split()),
    )


SYSTEM: Final = (
    Function(
        "version",
        DIALER360,
        "Version, build and clock of the dialer; needs no login.",
        (),
        (),
        columns=("version", "build", "date", "epoch", "dst", "tz", "tznow"),
    ),
    Function(
        "sounds_list",
        DIALER360,
        "Sound files of the audio store; takes the dialer a second.",
        (
            # Without a format of rows and an order the server prints nothing or a page.
            Parameter(
                "format",
                CHOICE,
                "How the list is written; only tab gives all columns.",
                choices=("tab", "link", "selectframe"),
                default="tab",
                default_is_sent=True,
            ),
            Parameter(
                "stage",
                CHOICE,
                "What it is sorted by.",
                choices=("date", "size", "name"),
                default="name",
                default_is_sent=True,
            ),
            _FIELD_OF_FORM,
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO VIEW SOUNDS LIST", DENIED),
            Saying("audio store web directory does not exist", NOT_FOUND),
            _NO_CENTRAL_SOUND,
        ),
        SEE,
        columns=("number", "filename", "date", "size", "epoch"),
    ),
    _list_of("moh_list", "Classes of music on hold.", "SOUNDS", "moh_id moh_name random"),
    _list_of("vm_list", "Voicemail boxes.", "VOICEMAIL BOXES", "voicemail_id fullname email"),
    Function(
        "blind_monitor",
        DIALER360,
        "Call a phone and let it listen in on an agent's session.",
        (
            Parameter("phone_login", TEXT, "Login of the phone to call.", (1, 20), WORD, required=True),
            Parameter("session_id", DIGITS, "Session to listen to.", (7, 7), required=True),
            Parameter(
                "server_ip", TEXT, "Server of the session.", (7, 15), "0-9.", True,
                pattern=IP_ADDRESS,
            ),
            Parameter(
                "stage",
                CHOICE,
                "Listen, or talk too; HIJACK is documented and does nothing.",
                choices=("MONITOR", "BARGE", "HIJACK"),
                default="MONITOR",
            ),
        ),
        (
            *GENERAL,
            Saying(
                "HAS BEEN LAUNCHED", SUCCESS, ("phone_login", "dial_string", "agent_user", "session_id")
            ),
            *refused("INVALID PHONE LOGIN", "INVALID SESSION ID"),
            Saying("USER DOES NOT HAVE PERMISSION TO BLIND MONITOR", DENIED),
        ),
        SEE,
        is_write=True,
    ),
    Function(
        "agent_ingroup_info",
        DIALER360,
        "In-groups and outbound dialling of an agent who is logged in.",
        (
            agent_user("Id of the agent."),
            # The other two are HTML pages.
            Parameter(
                "stage",
                CHOICE,
                "Text, or a page that shows it or lets it be changed.",
                choices=("info", "change", "text"),
                default="text",
                default_is_sent=True,
            ),
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO GET AGENT INFO", DENIED),
            # Unknown, or not logged in.
            *refused("INVALID USER ID"),
        ),
        SEE,
    ),
    Function(
        "server_refresh",
        DIALER360,
        "Let all servers of the cluster write their configuration anew.",
        (
            Parameter(
                "stage", CHOICE, "What to do.", choices=("REFRESH",), default="REFRESH", default_is_sent=True
            ),
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO REFRESH SERVERS", DENIED),
            REQUIRED_FIELDS,
            Saying("SERVER REFRESH HAS BEEN TRIGGERED", SUCCESS, ("", "servers")),
        ),
        ADMINISTER,
        is_write=True,
    ),
    Function(
        "update_campaign",
        DIALER360,
        "Change settings of a campaign.",
        (
            Parameter("campaign_id", TEXT, "Id of the campaign.", (2, 8), WORD, required=True),
            Parameter("campaign_name", TEXT, "Name.", (6, 40), "- .,_0-9A-Za-z"),
            Parameter("active", FLAG, "Whether it dials."),
            # The greatest level is a setting of the dialer: the document says 18, one server said 4.001.
            Parameter(
                "auto_dial_level", DECIMAL, "Lines per agent; the dialer sets the limit.", limits=(0, 18)
            ),
            Parameter(
                "adaptive_maximum_level", DECIMAL, "Greatest level of adaptive dialling.", limits=(0, 99999)
            ),
            Parameter("campaign_vdad_exten", DIGITS, "Routing extension.", (3, 20)),
            Parameter("hopper_level", INTEGER, "Leads kept ready.", limits=(1, 2000)),
            Parameter("reset_hopper", FLAG, "Empty the hopper.", default="N"),
            Parameter(
                "dial_method",
                CHOICE,
                "How it dials.",
                choices=(
                    "MANUAL", "RATIO", "INBOUND_MAN", "ADAPT_AVERAGE", "ADAPT_HARD_LIMIT", "ADAPT_TAPERED",
                ),
            ),
            Parameter("dial_timeout", INTEGER, "Seconds that a call rings.", limits=(1, 120)),
            # The document says 1 to 20 digits, the server's own error 6 to 20.
            Parameter("outbound_cid", DIGITS, "Number shown to the called.", (6, 20)),
            Parameter(
                "lead_filter_id", TEXT, "Id of a filter of leads, or ---NONE---.", (1, 20), WORD
            ),
        ),
        (
            *GENERAL,
            Saying("USER DOES NOT HAVE PERMISSION TO UPDATE CAMPAIGNS", DENIED),
            REQUIRED_FIELDS,
            Saying("NOT AN ALLOWED CAMPAIGN ID", DENIED),
            Saying("CAMPAIGN DOES NOT EXIST", NOT_FOUND),
            *refused("AUTO DIAL LEVEL MUST BE FROM 0 TO"),
            *optional(
                (
                    "DIAL METHOD IS NOT VALID",
                    "ADAPT MAXIMUM DIAL LEVEL MUST BE FROM 1 TO 5 CHARACTERS",
                    "ROUTING EXTENSION MUST BE FROM 3 TO 20 CHARACTERS",
                    "HOPPER LEVEL MUST BE FROM 1 TO 2000",
                    "DIAL TIMEOUT MUST BE FROM 1 TO 120",
                    "CAMPAIGN NAME MUST BE FROM 6 TO 40 CHARACTERS",
                    "CAMPAIGN CID MUST BE FROM 6 TO 20 CHARACTERS",
                    "CAMPAIGN LEAD FILTER MUST BE A VALID FILTER IN THE SYSTEM",
                    "ACTIVE MUST BE Y OR N",
                )
            ),
            NO_UPDATES,
            Saying("HOPPER HAS BEEN RESET", SUCCESS, ("", "campaign_id", "leads")),
            Saying("CAMPAIGN HAS BEEN UPDATED", SUCCESS, ("", "campaign_id")),
        ),
        MODIFY_CAMPAIGNS,
        is_write=True,
    ),
)  # fmt: skip
