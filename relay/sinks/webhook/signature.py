"""
Sign webhooks as Standard Webhooks 1.0.0 asks: `v1`, HMAC-SHA256 over id, time and body.
"""

from __future__ import annotations

import hashlib
import re
import secrets as random_source
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Final

KEY_PREFIX: Final = "whsec_"
MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64
_NEW_SECRET_BYTES: Final = 32
_SHA256_BLOCK: Final = 64
_INNER_PAD: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD: Final = bytes(byte ^ 0x5C for byte in range(256))
_EVENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Signer:
    """
    Signs with every secret of an endpoint, so that a receiver may change over while both are valid.

    Args:
        secrets: decoded secrets, 24 to 64 bytes each, at least one; the first signs first.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("an endpoint needs at least one secret")
        if not all(MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES for secret in secrets):
            raise ValueError(f"a secret must be {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes")
        # HMAC with the key already hashed in: half the time of hmac.digest for a body of 700 bytes.
        # A key of at most one block is padded with zeros, never hashed (RFC 2104).
        blocks = [secret.ljust(_SHA256_BLOCK, b"\0") for secret in secrets]
        self._keyed = [
            (hashlib.sha256(block.translate(_INNER_PAD)), hashlib.sha256(block.translate(_OUTER_PAD)))
            for block in blocks
        ]

    def sign(self, event_id: str, timestamp_s: int, body: bytes) -> str:
        """
        Return the value of `webhook-signature`: one `v1,<base64>` for each secret, joined by a space.

        Raises:
            ValueError: an id that would make the signed text ambiguous or break a header.
        """
        if not _EVENT_ID.fullmatch(event_id):
            raise ValueError("an event id is made of letters, digits, _ and -")
        signed = b"%b.%d.%b" % (event_id.encode(), timestamp_s, body)
        return " ".join(["v1," + self._hmac(keyed, signed) for keyed in self._keyed])

    @staticmethod
    def _hmac(keyed: tuple[hashlib._Hash, hashlib._Hash], signed: bytes) -> str:
        inner, outer = keyed[0].copy(), keyed[1].copy()
        inner.update(signed)
        outer.update(inner.digest())
        return b64encode(outer.digest()).decode("ascii")


def decode_secret(text: str) -> bytes:
    """
    Return the key of a secret as operators hold it, `whsec_` and base64.

    Raises:
        ValueError: not such a secret; the message is for a person and never repeats any of it.
    """
    if not text.startswith(KEY_PREFIX):
        raise ValueError(f"a webhook secret starts with {KEY_PREFIX}")
    try:
        key = b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (Base64Error, ValueError):
        raise ValueError(f"what follows {KEY_PREFIX} is not base64") from None
    if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError(
            f"a webhook secret holds {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes, this one {len(key)}"
        )
    return key


def new_secret() -> str:
    """
    Return a fresh random secret, as an operator gives it to the receiver.
    """
    return KEY_PREFIX + b64encode(random_source.token_bytes(_NEW_SECRET_BYTES)).decode("ascii")
