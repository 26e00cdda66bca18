"""
`relay twin`: simulated phone systems.
"""

from __future__ import annotations

from typing import Annotated

import typer

from relay.cli.failures import FAILED
from relay.cli.running import run_until_stopped
from relay.config.checked import time_zone
from relay.twin.voipcloud.server import run
from relay.twin.voipcloud.settings import AnswerShape, OfficeSize, Rules, Traffic, TwinSettings

commands = typer.Typer(help="Simulated phone systems, on loopback only.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Simulated phone systems, on loopback only.
    """


@commands.command("voipcloud")
def voipcloud(
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.")] = "127.0.0.1:8090",
    token: Annotated[str, typer.Option(help="The API token it asks for.")] = "twin",  # noqa: S107 (guards nothing)
    seed: Annotated[int, typer.Option(help="The same seed makes the same calls.")] = 1,
    timezone: Annotated[str, typer.Option(help="Zone of the times it writes.")] = "Australia/Sydney",
    users: Annotated[int, typer.Option(help="Users of the office.")] = 8,
    queues: Annotated[int, typer.Option(help="Its queues.")] = 2,
    ring_groups: Annotated[int, typer.Option(help="Its ring groups.")] = 1,
    calls_per_minute: Annotated[float, typer.Option(help="How much is called.")] = 4.0,
    speed: Annotated[float, typer.Option(help="How much faster than the clock the office lives.")] = 1.0,
    past_calls: Annotated[int, typer.Option(help="Calls that ended before it starts.")] = 0,
    stop_after: Annotated[
        int | None, typer.Option(help="No new call after so many.", show_default=False)
    ] = None,
    requests: Annotated[int, typer.Option(help="Requests it allows in each window.")] = 100,
    per_s: Annotated[float, typer.Option(help="Length of the window in seconds.")] = 900.0,
    whitelist: Annotated[
        list[str] | None,
        typer.Option(help="An address that may ask; repeatable; none: all.", show_default=False),
    ] = None,
    absent: Annotated[
        list[str] | None, typer.Option(help="A stream it lacks; repeatable.", show_default=False)
    ] = None,
    wrapped: Annotated[bool, typer.Option(help="Rows in an object rather than a bare list.")] = False,
    naive_times: Annotated[bool, typer.Option(help="Times without an offset.")] = False,
) -> None:
    """
    Run a simulated VoIPcloud account; prints its URL once it listens.

    `GET /truth` tells which calls there really were.
    """
    try:
        settings = TwinSettings(
            token=token,
            seed=seed,
            office=OfficeSize(users, queues, ring_groups),
            traffic=Traffic(calls_per_minute, speed, past_calls, stop_after),
            rules=Rules(requests, per_s, whitelist=tuple(whitelist or ()), absent=frozenset(absent or ())),
            shape=AnswerShape(time_zone(timezone), is_wrapped=wrapped, has_naive_times=naive_times),
        )
        run_until_stopped(lambda stop: run(settings, listen, stop, typer.echo))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        typer.echo(f"relay: cannot listen on {listen}: {error.strerror}", err=True)
        raise typer.Exit(FAILED) from None
