"""
Secrets of webhooks as people hold them (Standard Webhooks 1.0.0): `whsec_` and base64 of 24 to 64 bytes.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

PREFIX: Final = "whsec_"
MIN_BYTES: Final = 24
MAX_BYTES: Final = 64
_NEW_BYTES: Final = 32


def decode_secret(text: str) -> bytes:
    """
    Return the key of a secret.

    Raises:
        ValueError: not such a secret; the message is for a person and never repeats any of it.
    """
    if not text.startswith(PREFIX):
        raise ValueError(f"a webhook secret starts with {PREFIX}")
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except (Base64Error, ValueError):
        raise ValueError(f"what follows {PREFIX} is not base64") from None
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError(f"a webhook secret holds {MIN_BYTES} to {MAX_BYTES} bytes, this one {len(key)}")
    return key


def new_secret() -> str:
    """
    Return a fresh random secret, to be given to relay and to the receiver.
    """
    return PREFIX + b64encode(secrets.token_bytes(_NEW_BYTES)).decode("ascii")
