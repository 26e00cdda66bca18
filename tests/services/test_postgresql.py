"""
The PostgreSQL fixture.
"""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

pytestmark = pytest.mark.postgresql


async def _scalar(url: str, statement: str) -> object:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.begin() as connection:
            return (await connection.execute(text(statement))).scalar()
    finally:
        await engine.dispose()


async def test_sqlalchemy_reaches_it_with_asyncpg(postgresql_url: str) -> None:
    answer = await _scalar(postgresql_url, "SELECT 1")

    assert 1 == answer


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_every_test_has_an_empty_database_of_its_own(postgresql_url: str, turn: str) -> None:
    await _scalar(postgresql_url, f"SELECT set_config('application_name', '{turn}', true)")
    await _make_table(postgresql_url)

    tables = await _scalar(postgresql_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")

    assert 1 == tables


async def _make_table(url: str) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE only_here (id integer)"))
    await engine.dispose()
