"""
Every function of every vendor: what may be asked of a source, by its kind.

All that others need of the declarations is here: the simulated phone systems may import only this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from relay.commands.checking import Fault, check
from relay.commands.dialer360_lead_logs import LEAD_LOGS
from relay.commands.dialer360_leads import LEADS
from relay.commands.dialer360_lists import LISTS
from relay.commands.dialer360_phones import PHONES
from relay.commands.dialer360_reports import REPORTS
from relay.commands.dialer360_shared import DIALER360
from relay.commands.dialer360_system import SYSTEM
from relay.commands.dialer360_users import USERS
from relay.commands.elision import ELISION, ELISION_FUNCTIONS
from relay.commands.function import Function, Parameter, Permission, Rule, Saying, When
from relay.commands.voipcloud import VOIPCLOUD, VOIPCLOUD_FUNCTIONS
from relay.model.errors import NotFound

__all__ = [
    "ALL", "FUNCTIONS", "check", "function", "functions_of",
    "DIALER360", "ELISION", "VOIPCLOUD",
    "Fault", "Function", "Parameter", "Permission", "Rule", "Saying", "When",
]  # fmt: skip

ALL: Final = (
    *SYSTEM, *REPORTS, *LEADS, *LEAD_LOGS, *USERS, *PHONES, *LISTS, *ELISION_FUNCTIONS, *VOIPCLOUD_FUNCTIONS,
)  # fmt: skip
FUNCTIONS: Final[Mapping[str, Mapping[str, Function]]] = MappingProxyType(
    {
        kind: MappingProxyType({one.name: one for one in ALL if one.kind == kind})
        for kind in (DIALER360, ELISION, VOIPCLOUD)
    }
)
_NONE: Final[Mapping[str, Function]] = MappingProxyType({})


def functions_of(kind: str) -> Mapping[str, Function]:
    """
    Return the functions of a kind of source by name; none where the kind has none.
    """
    return FUNCTIONS.get(kind, _NONE)


def function(kind: str, name: str) -> Function:
    """
    Return one function.

    Raises:
        NotFound: a source of that kind has no such function.
    """
    found = functions_of(kind).get(name)
    if found is None:
        raise NotFound(f"sources of kind `{kind}` have no function `{name}`")
    return found
