"""
What an endpoint asks of requests besides their signatures: headers, a bearer token, a user and a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

NO_AUTH: Final = "none"
BEARER: Final = "bearer"
BASIC: Final = "basic"


@dataclass(frozen=True, slots=True)
class EndpointAuth:
    """
    What every request to an endpoint carries.  Its values are secrets: nothing prints them.

    Args:
        headers: names and values, as they are sent.
        bearer: a token; "" for none.
        basic: user and password, or None; never both of them.
        is_lost: there is some, sealed with another key; so nothing may be sent.
    """

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    bearer: str = field(default="", repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    is_lost: bool = False

    @property
    def kind(self) -> str:
        """
        Return what fills the header `Authorization`: `bearer`, `basic`, or `none` of the two.
        """
        if self.bearer:
            return BEARER
        return BASIC if self.basic is not None else NO_AUTH

    @property
    def header_names(self) -> tuple[str, ...]:
        """
        Return the names of the headers, which are no secrets.
        """
        return tuple(name for name, _ in self.headers)
