"""
Where progress is shown: a live table on a terminal, plain lines anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from relay.cli.demonstration.figures import Figures

TERMINAL_EVERY_S: Final = 0.5
LINES_EVERY_S: Final = 3.0


class Screen(Protocol):
    """
    Shows how things stand.  `every_s` is how often it wants to be told.
    """

    every_s: float

    def say(self, text: str) -> None:
        """
        Tell that something happened; stays.
        """
        ...

    def show(self, now: Figures) -> None:
        """
        Show how things stand; replaces what was shown before, where that can be.
        """
        ...


class TerminalScreen:
    """
    A table that is drawn anew in place.
    """

    every_s = TERMINAL_EVERY_S

    def __init__(self, live: Live) -> None:
        self._live = live

    def say(self, text: str) -> None:
        self._live.console.print(Text(text, style="bold"))

    def show(self, now: Figures) -> None:
        self._live.update(_table(now), refresh=True)


class LineScreen:
    """
    One line now and then.
    """

    every_s = LINES_EVERY_S

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        self._print(f"--    {text}")

    def show(self, now: Figures) -> None:
        words = ", ".join(f"{name} {value}" for name, value in _rows(now))
        self._print(f"{now.elapsed_s:3.0f} s {words}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._console.file.flush()


@contextmanager
def open_screen(console: Console) -> Iterator[Screen]:
    """
    Give the screen that fits the console, cleared up at the end.
    """
    if not console.is_terminal:
        yield LineScreen(console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield TerminalScreen(live)


def _rows(now: Figures) -> list[tuple[str, str]]:
    return [
        ("calls", f"{now.calls} ({now.calls - now.ended} open)"),
        ("delivered ends", str(now.told)),
        ("linked queue calls", str(now.linked)),
        ("dialer calls", str(now.dialer.calls)),
        ("agents", f"{now.dialer.agents_logged_in} ({now.dialer.agents_in_call} in call)"),
        ("waiting in in-groups", _waiting(now)),
        ("events", str(now.events)),
        ("resent", str(now.resent)),
        ("refused by the receiver", str(now.refused)),
        ("kills", str(now.kills)),
        ("requests", str(now.requests)),
        *([("faults on", ", ".join(now.faults))] if now.faults else []),
    ]


def _waiting(now: Figures) -> str:
    return " ".join(f"{name} {waiting}" for name, waiting in now.dialer.calls_waiting.items())


def _table(now: Figures) -> Table:
    table = Table(title=f"relay demo, {now.elapsed_s:.0f} s", title_justify="left", show_header=False)
    table.add_column(style="cyan")
    table.add_column(justify="right")
    for name, value in _rows(now):
        table.add_row(name, value)
    return table
