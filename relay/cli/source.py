"""
`relay source`: how far a running relay has read its phone systems, and how it reads one answer.
"""

from __future__ import annotations

from typing import Any, Final

import typer

from relay.cli.answers import Item, shown
from relay.cli.asking import AsJson, Insecure, SourceId, Url, ask, in_path
from relay.cli.reading import read
from relay.cli.remote import DEFAULT_URL
from relay.cli.tables import fitting, open_console, print_json

COLUMNS: Final = (
    "stream",
    "state",
    "oldest_unread_at",
    "open_gaps",
    "read_at",
    "tier",
    "rows",
    "rows_appear",
)
GAP_COLUMNS: Final = ("stream", "start", "end", "reason", "opened_at", "closed_at", "rows_recovered")

commands = typer.Typer(help="Phone systems, and what was read of them.", no_args_is_help=True)
commands.command("read")(read)


@commands.callback()
def _group() -> None:
    """
    Phone systems, and what was read of them.
    """


@commands.command("coverage")
def coverage(
    source_id: SourceId, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Show what was read completely of each stream of a source, and the gaps that there were.
    """
    answer = ask(url, insecure, lambda remote: remote.item(f"/v1/sources/{in_path(source_id)}/coverage"))
    if as_json:
        print_json(answer)
        return
    console, streams = open_console(), _items(answer, "streams")
    title = (
        f"{shown(answer.get('source_id'))}: complete before {shown(answer.get('oldest_unread_at') or '-')}"
    )
    console.print(fitting(console, [_row(one) for one in streams], title, COLUMNS))
    gaps = [{"stream": one.get("stream"), **gap} for one in streams for gap in _items(one, "gaps")]
    if gaps:
        console.print(fitting(console, gaps, "gaps", GAP_COLUMNS))


def _row(stream: Item) -> Item:
    read = stream.get("last_read")
    read = read if isinstance(read, dict) else {}
    gaps = _items(stream, "gaps")
    return {
        **stream,
        "open_gaps": sum(gap.get("closed_at") is None for gap in gaps),
        "read_at": read.get("requested_at"),
        "tier": read.get("tier"),
        "rows": read.get("rows"),
        "rows_appear": _appearance(stream.get("visibility")),
    }


def _items(answer: Item, name: str) -> list[dict[str, Any]]:
    items = answer.get(name)
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []


def _appearance(measured: object) -> str | None:
    """
    Say when the rows of a stream were seen to appear, and within how many seconds of the start of their call.
    """
    if not isinstance(measured, dict) or measured.get("late_s") is None:
        return None
    at = measured.get("appears_at")
    return f"{'' if at == 'unknown' else f'at the {at}, '}within {measured['late_s']} s"
