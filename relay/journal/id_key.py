"""
The key of a journal's ids, read beside whoever is using the journal.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from relay.journal.checkpoints import BUSY_TIMEOUT_S
from relay.journal.sqlite import translated
from relay.model.errors import JournalUnusable


def read_id_key(path: Path) -> bytes:
    """
    Return the `id_key` of a journal file without taking its lock, and without writing into or beside it.

    Raises:
        JournalUnusable: there is no such file, or it is no journal.
        JournalBusy: it is locked; later may help.
    """
    # A log beside the file is of a relay that runs, or was killed: what it holds counts too.  Without one
    # nobody writes, and SQLite would make one just to read.
    has_log = path.with_name(path.name + "-wal").exists()
    mode = "mode=ro" if has_log else "mode=ro&immutable=1"
    try:
        address = f"{path.absolute().as_uri()}?{mode}"
        with closing(sqlite3.connect(address, timeout=BUSY_TIMEOUT_S, uri=True)) as connection:
            row = connection.execute("SELECT id_key FROM meta").fetchone()
    except sqlite3.Error as error:
        if not path.exists():
            raise JournalUnusable(f"there is no journal {path}") from error
        raise translated(error, path, "read") from error
    if row is None:
        raise JournalUnusable(f"the journal {path} has no id_key")
    return bytes(row[0])
