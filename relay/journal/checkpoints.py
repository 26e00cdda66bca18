"""
Checkpoints beside the writer: what the write-ahead log holds is brought into the file by another thread.

SQLite by itself does so within the commit that fills the log, and whatever comes behind that commit waits
until megabytes are on the disk.  Here a thread copies first, while commits go on; only what they brought
meanwhile is copied between two of them, and the log begins anew (https://www.sqlite.org/wal.html section 2).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

BUSY_TIMEOUT_S: Final = 5.0
CHANGES_BETWEEN: Final = 4_000  # changed rows; of large appends some 1,000 pages of 8 KiB
WRITES_BETWEEN: Final = 200  # transactions; a small one writes some fifteen pages
_COUNTER: Final = 0xFFFF_FFFF  # SQLite counts changed rows in 32 bits
CHECKPOINT: Final = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """
    Keeps the write-ahead log of one database short.

    Args:
        path: the database.
        on_writer: has a function called with the writer's connection, between two transactions.
        changes_between: after how many changed rows the log is copied, at the latest.
    """

    def __init__(
        self,
        path: Path,
        on_writer: Callable[[Callable[[sqlite3.Connection], bool]], Future[bool]],
        changes_between: int = CHANGES_BETWEEN,
    ) -> None:
        self._path = path
        self._on_writer = on_writer
        self._changes_between = changes_between
        self._copied_at = 0
        self._writes = 0
        self._is_due = False
        self._is_closed = False
        self._under_way: Future[bool] | None = None
        self._thread = ThreadPoolExecutor(1, "journal-checkpoint")

    def keep_up(self, changes: int) -> None:
        """
        Have the log copied if it is time; called with every transaction.

        Args:
            changes: how many rows the writer has changed so far, as SQLite counts them.

        Raises:
            sqlite3.Error: the checkpoint before failed; it is made again with the next transaction.
        """
        self._writes += 1
        if self._under_way is not None:
            if not self._under_way.done():
                return
            before, self._under_way = self._under_way, None
            self._is_due = True
            self._is_due = not before.result()
        changed = (changes - self._copied_at) & _COUNTER
        is_time = self._is_due or changed >= self._changes_between or self._writes >= WRITES_BETWEEN
        if is_time and not self._is_closed:
            self._copied_at, self._writes, self._is_due = changes, 0, False
            self._under_way = self._thread.submit(self._copy)

    def close(self) -> None:
        """
        Begin no more, and wait for what is under way; the writer must still be there.

        What was not copied stays in the log, which whoever opens the database next reads.
        """
        self._is_closed = True
        self._thread.shutdown(wait=True)

    def _copy(self) -> bool:
        with closing(existing_database(self._path)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(CHECKPOINT)
        return self._on_writer(_finish).result()


def existing_database(path: Path) -> sqlite3.Connection:
    """
    Open a database; never a new one in the place of one that is gone.
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        uri=True,
        check_same_thread=False,
    )


def _finish(writer: sqlite3.Connection) -> bool:
    _, in_log, copied = writer.execute(CHECKPOINT).fetchone()
    return bool(in_log == copied)
