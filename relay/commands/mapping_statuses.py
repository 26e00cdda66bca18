"""
The CRM's statuses in commands: the dialer is sent its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Functions that write a lead, and their parameters that hold a status of it.
_STATUS_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "add_lead": ("status", "callback_status"),
    "update_lead": ("status", "callback_status"),
}


def has_status(function: str, params: Mapping[str, Any]) -> bool:
    """
    Tell whether there is anything to translate.
    """
    return not params.keys().isdisjoint(_STATUS_PARAMETERS.get(function, ()))


def translated(
    function: str, params: Mapping[str, Any], lead_statuses_by_code: Mapping[str, str]
) -> dict[str, Any]:
    """
    Return the parameters of a command with the dialer's status in place of each code of the CRM.

    A text that is no code stays as it is: it is the dialer's own status, or a fault that the check of the
    parameters finds; so this comes before that check, which codes of more than 6 characters would not pass.
    A text that is a code *and* the dialer's word for another status is taken for the code: whoever has
    mapped it speaks codes, and may map the text to itself to mean the dialer's.

    Args:
        function: its name.
        params: as given.
        lead_statuses_by_code: those of the source, `relay.model.mapping.Mappings.dialer_statuses`.
    """
    told = dict(params)
    for name in _STATUS_PARAMETERS.get(function, ()):
        code = told.get(name)
        if isinstance(code, str) and code in lead_statuses_by_code:
            told[name] = lead_statuses_by_code[code]
    return told
