"""
The check of a signature as a receiver makes it: Standard Webhooks 1.0.0, `v1` and `v1a`.

Nothing of the sender's code is used: what both sides had wrong would be seen by neither.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_S: Final = 300
NO_SIGNATURE: Final = "no signature"
TOO_OLD: Final = "too old"
BAD_SIGNATURE: Final = "bad signature"

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (a prefix, not a secret)
_PUBLIC_KEY_PREFIX: Final = "whpk_"


class SignatureCheck:
    """
    Tells genuine requests from others.

    Args:
        keys: secrets (`whsec_…`) for `v1`, public keys (`whpk_…`) for `v1a`; several while one is replaced.
        now: Unix seconds, for the tolerance of five minutes.

    Raises:
        ValueError: a key that is neither; its message does not repeat it.
    """

    def __init__(self, keys: Sequence[str], now: Callable[[], float] = time.time) -> None:
        public = [key for key in keys if key.startswith(_PUBLIC_KEY_PREFIX)]
        self._secrets = [_decoded(key, _SECRET_PREFIX) for key in keys if key not in public]
        try:
            self._public_keys = [
                Ed25519PublicKey.from_public_bytes(_decoded(key, _PUBLIC_KEY_PREFIX)) for key in public
            ]
        except ValueError:
            raise ValueError("a public key is whpk_ and 32 bytes in base64") from None
        self._now = now

    def fault(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """
        Return what is wrong with a request, None where it is genuine; `body` are the bytes as they came.
        """
        webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        given = headers.get("webhook-signature", "")
        if not webhook_id or not given or not (timestamp.isascii() and timestamp.isdigit()):
            return NO_SIGNATURE
        if abs(self._now() - int(timestamp)) > TOLERANCE_S:
            return TOO_OLD
        signed = b"%b.%b.%b" % (webhook_id.encode(errors="surrogateescape"), timestamp.encode(), body)
        return None if self._is_signed(signed, given) else BAD_SIGNATURE

    def _is_signed(self, signed: bytes, given: str) -> bool:
        wanted = [hmac.digest(key, signed, hashlib.sha256) for key in self._secrets]
        if any(hmac.compare_digest(one, other) for one in wanted for other in _signatures(given, "v1")):
            return True
        return any(
            _verifies(key, signature, signed)
            for key in self._public_keys
            for signature in _signatures(given, "v1a")
        )


def _verifies(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _decoded(key: str, prefix: str) -> bytes:
    text = key.removeprefix(prefix)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError(f"not {prefix} and base64") from None


def _signatures(header: str, scheme: str) -> list[bytes]:
    signatures = []
    for part in header.split(" "):
        version, _, text = part.partition(",")
        if version != scheme:  # schemes stand side by side, those to come too
            continue
        try:
            signatures.append(base64.b64decode(text, validate=True))
        except binascii.Error:
            continue
    return signatures
