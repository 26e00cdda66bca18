"""
Hot statements: many rows in one step, none more and none less, and what a database says when it cannot.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from relay.journal import schema
from relay.journal.sqlite import SqliteDatabase
from relay.journal.statements import SIZES, hot_insert, hot_upsert
from relay.journal.store import open_sqlite
from relay.model.errors import JournalUnusable
from tests.journal.making import NOW

INSERT = hot_insert(schema.rejects, insert(schema.rejects))
UPSERT = hot_upsert("sqlite", schema.rejects)


def rejects(count: int, why: str = "odd") -> list[tuple[Any, ...]]:
    """
    Make rows of the table of rejects.
    """
    return [("pbx", "user_calls", b"%d" % number, b"{}", why, 5) for number in range(count)]


@pytest.fixture
async def path(journal_path: Path) -> Path:
    """
    Make an empty journal.
    """
    async with open_sqlite(journal_path, "tests", NOW):
        return journal_path


async def counts_of(database: SqliteDatabase) -> dict[str, int]:
    """
    Count the rejects by their reason.
    """
    by_reason = select(schema.rejects.c.why, func.count()).group_by(schema.rejects.c.why)
    return await database.read(lambda conn: {row[0]: row[1] for row in conn.execute(by_reason)})


@pytest.mark.parametrize("count", [0, 1, 5, 11, 511, SIZES[0], SIZES[0] + 1, 2 * SIZES[0] + 70])
async def test_every_row_goes_in_once_however_many_there_are(path: Path, count: int) -> None:
    database = SqliteDatabase(path)
    await database.write(lambda conn: INSERT.run(conn, rejects(count)))
    await database.write(lambda conn: UPSERT.run(conn, rejects(count + 3, "new")))

    assert {"new": count + 3} == await counts_of(database)
    await database.close()


async def test_what_fails_leaves_nothing_and_the_next_goes_on(path: Path) -> None:
    database = SqliteDatabase(path)

    def twice(conn: Connection) -> None:
        INSERT.run(conn, rejects(2))
        INSERT.run(conn, rejects(2))

    with pytest.raises(sqlite3.IntegrityError):
        await database.write(twice)
    await database.write(lambda conn: INSERT.run(conn, rejects(1, "after")))

    assert {"after": 1} == await counts_of(database)
    await database.close()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    garbage = tmp_path / "some.db"
    garbage.write_bytes(b"no database at all" * 1_000)
    database = SqliteDatabase(garbage)

    with pytest.raises(JournalUnusable, match=r"some\.db cannot be written: file is not a database"):
        await database.write(lambda conn: INSERT.run(conn, rejects(1)))
    await database.close()
