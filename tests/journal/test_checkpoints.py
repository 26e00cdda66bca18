"""
The write-ahead log: copied beside the writer, begun anew, and never in silence when it cannot be.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

import pytest
from sqlalchemy import Connection, text

from relay.journal.checkpoints import WRITES_BETWEEN, Checkpoints
from relay.journal.sqlite import SqliteDatabase
from relay.journal.statements import sqlite_driver
from relay.model.errors import JournalUnusable

ROWS = 50
PATIENCE_S = 10


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """
    Open a database with one table, whose log is copied every few rows.
    """
    with closing(sqlite3.connect(tmp_path / "some.db")) as direct:
        direct.execute("CREATE TABLE notes (note TEXT)")
    opened = SqliteDatabase(tmp_path / "some.db", changes_between=ROWS)
    await opened.write(lambda conn: None)  # it is opened by its first transaction
    yield opened
    await opened.close()


def note(conn: Connection) -> None:
    """
    Write a row that fills a page.
    """
    conn.execute(text("INSERT INTO notes VALUES (:note)"), {"note": "x" * 8_000})


def stored(database: SqliteDatabase) -> int:
    """
    Return about how many notes the file holds without its log.
    """
    return database.size_bytes()[0] // 8_192


async def write_until(database: SqliteDatabase, is_so: Callable[[], bool]) -> None:
    """
    Write on, row by row, until something is so.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await database.write(note)


async def test_what_is_written_reaches_the_file_while_writing_goes_on(
    database: SqliteDatabase,
) -> None:
    for _ in range(ROWS):
        await database.write(note)

    await write_until(database, lambda: stored(database) >= ROWS)


async def test_the_log_does_not_grow(database: SqliteDatabase) -> None:
    sizes = []
    for _ in range(20):
        for _ in range(ROWS):
            await database.write(note)
        sizes.append(database.size_bytes()[1])

    assert max(sizes) < 20 * ROWS * 8_000 / 3


async def test_a_look_that_takes_long_holds_up_neither_writer_nor_log_for_good(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as looking:
        looking.execute("BEGIN")
        before = looking.execute("SELECT count(*) FROM notes").fetchone()
        for _ in range(3 * ROWS):
            await database.write(note)
        assert before == looking.execute("SELECT count(*) FROM notes").fetchone()
        looking.execute("ROLLBACK")

    await write_until(database, lambda: stored(database) >= 3 * ROWS)
    log_bytes = database.size_bytes()[1]
    for _ in range(5 * ROWS):
        await database.write(note)
    assert database.size_bytes()[1] < 1.5 * log_bytes


async def test_a_look_at_a_journal_that_is_gone_makes_no_new_one(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    path = tmp_path / "some.db"
    path.unlink()

    for look in (database.look_up(lambda _: None), database.read(lambda _: None)):
        with pytest.raises(JournalUnusable, match=r"some\.db cannot be read: unable to open database file"):
            await look
    assert not path.exists()


async def test_a_commit_that_fails_leaves_no_transaction_open(database: SqliteDatabase) -> None:
    def refuse_commit(conn: Connection) -> None:
        sqlite_driver(conn).set_authorizer(
            lambda action, what, *_: (
                sqlite3.SQLITE_DENY
                if (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT")
                else sqlite3.SQLITE_OK
            )
        )
        note(conn)

    def allow(conn: Connection) -> int:
        sqlite_driver(conn).set_authorizer(None)
        note(conn)
        return int(conn.execute(text("SELECT count(*) FROM notes")).scalar_one())

    with pytest.raises(JournalUnusable, match="not authorized"):
        await database.write(refuse_commit)

    assert 1 == await database.write(allow)


async def test_a_file_that_is_gone_is_told_and_not_made_anew(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    path = tmp_path / "some.db"
    path.unlink()

    with pytest.raises(JournalUnusable, match=r"some\.db cannot be written: unable to open database file"):
        await write_until(database, lambda: False)
    assert not path.exists()


def test_the_log_is_copied_before_the_writer_has_a_turn_and_once_at_a_time(tmp_path: Path) -> None:
    path, turns, turn = tmp_path / "some.db", SimpleQueue[None](), Future[bool]()

    def at_turn(_: Callable[[sqlite3.Connection], bool]) -> Future[bool]:
        turns.put(None)
        return turn

    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.executescript("PRAGMA journal_mode=WAL; CREATE TABLE notes (note TEXT)")
        size_bytes = path.stat().st_size
        checkpoints = Checkpoints(path, at_turn, changes_between=10)
        checkpoints.keep_up(9)
        is_early = checkpoints._under_way is not None
        for changes in (10, 20, 30):
            checkpoints.keep_up(changes)
        turns.get(timeout=PATIENCE_S)
        grown_bytes = path.stat().st_size - size_bytes
        turn.set_result(True)
        until_done(checkpoints)
        checkpoints.keep_up(31)
        until_done(checkpoints)
        checkpoints.keep_up(40)
        is_once_more = checkpoints._under_way is not None
        checkpoints.close()

    assert (False, False) == (is_early, is_once_more)
    assert grown_bytes > 0
    assert 1 == turns.qsize()


@pytest.mark.parametrize(
    ("copied", "then", "is_due"),
    [
        (2**31 - 1, -(2**31) + 8, False),
        (2**31 - 1, -(2**31) + 9, True),
        (-(2**31), -(2**31) + 10, True),
        (100, 5, True),
    ],
    ids=["early", "past the largest", "negative", "counted from the beginning again"],
)
def test_the_counter_of_changed_rows_may_run_over(
    tmp_path: Path, copied: int, then: int, is_due: bool
) -> None:
    checkpoints = Checkpoints(tmp_path / "some.db", lambda _: done(True), changes_between=10)
    existing(tmp_path / "some.db")
    checkpoints.keep_up(copied)
    until_done(checkpoints)
    checkpoints.keep_up(then)
    checkpoints.close()

    assert is_due is (checkpoints._under_way is not None)


def test_what_could_not_be_copied_whole_is_due_again(tmp_path: Path) -> None:
    answers = [done(False), done(True)]
    checkpoints = Checkpoints(tmp_path / "some.db", lambda _: answers.pop(0), changes_between=10)
    existing(tmp_path / "some.db")
    checkpoints.keep_up(10)
    until_done(checkpoints)
    checkpoints.keep_up(11)
    until_done(checkpoints)
    checkpoints.keep_up(12)
    checkpoints.close()

    assert ([], None) == (answers, checkpoints._under_way)


def test_a_checkpoint_that_failed_is_told_once_and_made_again(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "some.db", lambda _: done(True), changes_between=10)
    checkpoints.keep_up(10)
    assert checkpoints._under_way is not None
    with pytest.raises(sqlite3.OperationalError):
        until_done(checkpoints)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        checkpoints.keep_up(11)
    existing(tmp_path / "some.db")
    checkpoints.keep_up(12)
    until_done(checkpoints)
    checkpoints.close()


def test_many_small_transactions_are_copied_too_and_none_after_the_end(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "some.db", lambda _: done(True))
    existing(tmp_path / "some.db")
    for _ in range(WRITES_BETWEEN - 1):
        checkpoints.keep_up(0)
    is_early = checkpoints._under_way is not None
    checkpoints.keep_up(0)
    until_done(checkpoints)
    checkpoints.close()
    checkpoints.keep_up(10**6)

    assert (False, None) == (is_early, checkpoints._under_way)


def existing(path: Path) -> None:
    """
    Make a database.
    """
    with closing(sqlite3.connect(path)) as direct:
        direct.executescript("PRAGMA journal_mode=WAL; CREATE TABLE notes (note TEXT)")


def done(is_whole: bool) -> Future[bool]:
    """
    Return what a turn of the writer comes to.
    """
    turn: Future[bool] = Future()
    turn.set_result(is_whole)
    return turn


def until_done(checkpoints: Checkpoints) -> None:
    """
    Return once the checkpoint that is under way is made.
    """
    assert checkpoints._under_way is not None
    checkpoints._under_way.result(PATIENCE_S)
