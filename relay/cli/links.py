"""
`relay link`: why a running relay takes some rows of a phone system for one call.
"""

from __future__ import annotations

from typing import Annotated, Final

import orjson
import typer

from relay.cli.answers import Item, shown
from relay.cli.asking import AsJson, From, Insecure, SourceId, To, Url, ask, in_path
from relay.cli.remote import DEFAULT_URL
from relay.cli.tables import fitting, open_console, print_item, print_json

TITLE: Final = "links"

commands = typer.Typer(help="Rows that are one call.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Rows that are one call.
    """


@commands.command("explain")
def explain(
    call_id: Annotated[str, typer.Argument(metavar="CALL", help="The call, by its id.", show_default=False)],
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Print the scores that made a call of its legs.
    """
    _print(ask(url, insecure, lambda remote: remote.item(f"/v1/calls/{in_path(call_id)}/links")), as_json)


@commands.command("dry-run")
def dry_run(
    source_id: SourceId,
    start_at: From,
    end_at: To,
    rule: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of a rule that is to be different; repeatable.", show_default=False),
    ] = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Link the stored rows of a stretch of time anew, and print what would be different; nothing is changed.
    """
    body = {"from": start_at, "to": end_at, "rules": dict(_rule(text) for text in rule or ())}
    path = f"/v1/sources/{in_path(source_id)}/links/dry-run"
    _print(ask(url, insecure, lambda remote: remote.post(path, body)), as_json)


def _print(found: Item, is_json: bool) -> None:
    """
    Print JSON, or a table of what is one value and one of each list of things.
    """
    if is_json:
        print_json(found)
        return
    lists = {name: value for name, value in found.items() if _is_list_of_things(value)}
    print_item(TITLE, {name: value for name, value in found.items() if name not in lists})
    console = open_console()
    for name, rows in lists.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        console.print(fitting(console, rows, shown(name), columns))


def _is_list_of_things(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _rule(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise typer.BadParameter("must be NAME=VALUE", param_hint="--rule")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value
