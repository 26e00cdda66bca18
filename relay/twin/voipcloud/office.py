"""
Who works there, in which queue and ring group, on which number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Final

from relay.twin.voipcloud.settings import OfficeSize

QUEUE: Final = "queue"
RING_GROUP: Final = "ring_group"
MEMBERS: Final = {QUEUE: 4, RING_GROUP: 3}
_FIRST_DID: Final = 270_101_000  # (02) 7010 xxxx: kept free by the regulator, for fiction
_FIRST_EXTENSION: Final = 201
_GIVEN: Final = ("Alice", "Bao", "Chloe", "Dinesh", "Emma", "Farid", "Grace", "Hamish", "Isla", "Jack")
_FAMILY: Final = ("Nguyen", "Smith", "O'Brien", "Patel", "Kowalski", "Brown", "Tran", "Wilson")
_TEAM_NAMES: Final = {
    QUEUE: ("Sales", "Support", "Billing", "Bookings", "Returns"),
    RING_GROUP: ("Reception", "Warehouse", "After Hours"),
}


@dataclass(frozen=True, slots=True)
class User:
    """
    Somebody with a phone.  `number` is both the DID and the number shown on outbound calls.
    """

    name: str
    number: str
    extension: str


@dataclass(frozen=True, slots=True)
class Team:
    """
    A queue or a ring group: who is rung when somebody calls `number`.
    """

    kind: str
    name: str
    number: str
    members: tuple[User, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """
    Everyone and everything that can be called.
    """

    users: tuple[User, ...]
    queues: tuple[Team, ...]
    ring_groups: tuple[Team, ...]

    def user_by_number(self, number: str) -> User | None:
        """
        Find a user by extension or by own number in any spelling.
        """
        digits = "".join(character for character in number if character.isdigit())
        for user in self.users:
            if digits == user.extension or (len(digits) >= 9 and digits[-9:] == user.number[-9:]):
                return user
        return None


def build_office(size: OfficeSize) -> Office:
    """
    Build the office of that size; the same size always gives the same people and numbers.
    """
    dids = (f"0{number}" for number in count(_FIRST_DID))
    users = tuple(
        User(_user_name(index), next(dids), str(_FIRST_EXTENSION + index)) for index in range(size.users)
    )
    queues = tuple(_team(QUEUE, index, next(dids), users) for index in range(size.queues))
    ring_groups = tuple(_team(RING_GROUP, index, next(dids), users) for index in range(size.ring_groups))
    return Office(users, queues, ring_groups)


def _user_name(index: int) -> str:
    lap, place = divmod(index, len(_GIVEN) * len(_FAMILY))
    # Both lists move on with every user, so neighbours share neither name; 10 and 8 need the shift.
    given = _GIVEN[place % len(_GIVEN)]
    family = _FAMILY[(place + place // 40) % len(_FAMILY)]
    return f"{given} {family}" if lap == 0 else f"{given} {family} {lap + 1}"


def _team(kind: str, index: int, number: str, users: tuple[User, ...]) -> Team:
    names = _TEAM_NAMES[kind]
    lap, place = divmod(index, len(names))
    name = names[place] if lap == 0 else f"{names[place]} {lap + 1}"
    size = min(MEMBERS[kind], len(users))
    first = index * (size - 1)  # neighbouring teams share a member, as in real offices
    return Team(kind, name, number, tuple(users[(first + step) % len(users)] for step in range(size)))
