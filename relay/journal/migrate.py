"""
Bring a journal to the schema of this version, or refuse one that is newer.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from relay.model.errors import JournalUnusable

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(conn: Connection) -> None:
    """
    Run the migrations that are missing, within the transaction of `conn`.

    Raises:
        JournalUnusable: the journal was made by a newer version.
    """
    config = _config()
    refuse_newer(conn)
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def refuse_newer(conn: Connection) -> None:
    """
    Check that every migration the journal has seen is known here.

    Raises:
        JournalUnusable: it has seen one that is not.
    """
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    unknown = set(MigrationContext.configure(conn).get_current_heads()) - known
    if unknown:
        raise JournalUnusable(
            f"the journal was written by a newer relay (schema {', '.join(sorted(unknown))}; this one"
            f" knows {max(known)}); run that version, or restore a backup made before the upgrade"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
