"""
`relay rejects`: rows that a running relay could not read.
"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, SourceId, Url, ask
from relay.cli.remote import DEFAULT_URL, query
from relay.cli.tables import print_item, print_json, print_pages

PATH: Final = "/v1/rejects"
COLUMNS: Final = ("source_id", "stream", "first_seen_at", "why", "row")

commands = typer.Typer(help="Rows that could not be read.", no_args_is_help=True)

Stream = Annotated[str | None, typer.Option(help="Only of this stream.", show_default=False)]


@commands.callback()
def _group() -> None:
    """
    Rows that could not be read.
    """


@commands.command("list")
def list_rejects(
    source: Annotated[str | None, typer.Option(help="Only of this source.", show_default=False)] = None,
    stream: Stream = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List rows that could not be read, newest first.
    """
    wanted = query(source_id=source, stream=stream)
    ask(
        url,
        insecure,
        lambda remote: print_pages(remote.pages(PATH, wanted, limit), "rejects", COLUMNS, is_json=as_json),
    )


@commands.command("replay")
def replay(
    source_id: SourceId,
    stream: Stream = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Read the rows of a source that could not be read once more, soon.
    """
    body = {"source_id": source_id} | ({} if stream is None else {"stream": stream})
    item = ask(url, insecure, lambda remote: remote.post(f"{PATH}/replay", body))
    if as_json:
        print_json(item)
    else:
        print_item("replay", item)
