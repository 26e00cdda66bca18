"""
`relay explain`: how a call came to be known to a running relay, and who was told of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import typer
from rich.text import Text
from rich.tree import Tree

from relay.cli.answers import Item, shown
from relay.cli.answers import as_json as json_of
from relay.cli.asking import AsJson, Insecure, Url, ask, in_path
from relay.cli.remote import DEFAULT_URL
from relay.cli.tables import cell, open_console, print_json

GOOD: Final = "green"
BAD: Final = "red"
COLOURS: Final = {"delivered": GOOD, "exhausted": BAD, "expired": BAD, "discarded": BAD, "pending": "yellow"}


def explain(
    call_id: Annotated[str, typer.Argument(metavar="CALL", help="The call, by its id.", show_default=False)],
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Print how a call came to be known and who was told of it: reads, rows, events, deliveries, attempts.
    """
    found = ask(url, insecure, lambda remote: remote.item(f"/v1/calls/{in_path(call_id)}/explain"))
    if as_json:
        print_json(found)
        return
    console = open_console()
    console.print(_tree(found))
    if found.get("cut"):
        typer.echo(f"relay: there are more {cell(found['cut'])} than are shown", err=True)


def _tree(found: Item) -> Tree:
    root = Tree(Text(f"call {cell(found.get('call_id'))} of {cell(found.get('source_id'))}", "bold"))
    if found.get("absorbed_into"):
        root.add(Text(f"is part of call {cell(found['absorbed_into'])}"))
    rows = root.add(Text("rows of the phone system", "bold"))
    for row in _items(found, "rows"):
        _add_row(rows, row)
    events = root.add(Text("events", "bold"))
    for event in _items(found, "events"):
        _add_event(events, event)
    return root


def _add_row(tree: Tree, row: Item) -> None:
    times = f"started {cell(row.get('started_at'))}, ended {cell(row.get('ended_at'))}"
    of_row = tree.add(Text(f"{cell(row.get('stream'))} {cell(row.get('leg_id'))}: {times}"))
    for read in _items(row, "reads"):
        words = (cell(read.get("requested_at")), "shown by a read of", cell(read.get("tier")))
        of_row.add(Text(f"{' '.join(words)}, {cell(read.get('rows'))} rows"))
    of_row.add(Text(f"{cell(row.get('first_seen_at'))} first seen"))
    of_row.add(Text(shown(json_of(row.get("row"), indented=False)), "dim"))


def _add_event(tree: Tree, item: Item) -> None:
    event = item.get("event")
    event = event if isinstance(event, dict) else {}
    place = f"revision {cell(event.get('sequence')).lstrip('0')}, seq {cell(item.get('seq'))}"
    words = f"{cell(item.get('recorded_at'))} {cell(event.get('type'))}, {place}"
    of_event = tree.add(Text(words).append(f" {cell(event.get('id'))}", "dim"))
    for delivery in _items(item, "deliveries"):
        _add_delivery(of_event, delivery)


def _add_delivery(tree: Tree, delivery: Item) -> None:
    status = cell(delivery.get("status"))
    line = Text(f"{cell(delivery.get('endpoint_id'))} ").append(status, COLOURS.get(status, ""))
    if delivery.get("job"):
        line.append(f", sent again as job {cell(delivery['job'])}")
    if delivery.get("reason") not in (None, "ok"):
        line.append(f", {cell(delivery['reason'])}")
    if delivery.get("due_at"):
        line.append(f", due {cell(delivery['due_at'])}")
    of_delivery = tree.add(line)
    for attempt in _items(delivery, "attempt_list"):
        is_good = attempt.get("reason") == "ok"
        of_delivery.add(Text(" ".join(_of_attempt(attempt)), GOOD if is_good else BAD))


def _of_attempt(attempt: Item) -> Iterator[str]:
    yield f"{cell(attempt.get('made_at'))} attempt {cell(attempt.get('attempt'))}:"
    yield cell(attempt.get("reason"))
    if attempt.get("http_status") is not None:
        yield cell(attempt["http_status"])
    yield f"in {cell(attempt.get('latency_ms'))} ms"
    if attempt.get("answer"):
        yield shown(attempt["answer"])


def _items(found: Item, name: str) -> list[Item]:
    items = found.get(name)
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
