"""
`relay db`: the journal's database.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from relay import assembly
from relay.config.checked import journal_url, without_password
from relay.config.load import load

commands = typer.Typer(help="Look after the journal's database.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Look after the journal's database.
    """


@commands.command("upgrade")
def upgrade(
    config: Annotated[Path | None, typer.Option(help="The configuration file.", show_default=False)] = None,
    url: Annotated[str | None, typer.Option(help="The database itself.", show_default=False)] = None,
) -> None:
    """
    Bring the schema of the journal to this version, making the database where there is none.
    """
    database = _database(config, url)
    asyncio.run(assembly.upgrade(database))
    typer.echo(f"{without_password(database)} is up to date.")


def _database(config: Path | None, url: str | None) -> str:
    if (config is None) == (url is None):
        raise typer.BadParameter("give one of the two", param_hint="--config / --url")
    if config is not None:
        return load(config, os.environ, assembly.SOURCE_KINDS).journal.url
    try:
        return journal_url(url or "")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
