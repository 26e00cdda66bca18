"""
`relay config`: look at a configuration before it is used.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relay import assembly
from relay.cli.failures import USAGE
from relay.cli.tables import open_console, print_json
from relay.config.load import load
from relay.config.schema import RelayConfig
from relay.model.errors import ConfigError

commands = typer.Typer(help="Look at a configuration.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Look at a configuration.
    """


@commands.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="The configuration file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Read a configuration whole and print everything that is wrong with it, or what it says.

    Secrets are read too, so that a missing one is found, and never printed.
    """
    try:
        config = _checked(file)
    except ConfigError as error:
        if not as_json:
            raise
        faults = [{"key": fault.key, "problem": fault.problem} for fault in error.faults]
        print_json({"ok": False, "faults": faults})
        raise typer.Exit(USAGE) from None
    if as_json:
        print_json({"ok": True, "config": config.model_dump(mode="json")})
    else:
        _print_tables(config)


def _checked(file: Path) -> RelayConfig:
    config = load(file, os.environ, assembly.SOURCE_KINDS, assembly.vet)
    faults = assembly.check(config)
    if faults:
        raise ConfigError(faults)
    return config


def _print_tables(config: RelayConfig) -> None:
    console = open_console()
    shown = config.model_dump(mode="json")
    general = Table("setting", "value", title="relay", title_justify="left")
    general.add_row("server.listen", shown["server"]["listen"])
    general.add_row("server.ops_listen", shown["server"]["ops_listen"])
    general.add_row("server.hooks_listen", shown["server"]["hooks_listen"] or "off")
    general.add_row("journal.url", shown["journal"]["url"])
    general.add_row("kafka", config.kafka.bootstrap_servers if config.kafka else "off")
    console.print(general)
    if config.sources:
        sources = Table("id", "kind", "timezone", "country", title="sources", title_justify="left")
        for source in config.sources:
            sources.add_row(source.id, source.kind, source.timezone, source.country)
        console.print(sources)
    if config.endpoints:
        endpoints = Table("id", "url", "events", "sources", title="endpoints", title_justify="left")
        for endpoint in config.endpoints:
            wanted = ", ".join(endpoint.sources) or "all"
            endpoints.add_row(endpoint.id, endpoint.url, ", ".join(endpoint.events), wanted)
        console.print(endpoints)
    console.print("No fault found.")
