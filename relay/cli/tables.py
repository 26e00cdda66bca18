"""
What a command prints: tables for people, JSON for programs.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table

from relay.cli.answers import Item, as_json, printable
from relay.model.listing import Page

PLAIN_WIDTH: Final = 1_000
ROWS_AT_ONCE: Final = 1_000
LEAST_COLUMNS: Final = 3  # in fewer nothing could be told from the next: these go on in the next line
UNBOUNDED: Final = 100_000
NOTHING: Final = "-"
MORE: Final = "relay: there are more; --limit 0 prints all"


def open_console() -> Console:
    """
    Return the standard output for tables.

    What is no terminal is read by a program or a log: nothing cut, no colours, no markup.
    """
    if sys.stdout.isatty():
        return Console(markup=False, highlight=False)
    return Console(markup=False, highlight=False, width=PLAIN_WIDTH, force_terminal=False)


def print_json(document: object) -> None:
    """
    Print one JSON document.
    """
    typer.echo(as_json(document))


def print_item(title: str, item: Mapping[str, Any]) -> None:
    """
    Print everything that is known of one thing, a line each.
    """
    table = Table("field", "value", title=printable(title), title_justify="left")
    for name, value in item.items():
        table.add_row(printable(name), cell(value))
    open_console().print(table)


async def print_pages(
    pages: AsyncIterator[Page[Item]], title: str, columns: Sequence[str], *, is_json: bool
) -> None:
    """
    Print a list page by page, so that a long one takes no more memory than a short one.

    As JSON it is one document, an item a line, as if relay had answered it in one page; a table starts anew
    after so many rows, and leaves out what a terminal has no room for.
    """
    if is_json:
        await _print_json(pages)
    else:
        await _print_tables(pages, title, columns)


async def _print_json(pages: AsyncIterator[Page[Item]]) -> None:
    place, before, opening = None, "\n", '{"items": ['
    async for page in pages:
        # Not before the first page came: where there is none, nothing is printed.
        typer.echo(opening, nl=False)
        opening = ""
        for item in page.items:
            typer.echo(before + as_json(item, indented=False), nl=False)
            before = ",\n"
        place = page.next
    typer.echo(f'\n], "next": {as_json(place)}}}')


async def _print_tables(pages: AsyncIterator[Page[Item]], title: str, columns: Sequence[str]) -> None:
    rows: list[Item] = []
    console, place, is_first = open_console(), None, True
    async for page in pages:
        rows += page.items
        place = page.next
        while len(rows) >= ROWS_AT_ONCE:
            console.print(fitting(console, rows[:ROWS_AT_ONCE], title, columns))
            rows, is_first = rows[ROWS_AT_ONCE:], False
    if rows or is_first:
        console.print(fitting(console, rows, title, columns))
    if place is not None:
        typer.echo(MORE, err=True)


def fitting(console: Console, rows: Sequence[Item], title: str, columns: Sequence[str]) -> Table:
    """
    Return a table of as many columns, the first ones first, as a terminal has room for.
    """
    unbounded = console.options.update(max_width=UNBOUNDED)
    for count in range(len(columns), min(LEAST_COLUMNS, len(columns)) - 1, -1):
        made = table(rows, title, columns[:count])
        if console.measure(made, options=unbounded).maximum <= console.width:
            break
    if count < len(columns):
        made.caption = f"No room for {', '.join(columns[count:])}; --json has everything."
    return made


def table(rows: Sequence[Item], title: str, columns: Sequence[str]) -> Table:
    """
    Return a table with a row for each item; what is too long for its column goes on in the next line.
    """
    table = Table(title=title, title_justify="left", caption_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(cell(row.get(name)) for name in columns))
    return table


def cell(value: object) -> str:
    """
    Return a value as it stands in a table.
    """
    match value:
        case None | [] | "":
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case str():
            return printable(value)
        case list() if all(isinstance(one, str | int | float) for one in value):
            return ", ".join(printable(str(one)) for one in value)
        case dict() | list():
            return as_json(value, indented=False)
        case _:
            return printable(str(value))
