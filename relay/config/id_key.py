"""
The secret that ids follow from, as the configuration holds it: a text, or `hex:` and the digits of its bytes.
"""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = "hex:"
MIN_BYTES: Final = 16
MAX_BYTES: Final = 64
_DIGITS: Final = re.compile(rf"([0-9A-Fa-f]{{2}}){{{MIN_BYTES},{MAX_BYTES}}}")


def decode_id_key(text: str) -> bytes:
    """
    Return the 16 to 64 bytes of a key; a text without the prefix is its own UTF-8 bytes.

    Raises:
        ValueError: too short, too long, or no such digits; the message never repeats any of it.
    """
    if text.startswith(PREFIX):
        digits = text.removeprefix(PREFIX)
        # Not left to bytes.fromhex, which takes spaces too.
        if not _DIGITS.fullmatch(digits):
            raise ValueError(
                f"must have {MIN_BYTES} to {MAX_BYTES} pairs of hexadecimal digits after {PREFIX}"
            )
        return bytes.fromhex(digits)
    key = text.encode()
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError(f"must be {MIN_BYTES} to {MAX_BYTES} bytes")
    return key


def encode_id_key(key: bytes) -> str:
    """
    Return a key as `decode_id_key` reads it, whatever its bytes.
    """
    return PREFIX + key.hex()
