"""
What faults do to the rows of a page: pure functions over entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from random import Random
from typing import Final, NamedTuple

import orjson

from relay.twin.voipcloud.fault_kinds import LateRows, Rename
from relay.twin.voipcloud.office import QUEUE, RING_GROUP, Office, Team, User

GARBLED_TIME: Final = "not a date"
USER: Final = "user"

ShownNames = dict[tuple[str, str], str]


class Entry(NamedTuple):
    """
    A row in its place: (started_at, number) sorts, and numbers are unique.

    It shows from `shown_from` on and was finished at `finished_at`, None while it is open.
    """

    started_at: int
    number: int
    name: str
    row: bytes
    shown_from: int
    finished_at: int | None


def without_late(entries: Iterable[Entry], late: LateRows, since: int, at: int) -> list[Entry]:
    """
    Leave out the rows that became visible after `since`, but less than the delay ago.
    """
    return [entry for entry in entries if entry.shown_from <= since or _is_due(entry, late, at)]


def _is_due(entry: Entry, late: LateRows, at: int) -> bool:
    due = entry.finished_at if late.only_finished else entry.shown_from
    return due is not None and due + late.by_s <= at


def with_shuffled_ties(entries: Iterable[Entry], rng: Random) -> list[Entry]:
    """
    Put the rows of each start second into a random order; the seconds keep theirs.
    """
    shuffled: list[Entry] = []
    for _, tied in groupby(entries, key=lambda entry: entry.started_at):
        rows = list(tied)
        rng.shuffle(rows)
        shuffled += rows
    return shuffled


def spoilt(row: bytes) -> bytes:
    """
    Return a row whose start cannot be read.
    """
    return orjson.dumps({**orjson.loads(row), "call_start_at": GARBLED_TIME})


def shown_names(rename: Rename | None, office: Office) -> ShownNames:
    """
    Return the names that differ from the office's, by kind and old name.
    """
    if rename is None:
        return {}
    wanted = {USER: rename.users, QUEUE: rename.queues, RING_GROUP: rename.ring_groups}
    if not any(wanted.values()):
        firsts: dict[str, tuple[User | Team, ...]] = {
            USER: office.users[:1],
            QUEUE: office.queues[:1],
            RING_GROUP: office.ring_groups[:1],
        }
        wanted = {kind: {one.name: f"{one.name} (new)" for one in first} for kind, first in firsts.items()}
    return {(kind, old): new for kind, names in wanted.items() for old, new in names.items()}
