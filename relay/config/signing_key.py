"""
Keys of `v1a` as people hold them (Standard Webhooks 1.0.0): `whsk_` and base64 of an ed25519 private key,
`whpk_` and base64 of its public key.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE_PREFIX: Final = "whsk_"
PUBLIC_PREFIX: Final = "whpk_"
KEY_BYTES: Final = 32


def decode_signing_key(text: str) -> bytes:
    """
    Return the 32 bytes of a private key (RFC 8032); those of the public key may follow them, and must fit.

    Raises:
        ValueError: not such a key; the message is for a person and never repeats any of it.
    """
    if not text.startswith(PRIVATE_PREFIX):
        raise ValueError(f"a signing key starts with {PRIVATE_PREFIX}")
    try:
        key = b64decode(text.removeprefix(PRIVATE_PREFIX), validate=True)
    except (Base64Error, ValueError):
        raise ValueError(f"what follows {PRIVATE_PREFIX} is not base64") from None
    private, public = key[:KEY_BYTES], key[KEY_BYTES:]
    if len(private) < KEY_BYTES or len(public) not in (0, KEY_BYTES):
        raise ValueError(f"a signing key holds {KEY_BYTES} bytes, or twice as many, this one {len(key)}")
    if public and public != _public_bytes(private):
        raise ValueError("the second half of the signing key is not the public key of the first")
    return private


def encode_signing_key(key: bytes) -> str:
    """
    Return a private key as `decode_signing_key` reads it.
    """
    return PRIVATE_PREFIX + b64encode(key).decode("ascii")


def new_signing_key() -> bytes:
    """
    Return a fresh random private key.
    """
    return secrets.token_bytes(KEY_BYTES)


def public_key(key: bytes) -> str:
    """
    Return what a receiver checks signatures with: `whpk_` and base64.
    """
    return PUBLIC_PREFIX + b64encode(_public_bytes(key)).decode("ascii")


def _public_bytes(key: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
