"""
What can be said of the signature of a request without telling a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

OF_FILE: Final = "file"  # the id of a secret that the configuration file has


@dataclass(frozen=True, slots=True)
class PublicKey:
    """
    What receivers check signatures of `v1a` with: it signs from `starts_at` until `expires_at`, where given.
    """

    key: str
    scheme: str
    starts_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """
    How a request was signed.

    `is_valid`: by the secret `secret_id` of the endpoint.  `age_s`: how old its timestamp is (None: it has
    none).  `problem`: why a receiver would refuse it, in words for a person.
    """

    is_valid: bool = False
    scheme: str | None = None
    secret_id: str | None = None
    age_s: int | None = None
    problem: str | None = None
