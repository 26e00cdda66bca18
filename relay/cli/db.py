"""
`relay db`: the journal's database.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from relay import assembly, journal_assembly
from relay.cli.answers import as_json
from relay.config.checked import journal_url, without_password
from relay.config.id_key import encode_id_key
from relay.config.load import load
from relay.model.errors import RelayError

Config = Annotated[Path | None, typer.Option(help="The configuration file.", show_default=False)]
Url = Annotated[str | None, typer.Option(help="The database itself.", show_default=False)]

commands = typer.Typer(help="Look after the journal's database.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Look after the journal's database.
    """


@commands.command("upgrade")
def upgrade(config: Config = None, url: Url = None) -> None:
    """
    Bring the schema of the journal to this version, making the database where there is none.
    """
    database = _database(config, url)
    asyncio.run(journal_assembly.upgrade(database))
    typer.echo(f"{without_password(database)} is up to date.")


@commands.command("id-key")
def id_key(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to; must not be there yet.", show_default=False)
    ],
    config: Config = None,
    url: Url = None,
) -> None:
    """
    Write the secret that the journal's ids follow from into a file that only its owner can read.

    A new journal that is given it makes the same ids of the same calls. Relay may be running meanwhile.
    """
    key = journal_assembly.journal_id_key(_database(config, url))
    _write_private(file, encode_id_key(key) + "\n")
    place = as_json(str(file.absolute()), indented=False)  # escaped as in TOML
    typer.echo(f"The id_key is in {place}: keep it as safe as the journal.")
    typer.echo("For the configuration of the new journal, in the table [journal]:")
    typer.echo(f"id_key = {{ file = {place} }}")


def _write_private(file: Path, text: str) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise RelayError(f"{file} is there already, and is not overwritten") from None
    except OSError as error:
        raise RelayError(f"{file} cannot be made: {error.strerror}") from None
    try:
        with open(handle, "w", encoding="ascii") as opened:
            opened.write(text)
    except OSError as error:
        file.unlink()  # part of a key would pass for a key
        raise RelayError(f"{file} cannot be written: {error.strerror}") from None


def _database(config: Path | None, url: str | None) -> str:
    if (config is None) == (url is None):
        raise typer.BadParameter("give one of the two", param_hint="--config / --url")
    if config is not None:
        return load(config, os.environ, assembly.SOURCE_KINDS).journal.url
    try:
        return journal_url(url or "")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
