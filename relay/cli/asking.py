"""
What all commands that ask a running relay have in common: their options, and how a question is put.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import orjson
import typer

from relay.cli.remote import TIMEOUT_S, Address, RemoteRelay, segment

T = TypeVar("T")

Url = Annotated[
    str, typer.Option("--url", envvar="RELAY_URL", help="Address of the running relay, else `RELAY_URL`.")
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Send `RELAY_API_KEY` over plain http to another machine, too.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print what relay answered, as JSON.")]
SourceId = Annotated[str, typer.Argument(metavar="SOURCE", help="The source, by its id.", show_default=False)]
From = Annotated[
    str,
    typer.Option("--from", help="Start, as a time such as `2026-11-01T00:00:00+11:00`.", show_default=False),
]
To = Annotated[str, typer.Option("--to", help="End, likewise; not part of it.", show_default=False)]
Limit = Annotated[int, typer.Option(min=0, help="How many at most; 0: all.")]

DEFAULT_LIMIT = 50


def ask(
    url: str,
    is_insecure: bool,
    question: Callable[[RemoteRelay], Awaitable[T]],
    timeout_s: float = TIMEOUT_S,
) -> T:
    """
    Put a question to the relay at `url`, with the key of `RELAY_API_KEY`; return what came of it.

    An address that may not be used is wrong usage; no good answer is a RelayError.
    """
    try:
        address = Address.of(url, os.environ, is_insecure=is_insecure)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url / RELAY_URL") from None

    async def put() -> T:
        async with RemoteRelay(address, timeout_s) as remote:
            return await question(remote)

    return asyncio.run(put())


def in_path(name: str) -> str:
    """
    Return an id as part of a path; one that cannot be is wrong usage.
    """
    try:
        return segment(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ID") from None


def words(given: list[str] | None) -> list[str]:
    """
    Return the words of an option that may be repeated and may hold several, separated by commas.
    """
    return [word.strip() for text in given or () for word in text.split(",") if word.strip()]


def settings_of(given: list[str] | None) -> dict[str, Any]:
    """
    Return what `NAME=VALUE` and `NAME:=JSON` say.
    """
    params: dict[str, Any] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not equals or not name:
            raise typer.BadParameter(f"`{text}` is not NAME=VALUE", param_hint="NAME=VALUE")
        if name in params:
            raise typer.BadParameter(f"`{name}` is given twice", param_hint="NAME=VALUE")
        params[name] = _json(name, value) if is_json else value
    return params


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise typer.BadParameter(f"`{name}` is not JSON", param_hint="NAME:=JSON") from None
