"""
What a look-up of a number may find: the words of HLR providers, of which relay knows four.
"""

from __future__ import annotations

from typing import Final

VALID: Final = "valid"  # there is a subscriber
INVALID: Final = "invalid"  # there is none: never assigned, or given back
UNREACHABLE: Final = "unreachable"  # there is one whose phone the network does not reach
UNKNOWN: Final = "unknown"  # nobody could tell
NUMBER_STATUSES: Final = (VALID, INVALID, UNREACHABLE, UNKNOWN)

# How far the numbers of leads are checked before they are sent to a dialer.
OFF: Final = "off"
VALIDITY: Final = "validity"  # by the numbering plans alone
HLR: Final = "hlr"  # these, then a look-up
