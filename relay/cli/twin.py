"""
`relay twin`: simulated phone systems.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from relay.cli import dialer_twins
from relay.cli.failures import FAILED
from relay.cli.running import run_until_stopped
from relay.config.checked import time_zone
from relay.twin.voipcloud.fault_kinds import FAULTS, fault_table
from relay.twin.voipcloud.faults import read_fault
from relay.twin.voipcloud.server import run
from relay.twin.voipcloud.settings import (
    AnswerShape,
    OfficeSize,
    PushSettings,
    Rules,
    Traffic,
    TwinSettings,
)

commands = typer.Typer(help="Simulated phone systems, on loopback only.", no_args_is_help=True)
commands.command("dialer360")(dialer_twins.dialer360)
commands.command("elision")(dialer_twins.elision)

Listen = Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.")]
Token = Annotated[str, typer.Option(help="The API token it asks for.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same calls.")]
Zone = Annotated[str, typer.Option(help="Zone of the times it writes.")]
Users = Annotated[int, typer.Option(help="Users of the office.")]
Queues = Annotated[int, typer.Option(help="Its queues.")]
RingGroups = Annotated[int, typer.Option(help="Its ring groups.")]
CallsPerMinute = Annotated[float, typer.Option(help="How much is called.")]
Speed = Annotated[float, typer.Option(help="How much faster than the clock the office lives.")]
PastCalls = Annotated[int, typer.Option(help="Calls that ended before it starts.")]
StopAfter = Annotated[int | None, typer.Option(help="No new call after so many.", show_default=False)]
Variety = Annotated[
    bool, typer.Option("--variety", help="Some calls overflow, are transferred, or withhold their number.")
]
Requests = Annotated[int, typer.Option(help="Requests it allows in each window.")]
PerS = Annotated[float, typer.Option(help="Length of the window in seconds.")]
Whitelist = Annotated[
    list[str] | None, typer.Option(help="An address that may ask; repeatable; none: all.", show_default=False)
]
Absent = Annotated[list[str] | None, typer.Option(help="A stream it lacks; repeatable.", show_default=False)]
LargestPage = Annotated[int, typer.Option(help="Rows of the largest page.")]
RefuseDeepOffsets = Annotated[
    bool, typer.Option("--refuse-deep-offsets", help="Refuse offsets above the largest page.")
]
Wrapped = Annotated[bool, typer.Option("--wrapped", help="Rows in an object rather than a bare list.")]
NaiveTimes = Annotated[bool, typer.Option("--naive-times", help="Times without an offset.")]
PushUrl = Annotated[str | None, typer.Option(help="Post what happens to this URL.", show_default=False)]
PushToken = Annotated[str, typer.Option(help="The X-Pbx-Token of what is posted.")]
PushLoss = Annotated[float, typer.Option(help="Share of the posts that is lost, from 0 to 1.")]
FaultNames = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        help=f"A fault that is on from the start; repeatable: {', '.join(FAULTS)}.",
        show_default=False,
    ),
]

FaultsOf = Annotated[Literal["voipcloud", "dialer360", "elision"], typer.Argument(help="Whose faults.")]


@commands.callback()
def _group() -> None:
    """
    Simulated phone systems, on loopback only.
    """


@commands.command("faults")
def faults(kind: FaultsOf = "voipcloud") -> None:
    """
    List the faults that a simulated phone system can play, with what each of them does.

    They are switched by `--fault`, and at run time by POST /control with
    `{"faults": {NAME: {DETAIL: VALUE}}}`, or null in place of the details to switch off.
    """
    typer.echo(fault_table() if kind == "voipcloud" else dialer_twins.fault_table())


@commands.command("voipcloud")
def voipcloud(
    listen: Listen = "127.0.0.1:8090",
    token: Token = "twin",  # noqa: S107 (guards nothing)
    seed: Seed = 1,
    timezone: Zone = "Australia/Sydney",
    users: Users = 8,
    queues: Queues = 2,
    ring_groups: RingGroups = 1,
    calls_per_minute: CallsPerMinute = 4.0,
    speed: Speed = 1.0,
    past_calls: PastCalls = 0,
    stop_after: StopAfter = None,
    variety: Variety = False,
    requests: Requests = 100,
    per_s: PerS = 900.0,
    whitelist: Whitelist = None,
    absent: Absent = None,
    largest_page: LargestPage = 10_000,
    refuse_deep_offsets: RefuseDeepOffsets = False,
    wrapped: Wrapped = False,
    naive_times: NaiveTimes = False,
    push_url: PushUrl = None,
    push_token: PushToken = "twin",  # noqa: S107 (guards nothing)
    push_loss: PushLoss = 0.0,
    fault: FaultNames = None,
) -> None:
    """
    Run a simulated VoIPcloud account; prints its URL once it listens.

    `GET /truth` tells which calls there really were, `POST /control` switches faults.
    """
    try:
        rules = Rules(
            requests, per_s, True, tuple(whitelist or ()), frozenset(absent or ()), largest_page,
            has_deep_offsets=not refuse_deep_offsets,
        )  # fmt: skip
        settings = TwinSettings(
            token, seed, OfficeSize(users, queues, ring_groups),
            Traffic(calls_per_minute, speed, past_calls, stop_after, variety), rules,
            AnswerShape(time_zone(timezone), is_wrapped=wrapped, has_naive_times=naive_times),
            PushSettings(push_url, push_token, push_loss) if push_url else None,
        )  # fmt: skip
        played = [read_fault(name, {}) for name in fault or ()]
        run_until_stopped(lambda stop: run(settings, listen, stop, typer.echo, played))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        typer.echo(f"relay: cannot listen on {listen}: {error.strerror}", err=True)
        raise typer.Exit(FAILED) from None
