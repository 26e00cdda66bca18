"""
Whose phone is free when: nobody is rung twice at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay.twin.voipcloud.office import User

FOR_EVER: Final = 2**62


class Desks:
    """
    Keeps the seconds in which each phone rings or is spoken on, past the present too.

    Calls are planned whole, so a phone may be taken for a second that is yet to come.
    """

    def __init__(self) -> None:
        self._taken: dict[str, list[tuple[int, int]]] = {}

    def take(self, user_name: str, start: int, end: int) -> None:
        """
        Take a phone for [start, end).
        """
        taken = self._taken.setdefault(user_name, [])
        taken.append((start, end))
        taken.sort()

    def forget_before(self, at: int) -> None:
        """
        Drop what ended by `at`; nothing earlier may be asked afterwards.
        """
        for user_name, taken in self._taken.items():
            self._taken[user_name] = [span for span in taken if span[1] > at]

    def free_until(self, user_name: str, at: int) -> int | None:
        """
        Return until when a phone that is free at `at` stays free; None when it is not free.
        """
        for start, end in self._taken.get(user_name, ()):
            if start <= at < end:
                return None
            if start > at:
                return start
        return FOR_EVER

    def free(self, users: Sequence[User], at: int, for_s: int) -> list[User]:
        """
        Return the users whose phones are free during [at, at + for_s).
        """
        return [user for user in users if (self.free_until(user.name, at) or 0) >= at + for_s]

    def first_free(self, users: Sequence[User], at: int, for_s: int, until: int) -> tuple[int, list[User]]:
        """
        Return the first second from `at` to `until` at which some phone is free, and whose.

        Where none is: `until` and nobody.
        """
        ends = (end for user in users for _, end in self._taken.get(user.name, ()) if at < end <= until)
        for second in (at, *sorted(set(ends))):
            if free := self.free(users, second, for_s):
                return second, free
        return until, []
