"""
Hide the digits of phone numbers in an event's data, all but the last three.

Fields that hold a number are masked whole.  Fields of free text, which vendors fill, are masked where they
look like a number: six digits or more, in one piece or in groups.  Ids, times and an agent's extension stay.
So does `did` where it is what the event is about: the operator's own number, and the subject.  A link to a
recording that holds a number of its call is null: with other digits it would lead nowhere.
"""

from __future__ import annotations

import re
from typing import Any, Final

SHOWN_DIGITS: Final = 3
NUMBER_FIELDS: Final = frozenset(
    ("from_raw", "from_e164", "to_raw", "to_e164", "did", "phone_number", "phone_raw", "phone_e164")
)
TEXT_FIELDS: Final = frozenset(
    (
        "caller_name", "disposition", "hangup_reason", "message", "previous_status", "reason", "samples",
        "status",
    )
)  # fmt: skip
LINK_FIELD: Final = "recording_url"
ABOUT_A_DID: Final = "did/"
_LINKED_DIGITS: Final = 7  # of a number, its last; what stands before them is written in many ways
_SMALLEST_NUMBER: Final = 100_000
_DIGIT: Final = re.compile(r"\d")
_LIKE_A_NUMBER: Final = re.compile(r"\d(?:[ ().-]{0,2}\d){5,}")


def mask_data(data: dict[str, Any], subject: str) -> dict[str, Any]:
    """
    Return `data` of an event with its numbers masked; where there is a field `masked`, it says so.
    """
    shown = {name: _masked_field(name, value) for name, value in data.items()}
    if _tells_a_number(data.get(LINK_FIELD), data):
        shown[LINK_FIELD] = None
    if subject.startswith(ABOUT_A_DID):
        shown["did"] = data.get("did")
    if "masked" in shown:
        shown["masked"] = True
    return shown


def mask_number(number: str) -> str:
    """
    Return a number with an `x` for each digit but the last three; what is no digit stays.
    """
    hidden = max(len(_DIGIT.findall(number)) - SHOWN_DIGITS, 0)
    return _DIGIT.sub("x", number, count=hidden) if hidden else number


def _tells_a_number(link: object, data: dict[str, Any]) -> bool:
    if not isinstance(link, str):
        return False
    numbers = (_digits(value) for name, value in data.items() if name in NUMBER_FIELDS)
    return any(digits[-_LINKED_DIGITS:] in link for digits in numbers if len(digits) >= _LINKED_DIGITS)


def _digits(number: object) -> str:
    return "".join(_DIGIT.findall(number)) if isinstance(number, str) else ""


def _masked_field(name: str, value: Any) -> Any:
    if name in NUMBER_FIELDS:
        return mask_number(value) if isinstance(value, str) else value
    return _masked_text(value) if name in TEXT_FIELDS else value


def _masked_text(value: Any) -> Any:
    if isinstance(value, str):
        return _LIKE_A_NUMBER.sub(lambda found: mask_number(found[0]), value)
    if isinstance(value, dict):
        return {_masked_text(name): _masked_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked_text(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return _masked_text(str(value)) if abs(value) >= _SMALLEST_NUMBER else value
    return value
