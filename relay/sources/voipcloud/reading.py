"""
One read of a call list, over as many requests as it takes: one page, nearly always.

A list longer than the largest page is walked (`walk`); where the vendor refuses to, its older part is read
name by name (`by_name`).  Whatever happens on the way, what was read is given out, with no larger claim than
it proves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from relay.model.errors import SourceAbsent, SourceError, SourceGarbled, SourceRefused, SourceThrottled
from relay.sources.clock_skew import Skew
from relay.sources.port import NAMES_INCOMPLETE, OWN_QUOTA, ROWS_MOVED, TOO_MANY_ROWS, Pull, Window
from relay.sources.voipcloud.by_name import can_be_asked_for, complete
from relay.sources.voipcloud.rows import CallList, Row
from relay.sources.voipcloud.walk import Walk

MAX_RESTARTS: Final = 3
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Page:
    """
    One answer: its rows, when they were so by our clock, and how far the answering clock is from it.
    """

    rows: list[Row]
    as_of: datetime
    skew: Skew


Ask = Callable[[Mapping[str, str]], Awaitable[Page]]


@dataclass(slots=True)
class _Found:
    """
    What was read of a list, or of the rows of one name.
    """

    walk: Walk
    as_of: datetime
    skew: Skew
    cut_by: str | None = None
    is_walk_refused: bool = False


class CallReading:
    """
    Reads one window of one call list, once.

    Args:
        ask: sends one request with some parameters.
        calls: the list.
        window: what to read of it.
        today: now, to say up to which day.
    """

    def __init__(self, ask: Ask, calls: CallList, window: Window, today: datetime) -> None:
        self._ask = ask
        self._calls = calls
        self._window = window
        self._days = {
            # Dates are days of an undocumented zone: a day more on either side holds the window in any.
            "from_date": (window.start.astimezone(calls.zone) - ONE_DAY).date().isoformat(),
            "to_date": ((window.end or today).astimezone(calls.zone) + ONE_DAY).date().isoformat(),
        }
        self._limit = calls.largest_page
        if window.rows is not None:
            self._limit = max(1, min(window.rows, calls.largest_page))
        self._requests = 0
        self._restarts = 0
        self._held_rows = 0

    async def read(self, names: Sequence[str]) -> Pull:
        """
        Read the window, or its newest rows where no more were asked for.

        Raises:
            SourceError: no usable answer to the first request, or none that the account may ask beyond.
        """
        found = await self._list({})
        rows, covered_from = found.walk.rows, self._proven_from(found)
        if found.is_walk_refused:
            rows, covered_from = await self._split(found, names)
        as_of = found.as_of + found.skew.least
        covered_to = min(self._window.end or as_of, as_of)
        return Pull(
            stream=self._calls.stream,
            rows=rows,
            requested_at=found.as_of,
            window_start=self._window.start,
            covered_from=covered_to if covered_from is None else min(covered_from, covered_to),
            covered_to=covered_to,
            skew=found.skew.likely,
            requests=self._requests,
            restarts=self._restarts,
            cut_by=found.cut_by,
        )

    async def _list(self, filtered: Mapping[str, str]) -> _Found:
        found: _Found | None = None
        while True:
            try:
                page = await self._page(0, filtered)
            except SourceError as error:
                if found is None or _is_of_the_account(error):
                    raise
                found.cut_by = error.reason
                return found
            found = _Found(Walk(self._calls, page.rows, self._limit), page.as_of, page.skew)
            if await self._walk(found, filtered):
                return found
            if self._restarts == MAX_RESTARTS:
                found.cut_by = ROWS_MOVED
                return found
            self._restarts += 1

    async def _walk(self, found: _Found, filtered: Mapping[str, str]) -> bool:
        """
        Read on until the window is read or something stops it; False where rows moved.
        """
        while self._window.rows is None and self._goes_on(found.walk):
            offset = found.walk.next_offset
            rows = self._held_rows + len(found.walk.rows)
            if offset is None or rows + self._limit > self._calls.most_rows:
                found.cut_by = TOO_MANY_ROWS
                return True
            try:
                page = await self._page(offset, filtered)
            except SourceError as error:
                if _is_of_the_account(error):
                    raise
                found.cut_by, found.is_walk_refused = error.reason, _is_refused(error)
                return True
            if not page.rows:  # refused without a word: rows that were there a moment ago lie beyond
                found.cut_by, found.is_walk_refused = NAMES_INCOMPLETE, True
                return True
            rows_before = len(found.walk.rows)
            if not await asyncio.to_thread(found.walk.add, page.rows):
                return False
            found.as_of = min(found.as_of, page.as_of)
            if len(found.walk.rows) == rows_before and found.walk.is_cut:  # the offset was not minded
                found.cut_by, found.is_walk_refused = NAMES_INCOMPLETE, True
                return True
        return True

    async def _split(self, found: _Found, names: Sequence[str]) -> tuple[list[Row], datetime | None]:
        """
        Read the rows of each name and put what is older below what was read already.
        """
        proven_from = self._proven_from(found)
        found.cut_by = NAMES_INCOMPLETE
        if proven_from is None or not can_be_asked_for(names):
            return found.walk.rows, proven_from
        parts, is_every_name_read = await self._read_names(found, names)
        by_name = {name: part.walk.rows for name, part in parts.items()}
        rows, is_complete = await asyncio.to_thread(
            complete, self._calls, found.walk.rows, proven_from, by_name
        )
        if not (is_every_name_read and is_complete):
            return rows, proven_from
        found.cut_by = next((part.cut_by for part in parts.values() if part.cut_by is not None), None)
        reached = [self._proven_from(part) for part in parts.values()]
        return rows, min(proven_from, max(start or proven_from for start in reached))

    async def _read_names(self, found: _Found, names: Sequence[str]) -> tuple[dict[str, _Found], bool]:
        parts: dict[str, _Found] = {}
        self._held_rows = len(found.walk.rows)
        for name in dict.fromkeys(names):
            if self._held_rows + self._limit > self._calls.most_rows:
                found.cut_by = TOO_MANY_ROWS
                return parts, False
            try:
                part = await self._list({self._calls.names_parameter: name})
            except SourceError as error:
                if _is_of_the_account(error):
                    raise
                found.cut_by = error.reason
                return parts, False
            parts[name] = part
            self._held_rows += len(part.walk.rows)
            found.as_of = min(found.as_of, part.as_of)
        return parts, True

    async def _page(self, offset: int, filtered: Mapping[str, str]) -> Page:
        where = {"limit": str(self._limit), "offset": str(offset)}
        page = await self._ask({**self._days, **where, **filtered})
        self._requests += 1
        return page

    def _goes_on(self, walk: Walk) -> bool:
        proven_from = walk.proven_from
        return walk.is_cut and (proven_from is None or proven_from > self._window.start)

    def _proven_from(self, found: _Found) -> datetime | None:
        """
        Return from when on every row of the window was read; None: not even the newest.
        """
        if not self._goes_on(found.walk):
            return self._window.start
        return found.walk.proven_from


def _is_of_the_account(error: SourceError) -> bool:
    """
    Tell whether an error concerns every request to come, so that whoever asks must know of it at once.
    """
    if isinstance(error, SourceThrottled):
        return error.reason != OWN_QUOTA
    return isinstance(error, SourceRefused)


def _is_refused(error: SourceError) -> bool:
    """
    Tell whether the vendor does not take an offset: answered as a fault of the parameters.
    """
    return isinstance(error, SourceAbsent) or (
        isinstance(error, SourceGarbled) and error.reason == "http_4xx"
    )
