"""
Phone numbers: what the vendor wrote, and its E.164 form where there is exactly one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import phonenumbers

CACHED_NUMBERS: Final = 20_000
SHORTEST_LINKABLE_DIGITS: Final = 6
LINK_DIGITS: Final = 9
FULL_NATIONAL_DIGITS: Final = 9
IS_POSSIBLE: Final = phonenumbers.ValidationResult.IS_POSSIBLE
_NO_PLAIN_NUMBER: Final = re.compile(r"[A-Za-z@;]")
_MASK: Final = re.compile(r"[*xX#]{2,}")
_NOT_DIGITS: Final = re.compile(r"\D+")
_WITHHELD: Final = frozenset(
    {"", "anonymous", "private", "restricted", "unavailable", "unknown", "withheld", "blocked", "none"}
)


@lru_cache(maxsize=CACHED_NUMBERS)
def e164(raw: str, country: str) -> str | None:
    """
    Return the E.164 form of a number dialled in `country` (ISO 3166 alpha-2), or None.

    Extensions, short codes, masked and withheld numbers have none.
    """
    if is_masked(raw) or is_withheld(raw):
        return None
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or phonenumbers.is_possible_number_with_reason(number) != IS_POSSIBLE:
        return None
    # Possible but not valid is also what an extension looks like; a full number may be newer than our tables.
    if len(str(number.national_number)) < FULL_NATIONAL_DIGITS and not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def country_of(phone_code: object, country: str) -> str:
    """
    Return the country in whose plan a number with a country calling code stands: `country` itself where the
    code is its own, is none, or is that of no country (`800`).
    """
    text = str(phone_code)
    if not (text.isascii() and text.isdecimal()) or int(text) == phonenumbers.country_code_for_region(
        country
    ):
        return country
    found = phonenumbers.region_code_for_country_code(int(text))
    return found if found in phonenumbers.SUPPORTED_REGIONS else country


def is_masked(raw: str) -> bool:
    """
    Tell whether digits of a number were hidden, as in `12345***`.
    """
    return _MASK.search(raw) is not None


def is_withheld(raw: str) -> bool:
    """
    Tell whether the caller hid the whole number.
    """
    return raw.strip().lower() in _WITHHELD


@lru_cache(maxsize=CACHED_NUMBERS)
def link_key(raw: str, country: str) -> str | None:
    """
    Return what two spellings of one number share, or None where a number alone must never link legs.

    Withheld, masked and short numbers never do, nor do SIP addresses and numbers with an extension.
    """
    if is_masked(raw) or is_withheld(raw) or _NO_PLAIN_NUMBER.search(raw):
        return None
    full = e164(raw, country)
    digits = _NOT_DIGITS.sub("", full or raw)
    if len(digits) < SHORTEST_LINKABLE_DIGITS:
        return None
    return digits[-LINK_DIGITS:]
