"""
Looking at the journal: beside everybody else, on one snapshot, without writing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, select

from relay.journal import schema
from relay.journal.event_lists import LAST_SEQ, last_seq
from relay.journal.questions import Question, Snapshot
from relay.journal.reading import SqlReading
from relay.journal.sqlite import SqliteDatabase, look_up_connection
from relay.journal.store import SqlJournal
from relay.model.errors import JournalUnusable
from relay.model.listing import CallFilter, DeliveryFilter, EventFilter
from tests.journal.looking import append_call, run

PATIENCE_S = 10


@pytest.fixture
async def database(journal: SqlJournal, journal_path: Path) -> AsyncIterator[SqliteDatabase]:
    """
    Open the database of a journal once more.
    """
    opened = SqliteDatabase(journal_path)
    yield opened
    await opened.close()


async def test_looking_waits_for_no_reader_and_not_long_for_a_writer(database: SqliteDatabase) -> None:
    free = Event()

    def hold(_: Connection) -> bool:
        return free.wait(PATIENCE_S)

    writing, reading = asyncio.ensure_future(database.write(hold)), asyncio.ensure_future(database.read(hold))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        found = await database.look_up(last_seq)
    are_held = not writing.done() and not reading.done()
    free.set()

    assert (0, True) == (found, are_held)
    assert [True, True] == [await writing, await reading]


async def test_a_look_begins_when_the_writer_is_done(journal: SqlJournal, journal_path: Path) -> None:
    database = SqliteDatabase(journal_path, look_patience_s=PATIENCE_S)
    first, second, order = Event(), Event(), []

    def hold(end: Event, _: Connection) -> None:
        end.wait(PATIENCE_S)
        order.append("written")

    writing = [asyncio.ensure_future(database.write(partial(hold, end))) for end in (first, second)]
    await asyncio.sleep(0)
    looking = asyncio.ensure_future(database.look_up(lambda _: order.append("looked")))
    for end in (first, second):
        for _ in range(10):
            await database.read(lambda _: None)
        end.set()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(looking, *writing)

    await database.close()

    assert ["written", "written", "looked"] == order


async def test_one_look_sees_one_state(database: SqliteDatabase, journal_path: Path) -> None:
    def look_twice(look: Snapshot) -> list[int]:
        before = last_seq(look)
        run(journal_path, "UPDATE meta SET last_seq = 7")
        return [before, last_seq(look)]

    assert [0, 0] == await database.look_up(look_twice)
    assert 7 == await database.look_up(last_seq)


async def test_looking_cannot_write(journal: SqlJournal, journal_path: Path) -> None:
    looking = look_up_connection(journal_path)

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        looking.execute("UPDATE meta SET last_seq = 7")

    looking.close()


async def test_a_fault_while_looking_leaves_the_next_look_alone(database: SqliteDatabase) -> None:
    def fail(look: Snapshot) -> None:
        last_seq(look)
        raise ValueError("not a place")

    with pytest.raises(ValueError, match="not a place"):
        await database.look_up(fail)

    assert 0 == await database.look_up(last_seq)


async def test_a_journal_that_is_none_is_told_as_unusable(tmp_path: Path) -> None:
    garbage = tmp_path / "relay.db"
    garbage.write_bytes(b"no database at all" * 100)
    database = SqliteDatabase(garbage)

    with pytest.raises(JournalUnusable, match="cannot be read: file is not a database"):
        await SqlReading(database).last_seq()

    await database.close()


async def test_an_answer_keeps_order_and_kinds(database: SqliteDatabase, journal: SqlJournal) -> None:
    for name in ("b", "a", "c"):
        await append_call(journal, name)
    newest_first = Question(
        select(schema.events.c.seq, schema.events.c.source_id, schema.events.c.subject_key).order_by(
            schema.events.c.seq.desc()
        )
    )
    nothing = Question(select(schema.events.c.seq).where(schema.events.c.seq < 0))

    rows = await database.look_up(lambda look: look.rows(newest_first))

    assert [3, 2, 1] == [row[0] for row in rows]
    assert all(type(row[1]) is str and abs(row[2]) > 2**32 for row in rows)
    assert ([], None, None) == await database.look_up(
        lambda look: (look.rows(nothing), look.row(nothing), look.value(nothing))
    )
    assert 3 == await database.look_up(lambda look: look.value(LAST_SEQ))


async def test_many_looks_at_once_come_one_after_the_other(
    database: SqliteDatabase, journal: SqlJournal
) -> None:
    for number in range(20):
        await append_call(journal, f"c{number}")
    reading = SqlReading(database)

    pages = await asyncio.gather(*(reading.list_events(EventFilter(), str(seq), 1) for seq in range(20)))
    last_seqs = await asyncio.gather(*(reading.last_seq() for _ in range(20)))
    empty = await asyncio.gather(
        reading.list_calls(CallFilter(source_id="nobody"), None, 5),
        reading.list_deliveries(DeliveryFilter(), None, 5),
    )

    assert [*range(1, 21)] == [page.items[0].seq for page in pages]
    assert [20] * 20 == last_seqs
    assert [(), ()] == [page.items for page in empty]
