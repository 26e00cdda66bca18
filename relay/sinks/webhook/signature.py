"""
Sign webhooks as Standard Webhooks 1.0.0 asks: `v1`, HMAC-SHA256 over id, time and body.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Final

from relay.config.webhook_secret import MAX_BYTES, MIN_BYTES

_SHA256_BLOCK: Final = 64
# hashlib lets other threads have the interpreter for more than this, and winning it back takes longer
# than the hash.
_KEEPS_INTERPRETER: Final = 2047
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
        if not all(MIN_BYTES <= len(secret) <= MAX_BYTES for secret in secrets):
            raise ValueError(f"a secret must be {MIN_BYTES} to {MAX_BYTES} bytes")
        # HMAC with the key already hashed in: half the time of hmac.digest for a body of 700 bytes.
        # A key of at most one block is padded with zeros, never hashed (RFC 2104).
        blocks = [secret.ljust(_SHA256_BLOCK, b"\0") for secret in secrets]
        self._keyed = [
            (hashlib.sha256(block.translate(_INNER_PAD)), hashlib.sha256(block.translate(_OUTER_PAD)))
            for block in blocks
        ]

    def sign(self, event_id: str, timestamp_s: int, body: bytes) -> bytes:
        """
        Return the value of `webhook-signature`: one `v1,<base64>` for each secret, joined by a space.

        Raises:
            ValueError: an id that would make the signed text ambiguous or break a header.
        """
        if not _EVENT_ID.fullmatch(event_id):
            raise ValueError("an event id is made of letters, digits, _ and -")
        signed = b"%b.%d.%b" % (event_id.encode(), timestamp_s, body)
        first = self._hmac(self._keyed[0], signed)
        if len(self._keyed) == 1:
            return first
        return b" ".join([first, *[self._hmac(keyed, signed) for keyed in self._keyed[1:]]])

    @staticmethod
    def _hmac(keyed: tuple[hashlib._Hash, hashlib._Hash], signed: bytes) -> bytes:
        inner, outer = keyed[0].copy(), keyed[1].copy()
        if len(signed) <= _KEEPS_INTERPRETER:
            inner.update(signed)
        else:
            for start in range(0, len(signed), _KEEPS_INTERPRETER):
                inner.update(signed[start : start + _KEEPS_INTERPRETER])
        outer.update(inner.digest())
        return b"v1," + b2a_base64(outer.digest(), newline=False)
