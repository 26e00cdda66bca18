"""
Everything that can be chosen about a simulated Elision dialer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIRST_LISTS: Final = (("1101", "Test API list", "TESTCAMP"), ("2018", "Second list", "TESTCAMP"))


@dataclass(frozen=True, slots=True)
class ElisionTwinSettings:
    """
    One simulated Elision dialer: its API user, who may do everything, and what it starts with.

    `lists` are id, name and campaign of the lists that are active from the start.
    """

    user: str = "api"
    password: str = "twin"  # noqa: S105 (guards nothing)
    lists: tuple[tuple[str, str, str], ...] = FIRST_LISTS
