"""
Seal what is secret in the journal: AES-256-GCM (NIST SP 800-38D), with a key that is not in the journal.

What is sealed is bound to what it is about, so that it cannot be put in another's place.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from relay.model.errors import JournalUnusable

KEY_BYTES: Final = 32
SUFFIX: Final = ".secrets-key"
_FORM: Final = b"\x01"  # the first byte of all that is sealed; no reply begins with it, they are JSON
_NONCE_BYTES: Final = 12


class Seal:
    """
    Seals with the first of its keys, and opens with any of them.

    Args:
        keys: of 32 bytes each, at least one.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a seal needs keys of {KEY_BYTES} bytes")
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, secret: bytes, about: str) -> bytes:
        """
        Return `secret` for the journal; only who has the key and says what it is about can open it.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._ciphers[0].encrypt(nonce, secret, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes | None:
        """
        Return what was sealed; None where it was with another key, or about something else.
        """
        opened = (_opened(cipher, sealed, about) for cipher in self._ciphers)
        return next((secret for secret in opened if secret is not None), None)

    def is_current(self, sealed: bytes, about: str) -> bool:
        """
        Tell whether it is sealed with the key that seals now.
        """
        return _opened(self._ciphers[0], sealed, about) is not None


def is_sealed(value: bytes) -> bool:
    """
    Tell whether a value that is JSON otherwise is sealed.
    """
    return value.startswith(_FORM)


def seal_beside(journal: Path, key: bytes | None) -> Seal:
    """
    Return the seal of a journal: that of `key`, else that of the key file beside the journal, which is made
    where it is missing.

    With a `key` of its own, what the file's key has sealed can still be opened.

    Raises:
        JournalUnusable: the file cannot be read or made, or holds no key.
    """
    path = journal.with_name(journal.name + SUFFIX)
    of_file = _read(path)
    if key is not None:
        return Seal([key] if of_file is None else [key, of_file])
    return Seal([of_file or _made(path)])


def _opened(cipher: AESGCM, sealed: bytes, about: str) -> bytes | None:
    start = len(_FORM) + _NONCE_BYTES
    if not is_sealed(sealed) or len(sealed) <= start:
        return None
    try:
        return cipher.decrypt(sealed[len(_FORM) : start], sealed[start:], about.encode())
    except InvalidTag:
        return None


def _read(path: Path) -> bytes | None:
    try:
        text = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalUnusable(f"the key file {path} cannot be read: {error.strerror}") from error
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise JournalUnusable(
            f"the key file {path} holds no key: restore it; or take it away and give endpoints new secrets"
        )
    return key


def _made(path: Path) -> bytes:
    """
    Make a key file whole or not at all: what is sealed with a key that is lost in a crash is lost too.
    """
    key, whole = secrets.token_bytes(KEY_BYTES), path.with_name(path.name + ".new")
    try:
        whole.unlink(missing_ok=True)
        handle = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        whole.rename(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise JournalUnusable(f"the key file {path} cannot be made: {error.strerror}") from error
    return key
