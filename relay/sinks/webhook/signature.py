"""
Sign webhooks as Standard Webhooks 1.0.0 asks, over id, time and body: `v1`, HMAC-SHA256, and `v1a`, ed25519.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.config.webhook_secret import MAX_BYTES, MIN_BYTES
from relay.model.delivery_options import V1, V1A
from relay.model.endpoint import EndpointSpec

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
        secrets: decoded secrets of v1, 24 to 64 bytes each; the first signs first.
        signing_keys: private keys of v1a, 32 bytes each; they sign behind the secrets, the first first.
    """

    def __init__(self, secrets: Sequence[bytes], signing_keys: Sequence[bytes] = ()) -> None:
        if not secrets and not signing_keys:
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
        self._private = [Ed25519PrivateKey.from_private_bytes(key) for key in signing_keys]
        self._only = self._keyed[0] if len(secrets) == 1 and not signing_keys else None

    @classmethod
    def of(cls, spec: EndpointSpec) -> Signer:
        """
        Return what signs for an endpoint.

        Raises:
            ValueError: a scheme that is to sign has nothing to sign with.
        """
        if spec.missing_scheme is not None:
            raise ValueError(f"endpoint {spec.id} has no secret for {spec.missing_scheme}")
        wanted = spec.options.signatures
        return cls(spec.secrets if V1 in wanted else (), spec.signing_keys if V1A in wanted else ())

    def sign(self, event_id: str, timestamp_s: int, body: bytes) -> bytes:
        """
        Return the value of `webhook-signature`, joined by a space: `v1,<base64>` for each secret, then
        `v1a,<base64>` for each signing key.  Some receivers look at the first alone, and most know v1 only.

        Raises:
            ValueError: an id that would make the signed text ambiguous or break a header.
        """
        if not _EVENT_ID.fullmatch(event_id):
            raise ValueError("an event id is made of letters, digits, _ and -")
        signed = b"%b.%d.%b" % (event_id.encode(), timestamp_s, body)
        if self._only is not None:
            return self._hmac(self._only, signed)
        symmetric = [self._hmac(keyed, signed) for keyed in self._keyed]
        return b" ".join([*symmetric, *[self._ed25519(key, signed) for key in self._private]])

    @staticmethod
    def _ed25519(key: Ed25519PrivateKey, signed: bytes) -> bytes:
        return b"v1a," + b2a_base64(key.sign(signed), newline=False)

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
