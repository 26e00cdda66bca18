"""
`relay deliveries`: what became of events on their way to endpoints, in a running relay.
"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from relay.cli.answers import Item
from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, Url, ask, in_path, words
from relay.cli.remote import DEFAULT_URL, RemoteRelay, query
from relay.cli.tables import open_console, print_item, print_json, print_pages, table

PATH: Final = "/v1/deliveries"
COLUMNS: Final = (
    "id", "status", "event_type", "reason", "attempts", "http_status", "recorded_at", "due_at", "latency_ms",
)  # fmt: skip
ATTEMPT_COLUMNS: Final = ("attempt", "made_at", "latency_ms", "reason", "http_status", "answer")

commands = typer.Typer(
    help="Events on their way to endpoints; alone it lists them.", invoke_without_command=True
)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="The delivery, as the list names it.", show_default=False)
]


@commands.command("list")
@commands.callback()
def list_deliveries(
    context: typer.Context,
    endpoint: Annotated[str | None, typer.Option(help="Only to this endpoint.", show_default=False)] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="pending, delivered, exhausted, expired or discarded; repeatable.", show_default=False
        ),
    ] = None,
    event: Annotated[
        str | None, typer.Option(help="Only of the event with this id.", show_default=False)
    ] = None,
    event_type: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only of such types: `call.*`; repeatable.", show_default=False),
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List deliveries, newest event first.
    """
    if context.invoked_subcommand is not None:
        _refuse_options_before(context)
        return
    wanted = query(endpoint=endpoint, status=words(status), event=event, type=words(event_type))
    ask(
        url,
        insecure,
        lambda remote: print_pages(remote.pages(PATH, wanted, limit), "deliveries", COLUMNS, is_json=as_json),
    )


@commands.command("show")
def show(
    delivery_id: Id, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Show a delivery and its attempts, oldest first.

    As JSON both are in one object: `delivery` and `attempts`, each as relay answered it.
    """
    path = f"{PATH}/{in_path(delivery_id)}"

    async def look(remote: RemoteRelay) -> tuple[Item, Item]:
        return await remote.item(path), await remote.item(f"{path}/attempts")

    delivery, attempts = ask(url, insecure, look)
    if as_json:
        print_json({"delivery": delivery, "attempts": attempts})
        return
    print_item("delivery", delivery)
    open_console().print(table(attempts["items"], "attempts", ATTEMPT_COLUMNS))


@commands.command("resend")
def resend(
    delivery_id: Id, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Deliver the same event to the same endpoint once more, at once; prints the new delivery.
    """
    item = ask(url, insecure, lambda remote: remote.post(f"{PATH}/{in_path(delivery_id)}/resend"))
    if as_json:
        print_json(item)
    else:
        print_item("delivery", item)


def _refuse_options_before(context: typer.Context) -> None:
    sources = {name: context.get_parameter_source(name) for name in context.params}
    if any(source is not None and source.name == "COMMANDLINE" for source in sources.values()):
        raise typer.BadParameter(f"options belong behind `{context.invoked_subcommand}`")
