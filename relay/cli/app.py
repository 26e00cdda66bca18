"""
The command `relay`: one file for each group of commands, listed in `relay.cli.lazy`.

Exit codes: 0 ok, 1 failed, 2 usage or configuration.
"""

from __future__ import annotations

from typing import Annotated

import typer

from relay.cli.failures import told_to_a_person
from relay.cli.lazy import LazyGroup
from relay.version import __version__

app = typer.Typer(
    name="relay",
    cls=LazyGroup,
    help="Poll phone systems; hand every call event to webhooks and Kafka, complete and in order.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """
    Poll phone systems; hand every call event to webhooks and Kafka, complete and in order.
    """


def main() -> None:
    """
    Run the command line; always leaves by SystemExit.
    """
    with told_to_a_person():
        app()


if __name__ == "__main__":
    main()
