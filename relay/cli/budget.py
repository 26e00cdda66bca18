"""
`relay budget`: what the request budgets of a configuration are good for, before it is used.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from relay import assembly
from relay.cli.answers import Item
from relay.cli.asking import Insecure, ask, in_path
from relay.cli.remote import RemoteRelay
from relay.cli.tables import open_console, print_json, table
from relay.config.checked import near_miss
from relay.config.load import load
from relay.model.errors import RelayError
from relay.model.times import from_rfc3339

COLUMNS: Final = ("source", "stream", "rate", "interval_s", "mean_delay_s", "worst_delay_s")
SUFFIX: Final = "_calls"
DEFAULT_RATE: Final = 1.0

Rates = dict[str, dict[str, float]]

commands = typer.Typer(help="Request budgets.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Request budgets.
    """


@commands.command("plan")
def plan(
    file: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The configuration file.", show_default=False)
    ],
    rates: Annotated[
        list[str] | None,
        typer.Option(
            help="How many calls each stream shows, in relation to the others:"
            " `SOURCE:user=9,queue=4,ringgroup=1`; repeatable. Left out: 1 each.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="A running relay whose last reads tell the rates of the other sources.", show_default=False
        ),
    ] = None,
    insecure: Insecure = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Print how often each stream will be read, and how long after it appeared a row will be seen.

    The delays are the mean and the worst, without the time that an answer takes.
    """
    config = load(file, os.environ, assembly.SOURCE_KINDS, assembly.vet)
    streams = {source: list(planned) for source, planned in assembly.budget_plan(config, {}).items()}
    wanted = _wanted(rates or [], streams)
    if url is not None:
        unknown = [source for source in streams if source not in wanted]
        wanted |= ask(url, insecure, lambda remote: _measured(remote, unknown))
    rows = [
        {
            "source": source,
            "stream": stream,
            "rate": wanted.get(source, {}).get(stream, DEFAULT_RATE),
            "interval_s": round(one.interval_s, 1),
            "mean_delay_s": round(one.mean_delay_s, 1),
            "worst_delay_s": round(one.worst_delay_s, 1),
        }
        for source, planned in assembly.budget_plan(config, wanted).items()
        for stream, one in planned.items()
    ]
    if as_json:
        print_json({"streams": rows})
    else:
        open_console().print(table(rows, "budget plan", COLUMNS))


def _wanted(given: list[str], streams: Mapping[str, list[str]]) -> Rates:
    wanted: Rates = {}
    for text in given:
        source, colon, rest = text.partition(":")
        if not colon or source not in streams:
            raise _wrong(f"`{source}` is no source of the configuration" + near_miss(source, streams))
        for part in rest.split(","):
            stream, rate = _rate(part)
            if stream not in streams[source]:
                raise _wrong(f"`{part}` names no stream of {source}" + near_miss(stream, streams[source]))
            wanted.setdefault(source, {})[stream] = rate
    return wanted


def _rate(text: str) -> tuple[str, float]:
    name, _, number = text.strip().partition("=")
    try:
        rate = float(number)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate >= 0):
        raise _wrong(f"`{text}` is not STREAM=NUMBER")
    return name if name.endswith(SUFFIX) else name + SUFFIX, rate


def _wrong(problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint="--rates")


async def _measured(remote: RemoteRelay, sources: list[str]) -> Rates:
    measured: Rates = {}
    for source in sources:
        coverage = await remote.item(f"/v1/sources/{in_path(source)}/coverage")
        rates = {one["stream"]: _calls_an_hour(one["last_read"]) for one in _read(coverage)}
        measured[source] = rates
    return measured


def _read(coverage: Item) -> list[dict[str, Any]]:
    streams = coverage.get("streams")
    if not isinstance(streams, list) or not all(isinstance(one, dict) for one in streams):
        raise RelayError("the coverage of a source was answered in a way that is not relay's")
    return [one for one in streams if isinstance(one.get("last_read"), dict)]


def _calls_an_hour(read: Item) -> float:
    start, end = (_time(read.get(name)) for name in ("covered_from", "covered_to"))
    hours = (end - start).total_seconds() / 3600
    return round(float(read.get("rows") or 0) / hours, 1) if hours > 0 else 0.0


def _time(text: object) -> datetime:
    try:
        return from_rfc3339(str(text))
    except ValueError:
        raise RelayError("a read of a source was answered in a way that is not relay's") from None
