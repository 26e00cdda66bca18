"""
Writes of a journal's owner that are no append: each proves first that the journal is still its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from relay.journal.api_port import Once
from relay.journal.appending import claim
from relay.journal.idempotency import done_once
from relay.journal.matching import Matcher
from relay.journal.sqlite import SqliteDatabase

T = TypeVar("T")


class Fence:
    """
    Writes while the owner's epoch is not over.

    Args:
        database: where the journal is.
        epoch: of its owner; once it is over, nothing is written.
        matcher: finds the endpoints of an event, for every writer of the journal the same.
    """

    def __init__(self, database: SqliteDatabase, epoch: int, matcher: Matcher) -> None:
        self._database = database
        self._epoch = epoch
        self._matcher = matcher

    async def write(self, work: Callable[[Connection, int], T]) -> T:
        """
        Run `work` in a transaction that has the write lock, with the last seq given out before it.
        """
        return await self._database.write(lambda conn: work(conn, claim(conn, self._epoch, self._matcher)))

    async def write_once(
        self, once: Once | None, now: datetime, work: Callable[[Connection, int], bytes]
    ) -> bytes:
        """
        Run `work` and keep its reply; for a key that was there before return the reply of then.
        """
        return await self.write(
            lambda conn, last_seq: done_once(conn, once, lambda: work(conn, last_seq), now)
        )
