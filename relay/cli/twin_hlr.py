"""
`relay twin hlr`: a simulated provider of number look-ups.
"""

from __future__ import annotations

from typing import Annotated

import typer

from relay.cli.failures import FAILED
from relay.cli.running import run_until_stopped
from relay.twin.hlr.server import HlrTwinSettings, run


def hlr(
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.")] = "127.0.0.1:8093",
    token: Annotated[str, typer.Option(help="The bearer token it asks for.")] = "twin",  # noqa: S107 (guards nothing)
    slow_s: Annotated[float, typer.Option(min=0, help="How late it answers where it is slow.")] = 10.0,
) -> None:
    """
    Run a simulated provider of number look-ups; prints the URL for the table `hlr` once it listens.

    Numbers ending in 90 are invalid, in 91 unreachable, in 92 unknown; 93 is answered late, 94 with an error
    page, 95 with half an answer, 96 with one about another number, 97 with 429. All others are valid.
    `GET /truth` tells what was asked.
    """
    settings = HlrTwinSettings(token, slow_s)
    try:
        run_until_stopped(lambda stop: run(settings, listen, stop, typer.echo))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        typer.echo(f"relay: cannot listen on {listen}: {error.strerror}", err=True)
        raise typer.Exit(FAILED) from None
