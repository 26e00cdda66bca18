"""
Tables for people and JSON for programs: nothing cut, one document, and no more memory for a long list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import StringIO

import orjson
import pytest
from rich.console import Console

from relay.cli.answers import Item
from relay.cli.tables import ROWS_AT_ONCE, cell, fitting, print_item, print_pages
from relay.model.listing import Page


async def pages(count: int, size: int, place: str | None = None) -> AsyncIterator[Page[Item]]:
    """
    Yield so many items in pages of a size; `place` is what the last one names as next.
    """
    items = [{"id": f"number-{number}", "url": "https://x"} for number in range(count)]
    starts = range(0, count, size) if items else [0]
    for start in starts:
        yield Page(tuple(items[start : start + size]), "more" if start + size < count else place)


def rows(printed: str) -> list[str]:
    """
    Return the ids in tables.
    """
    return [line.split()[1] for line in printed.splitlines() if "number-" in line]


@pytest.mark.parametrize("count", [0, 1, 3, 5])
async def test_a_list_is_one_json_document_however_many_pages(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    await print_pages(pages(count, 2), "", (), is_json=True)

    items = [{"id": f"number-{number}", "url": "https://x"} for number in range(count)]
    assert {"items": items, "next": None} == orjson.loads(capsys.readouterr().out)


async def test_json_says_where_a_list_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    await print_pages(pages(1, 2, 'a"b'), "", (), is_json=True)

    printed = capsys.readouterr()
    assert ('a"b', "") == (orjson.loads(printed.out)["next"], printed.err)


@pytest.mark.parametrize("count", [0, 3, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1])
async def test_a_table_holds_every_row_and_starts_anew_when_long(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    await print_pages(pages(count, 300), "endpoints", ("id", "url"), is_json=False)

    printed = capsys.readouterr()
    assert [f"number-{number}" for number in range(count)] == rows(printed.out)
    assert max(1, -(-count // ROWS_AT_ONCE)) == printed.out.count("endpoints")
    assert "" == printed.err


async def test_a_table_that_is_cut_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    await print_pages(pages(1, 2, "2"), "endpoints", ("id", "url"), is_json=False)

    assert "relay: there are more; --limit 0 prints all\n" == capsys.readouterr().err


@pytest.mark.parametrize(("width", "shown"), [(100, "abcde"), (44, "abcd"), (43, "abc"), (20, "abc")])
def test_a_terminal_gets_the_columns_it_has_room_for(width: int, shown: str) -> None:
    item = {"a": "x" * 20, "b": "bb", "c": "cc", "d": "d" * 7, "e": "e" * 20}
    screen = Console(width=width, file=StringIO())

    screen.print(fitting(screen, [item], "things", tuple("abcde")))

    printed = screen.file.getvalue() if isinstance(screen.file, StringIO) else ""
    header = printed.splitlines()[2]
    left_out = ", ".join(sorted(set("abcde") - set(shown)))
    assert [*shown] == [cell.strip() for cell in header.strip("┃").split("┃")]
    assert bool(left_out) == (f"No room for {left_out};" in " ".join(printed.split()))
    assert 20 == printed.count("x")


def test_what_is_no_terminal_gets_no_colours_and_nothing_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_item("[bold]x[/bold]", {"url": "https://x/" + "y" * 700, "answer": "[red]\x1b[31m"})

    printed = capsys.readouterr().out
    assert "y" * 700 in printed
    assert "[bold]x[/bold]" in printed
    assert "[red]\\x1b[31m" in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"), ("", "-"), ([], "-"), (True, "yes"), (False, "no"), (0, "0"), (1.5, "1.5"),
        ("a\n", "a\\n"),
        (["a", "b\x1b"], "a, b\\x1b"), ([{"a": 1}], '[{"a":1}]'), ({"p50": 1}, '{"p50":1}'), ({}, "{}"),
    ],
)  # fmt: skip
def test_a_value_in_a_table(value: object, words: str) -> None:
    assert words == cell(value)
