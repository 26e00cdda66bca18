"""
Who may ask: passwords, locks, addresses, and what each user may ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from relay.twin.vicidial.office import EVERYTHING, User

LOWEST_LEVEL: Final = 7
MOST_FAILURES: Final = 10
LOCK_MS: Final = 15 * 60 * 1000
SHORTEST_SOURCE: Final = 2


@dataclass(slots=True)
class LoginRecord:
    """
    Wrong passwords since the last good login, and when that was.
    """

    failures: int = 0
    good_ms: int | None = None


class Admission:
    """
    Checks logins as the server does it.

    Ten wrong passwords lock a user as long as its last good login is less than 15 minutes old: a good login
    would set the count to 0, and while locked there is none.  `whitelist` may be changed at any time.
    """

    def __init__(self, users: Mapping[str, User], whitelist: tuple[str, ...]) -> None:
        self._users = users
        self._records: dict[str, LoginRecord] = {}
        self.whitelist = whitelist
        self.has_second_factor = False

    def login(self, user: str, password: str, now_ms: int) -> User | str:
        """
        Return who asks, or the answer to whom the server does not know.  It tells the password back.
        """
        record = self._records.setdefault(user, LoginRecord())
        if self._is_locked(record, now_ms):
            return f"ERROR: Too many login attempts, try again in 15 minutes: |{user}|LOCK|\n"
        person = self._users.get(user)
        if person is None or not password or person.password != password:
            record.failures += 1
            return _refusal(user, password, "BAD")
        if not person.is_active or person.level < LOWEST_LEVEL:
            return _refusal(user, password, "BAD")
        if self.has_second_factor:
            return _refusal(user, password, "2FA")
        self._records[user] = LoginRecord(0, now_ms)
        return person

    def lock(self, user: str, now_ms: int) -> None:
        """
        Lock a user as if somebody had guessed its password ten times just now.
        """
        self._records[user] = LoginRecord(MOST_FAILURES, now_ms)

    def refused_address(self, address: str | None) -> str | None:
        """
        Return the refusal of an address that is not on the list; None where it is, or there is no list.
        """
        if not self.whitelist:
            return None
        network = f"{(address or '').rpartition('.')[0]}.x"
        if address in self.whitelist or network in self.whitelist:
            return None
        return f"ERROR: Your IP Address is not allowed: {address}: ||IPBLOCK|\n"

    @staticmethod
    def _is_locked(record: LoginRecord, now_ms: int) -> bool:
        if record.failures < MOST_FAILURES or record.good_ms is None:
            return False
        return now_ms - record.good_ms < LOCK_MS


def may_use(user: User, function: str) -> bool:
    """
    Tell whether a user's list of allowed functions has this one.
    """
    return EVERYTHING in user.functions or function in user.functions


def bad_source(source: str) -> str | None:
    """
    Return the two lines that refuse a missing source.
    """
    if len(source) >= SHORTEST_SOURCE:
        return None
    return f"ERROR: Invalid Source - {source}\nERROR: Invalid Source: |{source}|\n"


def _refusal(user: str, password: str, why: str) -> str:
    return f"ERROR: Login incorrect, please try again: |{user}|{password}|{why}|\n"
