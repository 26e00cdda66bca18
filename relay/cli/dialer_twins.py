"""
`relay twin dialer360` and `relay twin elision`: simulated dialers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from relay.cli.failures import FAILED
from relay.cli.running import run_until_stopped
from relay.config.checked import time_zone
from relay.twin.elision import server as elision_server
from relay.twin.elision.settings import ElisionTwinSettings
from relay.twin.vicidial import server as dialer_server
from relay.twin.vicidial.builds import BUILDS, NEWEST
from relay.twin.vicidial.faults import FAULTS, Fault, fault_table, read_fault
from relay.twin.vicidial.settings import Access, Dialect, DialerTwinSettings, Floor, HookUrls

__all__ = ["dialer360", "elision", "fault_table"]

Listen = Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.")]
User = Annotated[str, typer.Option(help="The API user, who may do everything.")]
Password = Annotated[str, typer.Option(help="Its password: letters, digits, - and _ only.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same agents and calls.")]
Agents = Annotated[int, typer.Option(help="Agents of the floor.")]
Zone = Annotated[str, typer.Option(help="Zone of the times it writes.")]
Version = Annotated[str, typer.Option(help=f"The build it is: {' or '.join(BUILDS)}.")]
Speed = Annotated[float, typer.Option(help="How much faster than the clock the floor lives.")]
CallsPerMinute = Annotated[
    float | None,
    typer.Option(help="Calls offered; left out: enough to keep the agents busy.", show_default=False),
]
PastS = Annotated[float, typer.Option(help="Seconds that the floor has lived when it starts.")]
ShortCalls = Annotated[float, typer.Option(help="Share of the calls that is over within a second.")]
Scripted = Annotated[bool, typer.Option("--scripted", help="Nobody does anything but by POST /control.")]
Whitelist = Annotated[
    list[str] | None,
    typer.Option(help="An address that may ask, or a.b.c.x; repeatable; none: all.", show_default=False),
]
Latin1 = Annotated[bool, typer.Option("--latin1", help="Write Latin-1 under a label of UTF-8.")]
OldPhp = Annotated[bool, typer.Option("--old-php", help="Answer 200 where PHP 8 stumbles over apostrophes.")]
StartUrl = Annotated[
    str | None, typer.Option(help="Start Call URL, with --A--name--B--.", show_default=False)
]
DispoUrl = Annotated[str | None, typer.Option(help="Dispo Call URL.", show_default=False)]
NoAgentUrl = Annotated[str | None, typer.Option(help="No Agent Call URL.", show_default=False)]
DeadUrl = Annotated[str | None, typer.Option(help="Dead Call URL.", show_default=False)]
EventsUrl = Annotated[str | None, typer.Option(help="URL of the agent events push.", show_default=False)]
HookLoss = Annotated[float, typer.Option(help="Share of those requests that is lost, from 0 to 1.")]
FaultNames = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        help=f"A fault that is on from the start, NAME or NAME=RATE; repeatable: {', '.join(FAULTS)}.",
        show_default=False,
    ),
]


def dialer360(
    listen: Listen = "127.0.0.1:8091",
    user: User = "api",
    password: Password = "twin",  # noqa: S107 (guards nothing)
    seed: Seed = 1,
    agents: Agents = 12,
    timezone: Zone = "America/New_York",
    version: Version = NEWEST,
    speed: Speed = 1.0,
    calls_per_minute: CallsPerMinute = None,
    past_s: PastS = 0.0,
    short_calls: ShortCalls = 0.05,
    scripted: Scripted = False,
    whitelist: Whitelist = None,
    latin1: Latin1 = False,
    old_php: OldPhp = False,
    start_url: StartUrl = None,
    dispo_url: DispoUrl = None,
    no_agent_url: NoAgentUrl = None,
    dead_url: DeadUrl = None,
    agent_events_url: EventsUrl = None,
    hook_loss: HookLoss = 0.0,
    fault: FaultNames = None,
) -> None:
    """
    Run a simulated VICIdial server, as Dialer360 sells it; prints its URL once it listens.

    `GET /truth` tells what its agents really did and which calls there were, `POST /control` switches
    faults, renames agents, restarts its database and more.
    """
    try:
        settings = DialerTwinSettings(
            seed,
            Floor(agents, calls_per_minute, speed, past_s, short_calls, scripted),
            Access(user, password, tuple(whitelist or ())),
            Dialect(time_zone(timezone), version, is_latin1=latin1, has_php8=not old_php),
            HookUrls(start_url, dispo_url, no_agent_url, dead_url, agent_events_url, hook_loss),
        )
        played = [_fault(text) for text in fault or ()]
        _serve(listen, lambda stop: dialer_server.run(settings, listen, stop, typer.echo, played))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def elision(
    listen: Listen = "127.0.0.1:8092",
    user: User = "api",
    password: Password = "twin",  # noqa: S107 (guards nothing)
    fault: FaultNames = None,
) -> None:
    """
    Run a simulated Elision dialer; prints its URL once it listens.

    `GET /truth` tells users, lists and leads, `POST /control` switches faults and replaces the lists.
    """
    try:
        settings = ElisionTwinSettings(user, password)
        played = [_fault(text) for text in fault or ()]
        _serve(listen, lambda stop: elision_server.run(settings, listen, stop, typer.echo, played))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _serve(listen: str, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    try:
        run_until_stopped(work)
    except OSError as error:
        typer.echo(f"relay: cannot listen on {listen}: {error.strerror}", err=True)
        raise typer.Exit(FAILED) from None


def _fault(text: str) -> Fault:
    name, _, rate = text.partition("=")
    return read_fault(name, {"rate": float(rate)} if rate else {})
