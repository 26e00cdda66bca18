"""
Several pages of one list made into one, though the list grows and has no order within a second.

Rows come newest first.  Rows with one start second come in another order at each request, and rows that
appear above push all others down.  So the next page begins where two whole seconds are shown again, the
oldest of the page before and the one above it.  A page cut inside its oldest second may have missed
some of that second's rows, but none of the one above: if all of those are shown again, nothing was
removed above them, and what follows was not moved past the edge unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from relay.sources.voipcloud.rows import START, CallList, Row

ONE_SECOND: Final = timedelta(seconds=1)
_SECONDS_SHOWN_AGAIN: Final = 2


class Walk:
    """
    The rows of consecutive pages, each row as often as the list had it.

    Every row from `proven_from` on is among `rows`, where the list goes on below; None: nothing is known.

    Args:
        calls: the list.
        page: its first page.
        limit: how many rows were asked for.
    """

    def __init__(self, calls: CallList, page: list[Row], limit: int) -> None:
        self.rows = list(page)
        self._calls = calls
        self._page = page
        self._limit = limit
        self._offset = 0
        self.proven_from = self._edge()

    @property
    def is_cut(self) -> bool:
        """
        Tell whether the list may go on below the last page.
        """
        return len(self._page) >= self._limit

    @property
    def next_offset(self) -> int | None:
        """
        Return where the next page must begin to show two whole seconds of this one again.

        None where it would be this page again: all of it lies within two seconds, or cannot be read.
        """
        place = self._overlap_from()
        return None if place is None else self._offset + place

    def add(self, page: list[Row]) -> bool:
        """
        Take in the page that was asked for at `next_offset`; False, and nothing is taken, where rows moved.
        """
        place = self._overlap_from()
        if place is None:
            raise AssertionError("there is no page after this one")
        overlap = self._page[place:]
        readable = [row for row in overlap if self._calls.start_text(row) is not None]
        shown_from = self._shown_again_from(page, readable)
        if shown_from is None:
            return False
        tail = page[shown_from:]
        if len(readable) < len(overlap):
            # A row whose start cannot be read has no place of its own within its second.
            shown = {repr(row) for row in tail}
            unread = [row for row in overlap if self._calls.start_text(row) is None]
            tail = [row for row in unread if repr(row) not in shown] + tail
        del self.rows[len(self.rows) - len(overlap) :]
        self.rows.extend(tail)
        self._page = page
        self._offset += place
        self.proven_from = self._edge()
        return True

    def _edge(self) -> datetime | None:
        """
        Return the start of the first second that the last page cannot have been cut in.

        It may be cut inside its oldest second, and in the repeated hour that may be the later one.
        """
        starts = map(self._calls.latest_start, reversed(self._page))
        oldest = next((start for start in starts if start is not None), None)
        return None if oldest is None else oldest + ONE_SECOND

    def _overlap_from(self) -> int | None:
        """
        Return the place in the last page below its third oldest second.
        """
        seconds: set[str] = set()
        for place in range(len(self._page) - 1, -1, -1):
            second = self._calls.start_text(self._page[place])
            if second is None or second in seconds:
                continue
            if len(seconds) == _SECONDS_SHOWN_AGAIN:
                return place + 1
            seconds.add(second)
        return None

    def _shown_again_from(self, page: list[Row], overlap: list[Row]) -> int | None:
        """
        Return the place from which a page shows every row of an overlap again, as often; None: nowhere.
        """
        identity = self._calls.identity
        seconds = {row[START] for row in overlap}
        wanted = Counter(map(identity, overlap))
        for place in _beginnings(page, overlap[0][START]):
            shown = Counter(identity(row) for row in page[place:] if _is_of(row, seconds))
            if shown >= wanted:
                return place
        return None


def _beginnings(page: list[Row], second: str) -> Iterator[int]:
    """
    Yield the places where rows of a second begin, the deepest first: more than one in the repeated hour.
    """
    for place in range(len(page) - 1, -1, -1):
        if page[place].get(START) == second and (place == 0 or page[place - 1].get(START) != second):
            yield place


def _is_of(row: Row, seconds: set[str]) -> bool:
    start = row.get(START)
    return isinstance(start, str) and start in seconds
