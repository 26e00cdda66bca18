"""
The functions of VoIPcloud beside its call lists: click to call, and what its own staff reports.
"""

from __future__ import annotations

from typing import Final

from relay.commands.function import TEXT, THROTTLED, Function, Parameter, Saying
from relay.model.vendor_answer import AUTH, BAD_ARGUMENT, NOT_FOUND, SUCCESS, UNKNOWN

VOIPCLOUD: Final = "voipcloud"

# The document numbers them 400, 401, 404, 429 and 0; 200 is success.
CODES: Final = (
    Saying("Success", SUCCESS),
    Saying("Parameters error", BAD_ARGUMENT),
    Saying("Authorization error", AUTH),
    Saying("Tenant or required data not found", NOT_FOUND),
    Saying("Too Many Requests", THROTTLED),
    Saying("Unknown error", UNKNOWN),
)
_NUMBER: Final = "+*#0-9"

VOIPCLOUD_FUNCTIONS: Final = (
    Function(
        "call-to-number",
        VOIPCLOUD,
        "Ring a user's phone and, once it is answered, call a number from it.",
        (
            Parameter("user_number", TEXT, "Number of the user.", (1, 40), _NUMBER, required=True),
            Parameter("number_to_call", TEXT, "Number to call.", (1, 40), _NUMBER, required=True),
        ),
        CODES,
        is_write=True,
    ),
    Function(
        "get-system-status",
        VOIPCLOUD,
        "How the phone system fares, as its operator says.",
        (),
        CODES,
    ),
)
