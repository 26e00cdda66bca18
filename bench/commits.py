"""
The journal's commits: counted, and made slower where a slow disk is wanted.

Every write of the journal is one transaction of its one writer; SQLAlchemy tells of each before it commits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, event

WRITES: Final = "relay_write"  # the option by which the journal's reader is told from its writer


class Commits:
    """
    Counts the commits of every journal of this process, and holds each back by `slower_s`.

    The wait is in the writer's thread before the commit, the write lock held, as a slow fsync would be.
    """

    def __init__(self) -> None:
        self.count = 0
        self.slower_s = 0.0

    def committing(self, conn: Connection) -> None:
        """
        Take notice of a transaction that is about to be committed.
        """
        if not conn.get_execution_options().get(WRITES, True):
            return
        self.count += 1
        if self.slower_s:
            time.sleep(self.slower_s)


@contextmanager
def counted_commits() -> Iterator[Commits]:
    """
    Count the commits of journals that are opened and closed inside the block.
    """
    # Not while a journal is open: its writer's thread may be going through the listeners.
    commits = Commits()
    event.listen(Engine, "commit", commits.committing)
    try:
        yield commits
    finally:
        event.remove(Engine, "commit", commits.committing)
