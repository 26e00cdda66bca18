"""
The journal of an older version gets the columns of registering; a new one is its owner's alone.
"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal.migrate import MIGRATIONS, upgrade
from relay.journal.rows import registered_of
from relay.journal.store import open_sqlite
from relay.model.endpoint import EndpointSpec, RegisteredEndpoint
from relay.model.endpoint_auth import EndpointAuth
from tests.journal.making import NOW, append_of, call_change

OLD_ENDPOINT = text(
    "INSERT INTO endpoints (id, url, event_patterns, source_ids, is_from_file, state, start_seq, revision,"
    " created_ms) VALUES ('crm', 'https://crm.example.com/', '[\"call.*\"]', '[]', true, 'healthy', 5, 0, 7)"
)
AS_BEFORE = EndpointSpec("crm", "https://crm.example.com/", (), ("call.*",))


async def test_an_endpoint_of_an_older_journal_goes_on_as_before(journal_path: Path) -> None:
    engine = create_engine(f"sqlite:///{journal_path}")
    with engine.begin() as conn:
        make_first_version(conn)
        conn.execute(OLD_ENDPOINT)
    engine.dispose()

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        (crm,) = await journal.registry.registered(NOW)
        appended = await journal.append(append_of(call_change("a", events=1)))

    assert (AS_BEFORE, 5, True) == (crm.spec, crm.start_seq, crm.is_from_file)
    assert [crm.endpoint.no] == [delivery.endpoint_no for delivery in appended.deliveries]


@pytest.mark.postgresql
async def test_an_endpoint_of_an_older_postgresql_journal_goes_on_as_before(postgresql_url: str) -> None:
    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))

    async with engine.begin() as conn:
        await conn.run_sync(make_first_version)
        await conn.execute(OLD_ENDPOINT)
        await conn.run_sync(upgrade)
        crm = await conn.run_sync(only_endpoint)
    await engine.dispose()

    assert (AS_BEFORE, 5, True) == (crm.spec, crm.start_seq, crm.is_from_file)


async def test_nobody_else_may_read_a_new_journal(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await journal.append(append_of(call_change("a")))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in journal_path.parent.iterdir()}

    names = ("relay.db", "relay.db-wal", "relay.db-shm", "relay.db.lock", "relay.db.secrets-key")
    assert dict.fromkeys(names, 0o600) == modes


async def test_the_mode_of_a_journal_that_was_there_is_left_alone(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW):
        pass
    journal_path.chmod(0o640)

    async with open_sqlite(journal_path, "tests", NOW):
        assert 0o640 == stat.S_IMODE(journal_path.stat().st_mode)


def make_first_version(conn: Connection) -> None:
    """
    Make the tables of the first version.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    command.upgrade(config, "0001")


def only_endpoint(conn: Connection) -> RegisteredEndpoint:
    """
    Return the one endpoint that is there.
    """
    return registered_of(conn.execute(text("SELECT * FROM endpoints")).one(), (), EndpointAuth(), NOW)
