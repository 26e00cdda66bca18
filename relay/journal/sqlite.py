"""
The embedded database: SQLite in WAL mode, one writer thread, two reader threads (DESIGN section 6), and one
that makes checkpoints.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DatabaseError

from relay.journal.checkpoints import BUSY_TIMEOUT_S, CHANGES_BETWEEN, Checkpoints, existing_database
from relay.journal.questions import Snapshot
from relay.journal.statements import sqlite_driver
from relay.model.conditions import all_hold
from relay.model.errors import JournalBusy, JournalUnusable

T = TypeVar("T")

LOOK_PATIENCE_S: Final = 0.02
_PRAGMAS: Final = (
    "PRAGMA page_size=8192",  # of a new file: events are large for pages of 4 KiB
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-16000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA wal_autocheckpoint=0",  # relay.journal.checkpoints does it
)
_LOOK_UP_PRAGMAS: Final = (
    "PRAGMA query_only=ON",
    "PRAGMA cache_size=-2000",
    "PRAGMA temp_store=MEMORY",
)


class FileLock:
    """
    The lock that makes one process the owner of a journal file, held until closed or killed.

    It sits on a file beside the journal: closing any handle of the journal itself would drop the locks
    that SQLite holds on it (POSIX advisory locks belong to the process).
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalUnusable(f"cannot write beside the journal {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._handle)
            raise JournalUnusable(f"another relay is using the journal {path}; stop it first") from error

    def close(self) -> None:
        """
        Give the journal free.
        """
        os.close(self._handle)


def sqlite_engine(path: Path, *, may_be_new: bool = False) -> Engine:
    """
    Return an engine with one connection whose transactions take the write lock at once.
    """

    def connect() -> sqlite3.Connection:
        if may_be_new:
            return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        return existing_database(path)

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begun(conn: Connection) -> None:
        immediate = conn.get_execution_options().get("relay_write", True)
        sqlite_driver(conn).execute("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def look_up_connection(path: Path) -> sqlite3.Connection:
    """
    Return a connection that cannot write, and knows the function `holds`: whether conditions of an endpoint,
    a JSON list, hold of an event.
    """
    connection = existing_database(path)
    for pragma in _LOOK_UP_PRAGMAS:
        connection.execute(pragma)
    connection.create_function("holds", 2, _holds, deterministic=True)
    return connection


def _holds(conditions: str, body: str) -> bool:
    return all_hold(orjson.loads(conditions), orjson.loads(body))


class SqliteDatabase:
    """
    Runs functions on a connection, each in one transaction: `write` in order, `read` and `look_up` beside it.

    Each has a thread that runs one function at a time; what `write` returns is durable.

    Args:
        path: the file.
        changes_between: how many changed rows may gather in the write-ahead log.
        look_patience_s: how long people's look-ups let the writer go first.
    """

    def __init__(
        self, path: Path, changes_between: int = CHANGES_BETWEEN, look_patience_s: float = LOOK_PATIENCE_S
    ) -> None:
        self._path = path
        self._look_patience_s = look_patience_s
        self._writer = sqlite_engine(path, may_be_new=True)
        self._reader = sqlite_engine(path).execution_options(relay_write=False)
        self._write_thread = ThreadPoolExecutor(1, "journal-write")
        self._read_thread = ThreadPoolExecutor(1, "journal-read")
        self._writes = 0
        self._is_idle = asyncio.Event()
        self._connections: dict[Engine, Connection] = {}
        self._looker: sqlite3.Connection | None = None
        self._look_up_thread = ThreadPoolExecutor(1, "journal-look-up")
        self._checkpoints = Checkpoints(path, self._between_writes, changes_between)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """
        Run `work` in a write transaction, after all earlier ones.
        """
        self._writes += 1
        self._is_idle.clear()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._write_thread, self._write, work)
        finally:
            self._writes -= 1
            if not self._writes:
                self._is_idle.set()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """
        Run `work` on a snapshot, without waiting for writers.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._read_thread, self._run, self._reader, work
        )

    async def look_up(self, work: Callable[[Snapshot], T]) -> T:
        """
        Run `work`, which people asked for: neither writers nor readers wait for it.

        It begins while nothing is written, if that comes soon: they would take the interpreter from each
        other, and deliveries wait for the writer.
        """
        if self._writes:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_patience_s):
                    await self._is_idle.wait()
        return await asyncio.get_running_loop().run_in_executor(self._look_up_thread, self._look, work)

    def size_bytes(self) -> tuple[int, int]:
        """
        Return the sizes of the file and of its write-ahead log.

        Raises:
            JournalUnusable: the file was deleted or moved away; what is written from then on would be lost.
        """
        try:
            file_bytes = self._path.stat().st_size
        except OSError as error:
            raise JournalUnusable(f"the journal {self._path} is gone: {error.strerror}") from error
        try:
            wal_bytes = self._path.with_name(self._path.name + "-wal").stat().st_size
        except FileNotFoundError:
            wal_bytes = 0
        return file_bytes, wal_bytes

    async def close(self) -> None:
        """
        Finish what is under way and close all connections.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._checkpoints.close)
        # The writer last: whoever closes last empties the write-ahead log.
        for thread, close in (
            (self._look_up_thread, self._stop_looking),
            (self._read_thread, partial(self._disconnect, self._reader)),
            (self._write_thread, partial(self._disconnect, self._writer)),
        ):
            await loop.run_in_executor(thread, close)
            thread.shutdown(wait=True)

    def _write(self, work: Callable[[Connection], T]) -> T:
        def kept_up(conn: Connection) -> T:
            self._checkpoints.keep_up(sqlite_driver(conn).total_changes)
            return work(conn)

        return self._run(self._writer, kept_up)

    def _between_writes(self, work: Callable[[sqlite3.Connection], bool]) -> Future[bool]:
        return self._write_thread.submit(lambda: work(sqlite_driver(self._connected(self._writer))))

    def _connected(self, engine: Engine) -> Connection:
        connection = self._connections.get(engine)
        if connection is None:
            connection = self._connections[engine] = engine.connect()
        return connection

    def _disconnect(self, engine: Engine) -> None:
        connection = self._connections.pop(engine, None)
        if connection is not None:
            connection.close()
        engine.dispose()

    def _run(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        try:
            conn = self._connected(engine)
            try:
                with conn.begin():
                    return work(conn)
            finally:
                if sqlite_driver(conn).in_transaction:  # the toolkit leaves that of a failed commit open
                    sqlite_driver(conn).rollback()
        except (DatabaseError, sqlite3.DatabaseError) as error:  # the latter of steps past the toolkit
            cause = error.orig if isinstance(error, DatabaseError) else error
            if isinstance(cause, sqlite3.IntegrityError):
                raise
            done = "written" if engine is self._writer else "read"
            raise translated(cause, self._path, done) from error

    def _look(self, work: Callable[[Snapshot], T]) -> T:
        try:
            if self._looker is None:
                self._looker = look_up_connection(self._path)
            self._looker.execute("BEGIN")
            try:
                return work(Snapshot(self._looker))
            finally:
                self._looker.rollback()
        except sqlite3.Error as error:
            raise translated(error, self._path, "read") from error

    def _stop_looking(self) -> None:
        if self._looker is not None:
            self._looker.close()


def translated(
    error: BaseException | None, path: Path, done: str = "written"
) -> JournalBusy | JournalUnusable:
    """
    Return relay's error for one of SQLite's: locked may pass, anything else (full, read-only) does not.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return JournalBusy(f"the journal {path} is locked: {error}")
    return JournalUnusable(f"the journal {path} cannot be {done}: {error}")
