"""
Opening a journal: one owner, the right schema, loud where it cannot be used.
"""

from __future__ import annotations

import re
import resource
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal import schema
from relay.journal.postgresql import upgrade_postgresql
from relay.journal.store import open_sqlite
from relay.model.errors import JournalUnusable
from tests.journal.making import NOW, append_of, call_change

KEY = b"0123456789abcdef"


async def test_identity_stays_and_the_epoch_rises(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "first", NOW) as journal:
        first = journal.identity
    async with open_sqlite(journal_path, "second", NOW) as journal:
        second = journal.identity

    assert first == second
    assert 32 == len(first.id_key)
    assert [(2, 2, "second")] == query(
        journal_path, "SELECT meta.epoch, leases.epoch, owner FROM meta, leases WHERE name = 'journal'"
    )


async def test_a_second_owner_is_refused_and_the_first_goes_on(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "first", NOW) as journal:
        with pytest.raises(JournalUnusable, match="another relay is using the journal"):
            async with open_sqlite(journal_path, "second", NOW):
                pass

        await journal.append(append_of(call_change("a")))


async def test_an_owner_whose_epoch_is_over_writes_nothing(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "first", NOW) as journal:
        with sqlite3.connect(journal_path) as direct:
            direct.execute("UPDATE meta SET epoch = epoch + 1")

        with pytest.raises(JournalUnusable, match="taken this journal over"):
            await journal.append(append_of(call_change("a")))

    assert [(0,)] == query(journal_path, "SELECT count(*) FROM events")


async def test_a_newer_schema_is_refused_and_left_alone(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW):
        pass
    with sqlite3.connect(journal_path) as direct:
        direct.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(JournalUnusable, match="newer relay"):
        async with open_sqlite(journal_path, "tests", NOW):
            pass

    assert [("9999",)] == query(journal_path, "SELECT version_num FROM alembic_version")
    assert [(1,)] == query(journal_path, "SELECT epoch FROM meta")


async def test_a_configured_id_key_must_be_the_journals(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW, KEY) as journal:
        assert KEY == journal.identity.id_key

    with pytest.raises(JournalUnusable, match="another id_key"):
        async with open_sqlite(journal_path, "tests", NOW, b"f" * 16):
            pass


async def test_a_file_that_is_no_journal_is_refused(journal_path: Path) -> None:
    journal_path.write_bytes(b"this is a text, and long enough to be taken for a header" * 10)

    with pytest.raises(JournalUnusable):
        async with open_sqlite(journal_path, "tests", NOW):
            pass


async def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalUnusable, match="cannot write beside the journal"):
        async with open_sqlite(tmp_path / "missing" / "relay.db", "tests", NOW):
            pass


async def test_a_full_disk_is_loud_and_loses_nothing(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await journal.append(append_of(call_change("before")))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        try:
            with pytest.raises(JournalUnusable):
                await journal.append(append_of(*(call_change(f"after-{n}") for n in range(100))))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        assert [1, 2, 3] == [event.seq for event in await journal.events_after(0, 10, 10**6)]
        await journal.append(append_of(call_change("after")))
        assert [4, 5, 6] == [event.seq for event in await journal.events_after(3, 10, 10**6)]


async def test_a_journal_that_is_deleted_under_way_is_loud(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        assert (await journal.stats()).size_bytes > 0
        journal_path.unlink()

        with pytest.raises(
            JournalUnusable, match=f"the journal {re.escape(str(journal_path))} is gone: No such"
        ):
            await journal.stats()


async def test_a_journal_without_a_write_ahead_log_has_none_of_its_bytes(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        assert (await journal.stats()).wal_bytes > 0
        journal_path.with_name(journal_path.name + "-wal").unlink()

        assert 0 == (await journal.stats()).wal_bytes


async def test_the_migrations_make_the_schema(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW):
        pass
    engine = create_engine(f"sqlite:///{journal_path}")

    with engine.connect() as conn:
        assert [] == differences(conn)
    engine.dispose()


@pytest.mark.postgresql
async def test_postgresql_takes_the_schema_and_takes_it_twice(postgresql_url: str) -> None:
    await upgrade_postgresql(postgresql_url)
    await upgrade_postgresql(postgresql_url)

    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as conn:
        assert [] == await conn.run_sync(differences)
    await engine.dispose()


def differences(conn: Connection) -> list[object]:
    """
    Return what the database lacks or has beyond the declared tables.
    """
    return list(compare_metadata(MigrationContext.configure(conn), schema.metadata))


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    """
    Look into the file directly.
    """
    with sqlite3.connect(path) as direct:
        return direct.execute(statement).fetchall()
