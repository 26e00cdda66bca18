"""
The rows of one stream, kept so that a page of 10,000 costs a few milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from relay.twin.voipcloud.rows import GARBLED_TIME

Render = Callable[[int], dict[str, Any]]
LARGEST_PAGE: Final = 10_000
DEFAULT_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class PageQuery:
    """
    Which rows: begun in [`since`, `before`) (seconds since 1970, None: no bound), of `names` (empty: all).
    """

    since: int | None = None
    before: int | None = None
    limit: int = DEFAULT_PAGE
    offset: int = 0
    names: frozenset[str] = frozenset()


class _Entry(NamedTuple):
    # (started_at, number) sorts; numbers are unique, so the rest is never compared.
    started_at: int
    number: int
    name: str
    row: bytes


class StreamRows:
    """
    Holds finished rows as JSON, sorted by start, and renders open rows when asked.
    """

    def __init__(self) -> None:
        self._finished: list[_Entry] = []
        self._finishing_order: list[int] = []
        self._open: dict[int, tuple[int, str, Render]] = {}
        self._garbled: int | None = None

    def open(self, number: int, started_at: int, name: str, render: Render) -> None:
        """
        Show a row that will change until it is finished; `number` breaks ties of the start second.
        """
        self._open[number] = (started_at, name, render)

    def finish(self, number: int, started_at: int, name: str, row: dict[str, Any]) -> None:
        """
        Show a row that never changes again.
        """
        self._open.pop(number, None)
        insort(self._finished, _Entry(started_at, number, name, orjson.dumps(row)))
        self._finishing_order.append(number)

    def garble(self, row: int | None) -> None:
        """
        Spoil the row that finished as number `row` (from 0), now or once it has; None: spoil none.
        """
        self._garbled = row

    def page(self, query: PageQuery, at: int) -> list[bytes]:
        """
        Return the rows asked for as JSON, newest first.
        """
        entries = self._between(self._finished, query)
        entries.extend(self._between(self._open_entries(at), query))
        if query.names:
            entries = [entry for entry in entries if entry.name in query.names]
        entries.sort(reverse=True)
        return self._json(entries[query.offset : query.offset + query.limit])

    def _open_entries(self, at: int) -> list[_Entry]:
        return sorted(
            _Entry(started_at, number, name, orjson.dumps(render(at)))
            for number, (started_at, name, render) in self._open.items()
        )

    @staticmethod
    def _between(entries: list[_Entry], query: PageQuery) -> list[_Entry]:
        first = 0 if query.since is None else bisect_left(entries, (query.since,))
        last = len(entries) if query.before is None else bisect_left(entries, (query.before,))
        return entries[first:last]

    def _json(self, entries: list[_Entry]) -> list[bytes]:
        garbled = self._garbled
        if garbled is None or garbled >= len(self._finishing_order):
            return [entry.row for entry in entries]
        number = self._finishing_order[garbled]
        return [_spoilt(entry.row) if entry.number == number else entry.row for entry in entries]


def _spoilt(row: bytes) -> bytes:
    return orjson.dumps({**orjson.loads(row), "call_start_at": GARBLED_TIME})
