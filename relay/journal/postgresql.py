"""
PostgreSQL: bring its schema up to date.
"""

from __future__ import annotations

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal.migrate import upgrade
from relay.model.errors import JournalUnusable

UPGRADE_LOCK = 0x72656C6179  # "relay": one upgrade at a time


async def upgrade_postgresql(url: str) -> None:
    """
    Run the migrations that are missing on a PostgreSQL database, one process at a time.

    Raises:
        JournalUnusable: not to be reached, or made by a newer version.
    """
    target = make_url(url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(target)
    try:
        async with engine.begin() as conn:
            await conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
            await conn.run_sync(upgrade)
    except (DBAPIError, OSError) as error:
        shown = target.render_as_string(hide_password=True)
        raise JournalUnusable(f"the journal {shown} cannot be upgraded: {error}") from error
    finally:
        await engine.dispose()
