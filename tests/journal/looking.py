"""
Looks at a journal as people do: opens it for reading, walks through all pages of a list.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from relay.journal.commands import SqlCommands
from relay.journal.fence import Fence
from relay.journal.matching import Matcher
from relay.journal.port import Append, Appended
from relay.journal.questions import Question
from relay.journal.reading import SqlReading
from relay.journal.sqlite import SqliteDatabase, look_up_connection
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.change import CallChange
from relay.model.listing import Page
from tests.journal.making import NOW, call_change

T = TypeVar("T")
F = TypeVar("F")
MANY_PAGES = 2_000


@asynccontextmanager
async def reading_of(path: Path, scanned_rows: int = 5_000) -> AsyncIterator[SqlReading]:
    """
    Open what looks at a journal.
    """
    database = SqliteDatabase(path)
    try:
        yield SqlReading(database, scanned_rows)
    finally:
        await database.close()


@asynccontextmanager
async def reading_of_commands(path: Path, scanned_rows: int) -> AsyncIterator[SqlCommands]:
    """
    Open what looks at the commands of a journal; it writes nothing.
    """
    database = SqliteDatabase(path)
    try:
        yield SqlCommands(database, Fence(database, 0, Matcher()), scanned_rows)
    finally:
        await database.close()


async def pages_of(
    list_page: Callable[[F, str | None, int], Awaitable[Page[T]]], wanted: F, limit: int = 100
) -> list[tuple[T, ...]]:
    """
    Return the items of each page of a list, from the first to the last.
    """
    pages: list[tuple[T, ...]] = []
    after: str | None = None
    while len(pages) < MANY_PAGES:
        page = await list_page(wanted, after, limit)
        pages.append(page.items)
        if page.next is None:
            return pages
        after = page.next
    raise AssertionError("the list has no end")


async def walk(
    list_page: Callable[[F, str | None, int], Awaitable[Page[T]]], wanted: F, limit: int = 100
) -> list[T]:
    """
    Return all items of a list, page by page.
    """
    return [item for page in await pages_of(list_page, wanted, limit) for item in page]


async def append_call(
    journal: SqlJournal,
    call_id: str,
    types: Sequence[str] = ("call.started",),
    source_id: str = "pbx",
    recorded_at: datetime = NOW,
    **fields: Any,
) -> Appended:
    """
    Append one call with an event of each type; `fields` change the call.
    """
    made = call_change(call_id, events=len(types))
    subject = f"call/{source_id}/{call_id}"
    events = tuple(
        event._replace(type=type_, source_id=source_id, subject=subject)
        for event, type_ in zip(made.events, types, strict=True)
    )
    call = made.call._replace(source_id=source_id, subject=subject, **fields)
    change = CallChange(call, made.legs, events, 0)
    return await journal.append(Append(source_id, "user_calls", recorded_at, (change,)))


async def plan_of(path: Path, question: Question) -> list[str]:
    """
    Return how SQLite finds the rows of tables in a new journal.
    """
    async with open_sqlite(path, "tests", NOW):
        pass
    with look_up_connection(path) as direct:
        steps = direct.execute("EXPLAIN QUERY PLAN " + question.sql, [None] * question.sql.count("?"))
        return [row[3] for row in steps if row[3].startswith(("SEARCH", "SCAN", "USE TEMP"))]


def run(path: Path, sql: str, rows: Sequence[Sequence[Any]] = ((),)) -> None:
    """
    Change a journal behind its back.
    """
    with sqlite3.connect(path) as direct:
        direct.executemany(sql, rows)
