"""
`relay endpoints`: registered webhooks.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from typing import Final

import typer

from relay.config.checked import WEBHOOK_SECRET_PREFIX

NEW_SECRET_BYTES: Final = 32

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
    typer.echo(WEBHOOK_SECRET_PREFIX + b64encode(secrets.token_bytes(NEW_SECRET_BYTES)).decode())
