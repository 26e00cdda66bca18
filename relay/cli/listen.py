"""
`relay listen`: a receiver on this machine that verifies, prints, and fails on command.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated, Final

import typer

from relay.cli.answers import as_json as json_line
from relay.cli.answers import printable
from relay.cli.failures import FAILED
from relay.cli.running import run_until_stopped
from relay.cli.tables import print_item
from relay.config.checked import ListenAddress, listen_address
from relay.testing.listener import TAKEN, UNVERIFIED, Listener, Told, serving
from relay.testing.misbehaviour import Misbehaviour
from relay.testing.signature_check import SignatureCheck

DEFAULT_LISTEN: Final = "127.0.0.1:8099"
SECRET_VARIABLE: Final = "RELAY_LISTEN_SECRET"  # noqa: S105 - its name
WIDTHS: Final = {"time": 12, "type": 24, "subject": 44, "revision": 8, "id": 34, "seen": 5}
NOTHING: Final = "-"

Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where; port 0 takes a free one.")]
SecretFile = Annotated[
    typer.FileText | None,
    typer.Option(
        help="File with the secret (whsec_…) or public key (whpk_…), several lines for several, - for "
        f"standard input; left out: {SECRET_VARIABLE}.",
        show_default=False,
    ),
]
Fail = Annotated[
    str | None,
    typer.Option(metavar="STATUS[=RATE]", help="Answer so, always or this share.", show_default=False),
]
FailFirst = Annotated[
    int | None, typer.Option(min=0, help="Only the first so many requests fail.", show_default=False)
]
RetryAfter = Annotated[
    int | None, typer.Option(min=0, help="Seconds; goes with failing answers.", show_default=False)
]
Delay = Annotated[float, typer.Option(help="Seconds before each answer.")]
Drop = Annotated[
    float, typer.Option(metavar="RATE", help="Share that is taken, with the connection cut for an answer.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")]


def listen(
    listen: Listen = DEFAULT_LISTEN,
    secret_file: SecretFile = None,
    fail: Fail = None,
    fail_first: FailFirst = None,
    retry_after: RetryAfter = None,
    delay: Delay = 0.0,
    drop: Drop = 0.0,
    as_json: AsJson = False,
) -> None:
    """
    Receive webhooks here: verify each, print a line for each event, and fail as told.

    Prints its URL once it listens, and at its end (Ctrl-C) what came.  `POST /_control` from this machine
    changes how it fails: {"fail": "503=0.5", "fail_first": 9, "retry_after_s": 5, "delay_s": 1, "drop": 0.1}.
    """
    try:
        address = listen_address(listen)
        check = _check(secret_file.read() if secret_file else os.environ.get(SECRET_VARIABLE, ""))
        misbehaviour = Misbehaviour(fail, fail_first, retry_after, delay, drop)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if check is None:
        typer.echo(f"relay: no secret ({SECRET_VARIABLE}, --secret-file): nothing is verified", err=True)
    listener = Listener(check, misbehaviour, _tell_json if as_json else _tell)
    try:
        run_until_stopped(lambda stop: _serve(listener, address, stop, as_json))
    except OSError as error:
        typer.echo(f"relay: cannot listen on {listen}: {error.strerror}", err=True)
        raise typer.Exit(FAILED) from None


def _check(secrets: str) -> SignatureCheck | None:
    return SignatureCheck(secrets.split()) if secrets.split() else None


async def _serve(listener: Listener, address: ListenAddress, stop: asyncio.Event, is_json: bool) -> None:
    async with serving(listener, address.host, address.port) as url:
        if is_json:
            typer.echo(json_line({"url": url}, indented=False))
        else:
            typer.echo(f"listening on {url}")
            if sys.stdout.isatty():
                typer.secho(
                    _line(["time", "type", "subject", "revision", "id", "seen", "verdict"]), bold=True
                )
        await stop.wait()
    if is_json:
        typer.echo(json_line({"summary": listener.summary()}, indented=False))
    else:
        print_item("summary", {name.replace("_", " "): count for name, count in listener.summary().items()})


def _tell(told: Told) -> None:
    event = told.event
    cells = [
        told.at.strftime("%H:%M:%S.%f")[:-3],
        event.type if event else None,
        event.subject if event else None,
        str(event.revision) if event and event.revision is not None else None,
        event.id if event else told.webhook_id,
        "again" if told.is_seen else "new" if event else None,
        told.verdict,
    ]
    colour = None if told.verdict in (TAKEN, UNVERIFIED) else typer.colors.RED
    if sys.stdout.isatty():
        typer.secho(_line(cells), fg=colour)
    else:
        typer.echo(_line(cells))


def _line(cells: list[str | None]) -> str:
    # What is too long for its column moves the rest of its line; nothing is cut, so that ids can be copied.
    widths = [*WIDTHS.values(), 0]
    return "  ".join(
        printable(cell or NOTHING).ljust(width) for cell, width in zip(cells, widths, strict=True)
    )


def _tell_json(told: Told) -> None:
    typer.echo(json_line(told.to_json(), indented=False))
