"""
The key that secrets in the journal are sealed with, as the configuration holds it: 32 bytes, as a text or as
`hex:` and their digits.
"""

from __future__ import annotations

import re
from typing import Final

from relay.config.id_key import PREFIX

KEY_BYTES: Final = 32
_DIGITS: Final = re.compile(rf"([0-9A-Fa-f]{{2}}){{{KEY_BYTES}}}")


def decode_secrets_key(text: str) -> bytes:
    """
    Return the 32 bytes of a key; a text without the prefix is its own UTF-8 bytes.

    Raises:
        ValueError: not so many bytes, or no such digits; the message never repeats any of it.
    """
    if text.startswith(PREFIX):
        digits = text.removeprefix(PREFIX)
        if not _DIGITS.fullmatch(digits):
            raise ValueError(f"must have {KEY_BYTES} pairs of hexadecimal digits after {PREFIX}")
        return bytes.fromhex(digits)
    key = text.encode()
    if len(key) != KEY_BYTES:
        raise ValueError(f"must be {KEY_BYTES} bytes, or {PREFIX} and what `openssl rand -hex 32` prints")
    return key
