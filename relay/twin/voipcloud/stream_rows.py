"""
The rows of one stream, kept so that a page of 10,000 costs a few milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

import orjson

from relay.twin.voipcloud.fault_kinds import LateRows, Retention, ShortPage, UnstableTies
from relay.twin.voipcloud.faults import Faults
from relay.twin.voipcloud.row_faults import Entry, spoilt, with_shuffled_ties, without_late

NamedRow = tuple[str, dict[str, Any]]  # the name by which the row is filtered
Render = Callable[[int], NamedRow]  # as the row is at a second
DEFAULT_PAGE: Final = 100
FOR_EVER: Final = 2**62


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


class StreamRows:
    """
    Holds finished rows as JSON, sorted by start, and renders open rows when asked.
    """

    def __init__(self, stream: str, faults: Faults, seed: int) -> None:
        self._stream = stream
        self._faults = faults
        self._rng = Random(f"{seed} ties of {stream}")  # noqa: S311 (order that can be repeated)
        self._finished: list[Entry] = []
        self._finishing_order: list[int] = []
        self._renders: dict[int, Render] = {}
        self._open: dict[int, int] = {}
        self._garbled: int | None = None
        self._stale: list[Entry] | None = None

    @property
    def finished(self) -> int:
        """
        Return how many rows have finished.
        """
        return len(self._finishing_order)

    def open(self, number: int, started_at: int, render: Render) -> None:
        """
        Show a row that will change until it is finished; `number` breaks ties of the start second.
        """
        self._open[number] = started_at
        self._renders[number] = render

    def finish(self, number: int, at: int) -> None:
        """
        Fix an open row as it is at a second.
        """
        started_at = self._open.pop(number)
        self._keep(number, started_at, started_at, at)

    def add(self, number: int, started_at: int, at: int, render: Render) -> None:
        """
        Show a row that was not there while it was open, and is finished at a second.
        """
        self._renders[number] = render
        self._keep(number, started_at, at, at)

    def refresh(self) -> None:
        """
        Render all finished rows anew.
        """
        self._finished = [self._rendered(entry) for entry in self._finished]

    def refresh_one(self, number: int, started_at: int) -> None:
        """
        Render one finished row anew.
        """
        place = bisect_left(self._finished, (started_at, number))
        self._finished[place] = self._rendered(self._finished[place])

    def garble(self, row: int | None) -> None:
        """
        Spoil the row that finished as number `row` (from 0), now or once it has; None: spoil none.
        """
        self._garbled = row

    def freeze(self, at: int) -> None:
        """
        Answer from now on as at a second.
        """
        self._stale = None
        self._stale = sorted(self._entries(PageQuery(), at))

    def thaw(self) -> None:
        """
        Answer as things are again.
        """
        self._stale = None

    def page(self, query: PageQuery, at: int) -> list[bytes]:
        """
        Return the rows asked for as JSON, newest first.
        """
        retention = self._faults.of_stream(Retention, self._stream)
        if retention is not None:
            query = replace(query, since=max(query.since or 0, at - retention.keep_s))
        entries = self._entries(query, at)
        if query.names:
            entries = [entry for entry in entries if entry.name in query.names]
        entries.sort(reverse=True)
        if self._faults.of_stream(UnstableTies, self._stream):
            entries = with_shuffled_ties(entries, self._rng)
        short = self._faults.of_stream(ShortPage, self._stream)
        limit = query.limit if short is None else min(query.limit, short.rows)
        return self._json(entries[query.offset : query.offset + limit])

    def _entries(self, query: PageQuery, at: int) -> list[Entry]:
        if self._stale is not None:
            return _between(self._stale, query)
        entries = _between(self._finished, query)
        entries.extend(_between(self._open_entries(at), query))
        late = self._faults.of_stream(LateRows, self._stream)
        if late is not None:
            entries = without_late(entries, late, self._faults.since(LateRows), at)
        return entries

    def _open_entries(self, at: int) -> list[Entry]:
        entries = []
        for number, started_at in self._open.items():
            name, row = self._renders[number](at)
            entries.append(Entry(started_at, number, name, orjson.dumps(row), started_at, None))
        return sorted(entries)

    def _keep(self, number: int, started_at: int, shown_from: int, at: int) -> None:
        insort(self._finished, self._rendered(Entry(started_at, number, "", b"", shown_from, at)))
        self._finishing_order.append(number)

    def _rendered(self, entry: Entry) -> Entry:
        name, row = self._renders[entry.number](FOR_EVER)
        return entry._replace(name=name, row=orjson.dumps(row))

    def _json(self, entries: list[Entry]) -> list[bytes]:
        garbled = self._garbled
        if garbled is None or garbled >= len(self._finishing_order):
            return [entry.row for entry in entries]
        number = self._finishing_order[garbled]
        return [spoilt(entry.row) if entry.number == number else entry.row for entry in entries]


def _between(entries: list[Entry], query: PageQuery) -> list[Entry]:
    first = 0 if query.since is None else bisect_left(entries, (query.since,))
    last = len(entries) if query.before is None else bisect_left(entries, (query.before,))
    return entries[first:last]
