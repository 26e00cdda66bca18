"""
Deterministic ids and subjects (DESIGN section 3, I2, and section 4, Identity).

Every hash is keyed with the deployment's `id_key`, so that nobody can find a masked number by
hashing all numbers.  Ids match `[a-z0-9_]{20,64}`; equal facts give equal ids, on any machine.

Ids of legs, calls and their events begin with the second in which the leg started, written so that they
sort by it: what is new then lies together in every index of the journal, however large that has grown.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

import orjson

_SEPARATOR: Final = b"\x1f"
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]*")
_FINGERPRINT: Final = b"relay id_key"  # of its own kind: no id is ever made so
_FINGERPRINT_BYTES: Final = 8
_ID_BYTES: Final = 15  # 120 bits: 30 hexadecimal digits
_SORTABLE_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"
_TIME_LENGTH: Final = 7  # 35 bits of seconds: until the year 3058


class IdMaker:
    """
    Makes every id of one deployment.

    Args:
        id_key: the deployment's secret, 16 to 64 bytes; kept for ever, since ids follow from it.
    """

    def __init__(self, id_key: bytes) -> None:
        if not 16 <= len(id_key) <= 64:
            raise ValueError("id_key must be 16 to 64 bytes")
        self._keyed = blake2b(key=id_key, digest_size=_ID_BYTES)

    def leg_base(self, *parts: str, started_s: int | None = None) -> str:
        """
        Return the bag key shared by all legs with the same immutable facts.

        Args:
            parts: the facts.
            started_s: when the legs started, in seconds since 1970, where that is one of them.
        """
        hashed = self._hash(b"base", *(part.encode() for part in parts))
        return hashed if started_s is None else _sortable(started_s) + hashed

    def leg(self, base: str, ordinal: int) -> str:
        """
        Return the id of the `ordinal`-th leg (from 0) of a bag.
        """
        return _time_in(base) + self._hash(b"leg", base.encode(), str(ordinal).encode())

    def milestone(self, subject: str, milestone: str) -> str:
        """
        Return the id of an event that a subject has at most once: started, answered, end, settled.
        """
        hashed = self._hash(b"milestone", subject.encode(), milestone.encode())
        return f"evt_{_time_in(subject)}{hashed}"

    def following(self, subject: str, previous_id: str | None, digest: bytes) -> str:
        """
        Return the id of an event that follows another: A, B, A again are three events.
        """
        hashed = self._hash(b"after", subject.encode(), (previous_id or "").encode(), digest)
        return f"evt_{_time_in(subject)}{hashed}"

    def _hash(self, *parts: bytes) -> str:
        digest = self._keyed.copy()
        # Each part with its length: numbers come from callers, and no text may stand for two parts.
        digest.update(b"".join([len(part).to_bytes(4, "big") + part for part in parts]))
        return digest.hexdigest()


def key_fingerprint(id_key: bytes) -> str:
    """
    Return 16 hexadecimal digits that are equal for equal keys, and for hardly any others.

    """
    # It may be shown: the key cannot be computed from it, and a guessed key can be checked without it,
    # by making the id of any milestone from its subject, both of which every receiver has.
    hashed = blake2b(key=id_key, digest_size=_FINGERPRINT_BYTES, person=_FINGERPRINT)
    return hashed.hexdigest()


def _sortable(started_s: int) -> str:
    digits = [_SORTABLE_DIGITS[(started_s >> shift) & 31] for shift in range(5 * _TIME_LENGTH - 5, -1, -5)]
    return "".join(digits) + "_"


def _time_in(text: str) -> str:
    """
    Return the time that an id, or the last part of a subject, begins with; "" where it has none.
    """
    start = text.rfind("/") + 1
    end = start + _TIME_LENGTH
    return text[start : end + 1] if text.find("_", start) == end else ""


def subject(kind: str, *parts: str) -> str:
    """
    Build a subject such as `call/pbx-sydney/abc`; parts outside `[A-Za-z0-9._~-]` are percent-encoded.
    """
    return "/".join((kind, *(part if _PLAIN.fullmatch(part) else quote(part, safe="") for part in parts)))


@lru_cache(maxsize=1024)  # the events of a subject come together
def subject_key(text: str) -> int:
    """
    Return a signed 64-bit number for a subject: small enough for every delivery row and its indexes.

    Two subjects with one key would only wait for each other, never be mixed up.
    """
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def facts_digest(kind: str, facts: object) -> bytes:
    """
    Return a digest of an event's type and the vendor's facts, independent of key order.
    """
    return blake2b(
        kind.encode() + _SEPARATOR + orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), digest_size=16
    ).digest()


def row_digest(row: object) -> bytes:
    """
    Return a digest of a vendor's row as it was given, unknown columns included.
    """
    return blake2b(orjson.dumps(row), digest_size=16).digest()
