"""
`relay endpoints`: registered webhooks.
"""

from __future__ import annotations

import typer

from relay.config import webhook_secret

commands = typer.Typer(help="Registered webhooks.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Registered webhooks.
    """


@commands.command("new-secret")
def new_secret() -> None:
    """
    Print a new secret for an endpoint; give it to relay and to the receiver.
    """
    typer.echo(webhook_secret.new_secret())
