"""
`relay agent-mappings`: which agent of a dialer is which user of the CRM.
"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from relay.cli.answers import Item, printable
from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, SourceId, Url, ask, in_path
from relay.cli.mapping_file import Row, read_mappings
from relay.cli.remote import DEFAULT_URL, RemoteRelay, query, segment
from relay.cli.tables import print_item, print_json, print_pages

PATH: Final = "/v1/agent-mappings"
COLUMNS: Final = ("source_id", "agent_id", "external_id", "description")
ADDED, CHANGED, SAME = "added", "changed", "same"

commands = typer.Typer(help="Agents of dialers and users of the CRM.", no_args_is_help=True)

Source = Annotated[str | None, typer.Option(help="Only of this source.", show_default=False)]
AgentId = Annotated[str, typer.Argument(metavar="AGENT", help="The dialer's user id.", show_default=False)]
ExternalId = Annotated[
    str, typer.Argument(metavar="EXTERNAL_ID", help="Id of the user in the CRM.", show_default=False)
]


@commands.callback()
def _group() -> None:
    """
    Agents of dialers and users of the CRM.
    """


@commands.command("list")
def list_agent_mappings(
    source: Source = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List agent mappings by source and agent.
    """
    wanted = query(source=source)
    ask(
        url,
        insecure,
        lambda remote: print_pages(
            remote.pages(PATH, wanted, limit), "agent mappings", COLUMNS, is_json=as_json
        ),
    )


@commands.command("add")
def add(
    source_id: SourceId,
    agent_id: AgentId,
    external_id: ExternalId,
    description: Annotated[str, typer.Option(help="For people.", show_default=False)] = "",
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Map an agent to a user of the CRM: the next events name it as agent_external_id.
    """
    body = {
        "source_id": source_id,
        "agent_id": agent_id,
        "external_id": external_id,
        "description": description,
    }
    _print("agent mapping", ask(url, insecure, lambda remote: remote.post(PATH, body)), as_json)


@commands.command("remove")
def remove(
    source_id: SourceId, agent_id: AgentId, url: Url = DEFAULT_URL, insecure: Insecure = False
) -> None:
    """
    Take an agent mapping away.
    """
    path = f"{PATH}/{in_path(source_id)}/{in_path(agent_id)}"
    ask(url, insecure, lambda remote: remote.delete(path))
    typer.echo(f"{printable(agent_id)} of {printable(source_id)} is removed.")


@commands.command("import")
def import_from(
    file: Annotated[
        typer.FileText,
        typer.Argument(
            metavar="FILE",
            help="CSV with the columns agent_id and external_id, and source_id and description if you like;"
            " - for standard input.",
            show_default=False,
        ),
    ],
    source: Annotated[
        str | None, typer.Option(help="Source of rows that name none.", show_default=False)
    ] = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Make the agent mappings of a file, and change those that are there and differ.

    The whole file is read before anything is asked.  Harmless twice; mappings that the file lacks stay.
    """
    try:
        rows = read_mappings(file, source)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    counts = ask(url, insecure, lambda remote: _give(remote, rows))
    _print("import", {"given": len(rows), **counts}, as_json)


async def _give(remote: RemoteRelay, rows: list[Row]) -> dict[str, int]:
    known: dict[tuple[str, str], Item] = {}
    for source_id in sorted({row["source_id"] for row in rows}):
        async for page in remote.pages(PATH, query(source=source_id)):
            known |= {(source_id, str(item.get("agent_id"))): item for item in page.items}
    counts = dict.fromkeys((ADDED, CHANGED, SAME), 0)
    for row in rows:
        counts[await _give_one(remote, row, known.get((row["source_id"], row["agent_id"])))] += 1
    return counts


async def _give_one(remote: RemoteRelay, row: Row, known: Item | None) -> str:
    if known is None:
        await remote.post(PATH, row)
        return ADDED
    # An empty description of the file is none that was given.
    wanted = {name: row[name] for name in ("external_id", "description") if row[name]}
    if all(known.get(name) == value for name, value in wanted.items()):
        return SAME
    await remote.patch(f"{PATH}/{segment(row['source_id'])}/{segment(row['agent_id'])}", wanted)
    return CHANGED


def _print(title: str, item: Item, as_json: bool) -> None:
    if as_json:
        print_json(item)
    else:
        print_item(title, item)
