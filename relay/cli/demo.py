"""
`relay demo`: everything at once on this machine, and an audit of what came of it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from relay.cli.demonstration.acts import Acts
from relay.cli.demonstration.schedule import PLAYABLE, chosen
from relay.cli.demonstration.screen import open_screen
from relay.cli.demonstration.settings import SHORTEST_S, DemoSettings
from relay.cli.demonstration.stage import open_stage
from relay.cli.demonstration.verdict import SHOWN_FAULTS, Verdict, judge
from relay.cli.failures import FAILED
from relay.cli.running import run_until_stopped
from relay.config.checked import bootstrap_servers


def demo(
    seconds: Annotated[int, typer.Option(min=SHORTEST_S, max=86_400, help="How long calls are made.")] = 60,
    seed: Annotated[int, typer.Option(help="Decides who calls whom, and when relay is killed.")] = 1,
    kafka: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Publish to this Kafka too.", show_default=False)
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep journal, config and log in this folder.", show_default=False)
    ] = None,
    twin_port: Annotated[int, typer.Option(help="Port of the phone system; 0: any.", min=0, max=65_535)] = 0,
    api_port: Annotated[int, typer.Option(help="Port of relay's API; 0: any.", min=0, max=65_535)] = 0,
    ops_port: Annotated[int, typer.Option(help="Port of relay's metrics; 0: any.", min=0, max=65_535)] = 0,
    faults: Annotated[
        str | None,
        typer.Option(
            metavar="all|NAME,NAME",
            help=f"Faults that the phone system plays in turn: {', '.join(PLAYABLE)}.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; the progress goes to the error stream.")
    ] = False,
) -> None:
    """
    Simulate a phone system and a receiver, run relay between them, and audit what came of it.

    On the way relay is killed once and the receiver fails for some seconds; with `--faults` the phone
    system goes wrong too (`relay twin faults` lists how).  Exits 1 unless nothing was lost, duplicated or
    bent.
    """
    settings = DemoSettings(
        seconds, seed, _checked(kafka), keep, twin_port, api_port, ops_port, _chosen(faults)
    )
    verdict = _performed(settings, Console(stderr=as_json))
    if verdict is None:
        typer.echo("relay: interrupted", err=True)
        raise typer.Exit(FAILED)
    if as_json:
        typer.echo(orjson.dumps(verdict.as_json()).decode())
    else:
        _print(verdict, settings)
    if not verdict.holds:
        raise typer.Exit(FAILED)


def _checked(kafka: str | None) -> str | None:
    try:
        return None if kafka is None else bootstrap_servers(kafka)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--kafka") from None


def _chosen(faults: str | None) -> tuple[str, ...]:
    try:
        return chosen(faults)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--faults") from None


def _performed(settings: DemoSettings, console: Console) -> Verdict | None:
    """
    Perform; None where it was interrupted.
    """
    verdicts: list[Verdict] = []

    async def perform() -> None:
        with open_screen(console) as screen:
            async with open_stage(settings) as stage:
                verdicts.append(judge(await Acts(stage, settings, screen).perform(), stage.receiver))

    async def perform_until(stop: asyncio.Event) -> None:
        performing, stopping = asyncio.ensure_future(perform()), asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({performing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if performing.done():
                performing.result()
        finally:
            for task in (performing, stopping):
                task.cancel()
            await asyncio.gather(performing, stopping, return_exceptions=True)

    run_until_stopped(perform_until)
    return verdicts[0] if verdicts else None


def _print(verdict: Verdict, settings: DemoSettings) -> None:
    console = Console(highlight=False)
    table = Table(title="audit", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in verdict.rows:
        table.add_row(name, str(value))
    console.print(table)
    for fault in verdict.faults[:SHOWN_FAULTS]:
        console.print(fault, markup=False, soft_wrap=True)
    if len(verdict.faults) > SHOWN_FAULTS:
        console.print(f"and {len(verdict.faults) - SHOWN_FAULTS} more")
    if settings.keep is not None:
        console.print(f"journal, configuration and log are in {settings.keep}", markup=False, soft_wrap=True)
    if verdict.holds:
        console.print("Nothing was lost, duplicated or bent.", style="bold green")
    else:
        console.print(f"The demonstration failed: {len(verdict.faults)} faults.", style="bold red")
