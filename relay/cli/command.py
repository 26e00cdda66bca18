"""
`relay command`: what a running relay makes phone systems do.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Final

import typer

from relay.cli import bulk
from relay.cli.answers import Item, shown
from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, SourceId, Url, ask, in_path, settings_of
from relay.cli.remote import DEFAULT_URL, query
from relay.cli.tables import fitting, open_console, print_item, print_json, print_pages
from relay.model.errors import RelayError

COMMAND_S: Final = 330.0  # a phone system may take as long as its configuration allows, 300 s at most
COLUMNS: Final = ("command_id", "function", "status", "message", "requested_at", "requested_by", "call_id")

Function = Annotated[
    str, typer.Argument(metavar="FUNCTION", help="Its name in the vendor's document.", show_default=False)
]
OneFunction = Annotated[
    str | None,
    typer.Argument(metavar="ONE", help="Only this one, with all it takes.", show_default=False),
]
Parameters = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME=VALUE",
        help="Its parameters; `NAME:=JSON` for lists, records and null.",
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(help="Idempotency-Key: sent again with it, a command is done once.", show_default=False),
]
CommandId = Annotated[str, typer.Argument(metavar="ID", help="The command.", show_default=False)]
State = Annotated[
    str | None,
    typer.Option(help="Only in this state: sent, succeeded, failed or unknown.", show_default=False),
]
OfFunction = Annotated[str | None, typer.Option("--function", help="Only of this one.", show_default=False)]

commands = typer.Typer(help="What phone systems are made to do.", no_args_is_help=True)
commands.add_typer(bulk.commands, name="jobs")


@commands.callback()
def _group() -> None:
    """
    What phone systems are made to do.
    """


@commands.command("run")
def run(
    source_id: SourceId,
    function: Function,
    parameters: Parameters = None,
    key: Key = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Call a function of a phone system, once, and print what it answered; exits 1 where it was not done.

    Without --key a new Idempotency-Key is made and printed on the error stream: run it again with that one
    where you do not know what became of it.
    """
    body = settings_of(parameters)
    path = f"{_source(source_id)}/commands/{in_path(function)}"
    if key is None:
        key = uuid.uuid4().hex
        typer.echo(f"relay: Idempotency-Key {key}", err=True)
    result = ask(url, insecure, lambda remote: remote.post(path, body, key=key), COMMAND_S)
    if as_json:
        print_json(result)
        return
    data = result.get("data")
    rows = data.get("rows") if isinstance(data, dict) else None
    print_item(function, _told(result))
    if isinstance(rows, list) and rows:
        console = open_console()
        columns = tuple(dict.fromkeys(str(name) for row in rows for name in row))
        console.print(fitting(console, rows, "rows", columns))


@commands.command("list")
def list_commands(
    source_id: SourceId,
    function: OfFunction = None,
    state: State = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List the commands of a source, newest first.
    """
    wanted = query(source=source_id, function=function, state=state)
    ask(
        url,
        insecure,
        lambda remote: print_pages(
            remote.pages("/v1/commands", wanted, limit), "commands", COLUMNS, is_json=as_json
        ),
    )


@commands.command("show")
def show(
    command_id: CommandId, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Show a command: its verdict, and the call that it caused.
    """
    command = ask(url, insecure, lambda remote: remote.item(f"/v1/commands/{in_path(command_id)}"))
    if as_json:
        print_json(command)
    else:
        print_item(shown(command.get("function")), command)


@commands.command("functions")
def functions(
    source_id: SourceId,
    function: OneFunction = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List the functions that a source has, or show what one of them takes.
    """
    answer = ask(url, insecure, lambda remote: remote.item(f"{_source(source_id)}/commands"))
    listed = answer.get("items")
    items: list[Item] = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if function is not None:
        found = next((one for one in items if one.get("name") == function), None)
        if found is None:
            raise RelayError(f"source `{shown(source_id)}` has no function `{shown(function)}`")
        _print_function(found, as_json)
        return
    if as_json:
        print_json(answer)
        return
    console = open_console()
    rows = [{**one, "needs": _required(one)} for one in items]
    console.print(fitting(console, rows, "functions", ("name", "is_write", "needs", "summary")))


commands.command("bulk")(bulk.add_leads)


def _source(source_id: str) -> str:
    return f"/v1/sources/{in_path(source_id)}"


def _told(result: Item) -> Item:
    data = result.get("data")
    data = data if isinstance(data, dict) else {}
    details = data.get("details")
    told = {name: result.get(name) for name in ("status", "message", "command_id")}
    return {**told, **(details if isinstance(details, dict) else {}), "notices": data.get("notices")}


def _required(function: Item) -> list[Any]:
    takes = function.get("takes")
    required = takes.get("required") if isinstance(takes, dict) else None
    return required if isinstance(required, list) else []


def _print_function(function: Item, is_json: bool) -> None:
    if is_json:
        print_json(function)
        return
    takes = function.get("takes")
    fields = takes.get("properties") if isinstance(takes, dict) else None
    required = _required(function)
    rows = [
        {
            "name": name,
            "required": name in required,
            "default": schema.get("default"),
            "meaning": schema.get("description"),
        }
        for name, schema in (fields if isinstance(fields, dict) else {}).items()
        if isinstance(schema, dict)
    ]
    console = open_console()
    title = f"{shown(function.get('name'))}: {shown(function.get('summary'))}"
    console.print(fitting(console, rows, title, ("name", "required", "default", "meaning")))
