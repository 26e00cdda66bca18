"""
`relay lead-statuses`: which status of the CRM stands for which status of a dialer.
"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from relay.cli.answers import printable
from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, SourceId, Url, ask, in_path
from relay.cli.remote import DEFAULT_URL, query
from relay.cli.tables import print_item, print_json, print_pages

PATH: Final = "/v1/lead-statuses"
COLUMNS: Final = ("source_id", "code", "dialer_status", "is_default", "description")

commands = typer.Typer(help="Statuses of the CRM and those of dialers.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The CRM's status.", show_default=False)]
DialerStatus = Annotated[
    str,
    typer.Argument(metavar="DIALER_STATUS", help="The dialer's status: 1 to 6 letters.", show_default=False),
]
NewDialerStatus = Annotated[str | None, typer.Option(help="The dialer's status.", show_default=False)]
Description = Annotated[str | None, typer.Option(help="For people.", show_default=False)]
IsDefault = Annotated[
    bool | None,
    typer.Option(
        "--default/--no-default",
        help="Whether events tell this one of several codes with one dialer status.",
        show_default=False,
    ),
]


@commands.callback()
def _group() -> None:
    """
    Statuses of the CRM and those of dialers.
    """


@commands.command("list")
def list_lead_statuses(
    source: Annotated[str | None, typer.Option(help="Only of this source.", show_default=False)] = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List lead statuses by source and code.
    """
    pages = query(source=source)
    ask(
        url,
        insecure,
        lambda remote: print_pages(
            remote.pages(PATH, pages, limit), "lead statuses", COLUMNS, is_json=as_json
        ),
    )


@commands.command("add")
def add(
    source_id: SourceId,
    code: Code,
    dialer_status: DialerStatus,
    description: Description = None,
    is_default: IsDefault = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Map a status of the CRM to one of a dialer: the next events and commands speak it.
    """
    given = {"source_id": source_id, "code": code, "dialer_status": dialer_status}
    body = given | _given(description=description, is_default=is_default)
    _print(ask(url, insecure, lambda remote: remote.post(PATH, body)), as_json)


@commands.command("change")
def change(
    source_id: SourceId,
    code: Code,
    dialer_status: NewDialerStatus = None,
    description: Description = None,
    is_default: IsDefault = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Change what is given of a lead status.
    """
    body = _given(dialer_status=dialer_status, description=description, is_default=is_default)
    path = f"{PATH}/{in_path(source_id)}/{in_path(code)}"
    _print(ask(url, insecure, lambda remote: remote.patch(path, body)), as_json)


@commands.command("remove")
def remove(source_id: SourceId, code: Code, url: Url = DEFAULT_URL, insecure: Insecure = False) -> None:
    """
    Take a lead status away.
    """
    path = f"{PATH}/{in_path(source_id)}/{in_path(code)}"
    ask(url, insecure, lambda remote: remote.delete(path))
    typer.echo(f"{printable(code)} of {printable(source_id)} is removed.")


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _print(item: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json(item)
    else:
        print_item("lead status", item)
