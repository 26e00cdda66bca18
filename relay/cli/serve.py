"""
`relay serve`: poll, deliver and publish until told to stop.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from relay import assembly
from relay.cli.running import run_until_stopped
from relay.config.load import load
from relay.telemetry.logs import configure

ROLES: Final = ("api", "poll", "publish", "deliver")


def serve(
    config: Annotated[Path, typer.Option(help="The configuration file.", show_default=False)],
    roles: Annotated[str, typer.Option(help="What this process does, separated by commas.")] = ",".join(
        ROLES
    ),
) -> None:
    """
    Poll phone systems and hand their events on, until SIGTERM or SIGINT.

    The first signal finishes what is in flight; a second one ends the process at once.
    """
    _check_roles(roles)
    loaded = load(config, os.environ, assembly.SOURCE_KINDS, assembly.vet)
    configure(loaded.log.level, sys.stderr)
    run_until_stopped(lambda stop: assembly.serve(loaded, stop))


def _check_roles(roles: str) -> None:
    wanted = {role.strip() for role in roles.split(",")}
    unknown = wanted.difference(ROLES)
    if unknown:
        known = ", ".join(ROLES)
        raise typer.BadParameter(
            f"no such role: {', '.join(sorted(unknown))}; roles: {known}", param_hint="--roles"
        )
    if wanted != set(ROLES):
        raise typer.BadParameter("this version runs all roles in one process", param_hint="--roles")
