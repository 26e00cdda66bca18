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
from pathlib import Path
from typing import Final

CHANGES_BETWEEN: Final = 4_000  # changed rows: some 1,000 pages of 8 KiB
CHECKPOINT: Final = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """
    Keeps the write-ahead log of one database short.

    Args:
        path: the database.
        on_writer: has a function called with the writer's connection, between two transactions.
        changes_between: after how many changed rows the log is copied.
    """

    def __init__(
        self,
        path: Path,
        on_writer: Callable[[Callable[[sqlite3.Connection], None]], Future[None]],
        changes_between: int = CHANGES_BETWEEN,
    ) -> None:
        self._path = path
        self._on_writer = on_writer
        self._changes_between = changes_between
        self._copied_at = 0
        self._under_way: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, "journal-checkpoint")

    def keep_up(self, changes: int) -> None:
        """
        Have the log copied if it is time; `changes` is how many rows the writer has changed so far.

        Raises:
            sqlite3.Error: the checkpoint before failed.
        """
        if self._under_way is not None:
            if not self._under_way.done():
                return
            before, self._under_way = self._under_way, None
            before.result()
        if changes - self._copied_at >= self._changes_between:
            self._copied_at = changes
            self._under_way = self._thread.submit(self._copy)

    def close(self) -> None:
        """
        Wait until nothing is under way; the writer must still be there.
        """
        self._thread.shutdown(wait=True)

    def _copy(self) -> None:
        # Never a new file in the place of one that is gone.
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw", isolation_level=None, uri=True
        )
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(CHECKPOINT)
        finally:
            connection.close()
        self._on_writer(_finish).result()


def _finish(writer: sqlite3.Connection) -> None:
    writer.execute(CHECKPOINT)
