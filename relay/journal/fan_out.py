"""
How many events one append may carry, so that it writes a bounded number of delivery rows.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from relay.journal.matching import Matching

MAX_EVENTS_PER_APPEND: Final = 500
# DESIGN allows 5,000; to make the rows of so many would hold the event loop for longer than 20 ms.
MAX_DELIVERIES_PER_APPEND: Final = 2_000
MOST_LEFT_OUT: Final = 16


class FanOut:
    """
    Which endpoints want a source is known beforehand.  What their types and conditions leave of them is
    learnt from the source's last append, and believed within a limit: an append whose events suddenly match
    all of them writes no more than MOST_LEFT_OUT times the bound.
    """

    def __init__(self) -> None:
        self._matching: Matching | None = None
        self._seen: dict[str, int] = {}

    def max_events(self, matching: Matching, source_id: str) -> int:
        """
        Return how many events of a source an append may carry, with these endpoints.
        """
        takers = matching.takers(source_id)
        if matching is self._matching and source_id in self._seen:
            takers = max(self._seen[source_id], ceil(takers / MOST_LEFT_OUT))
        return max(1, min(MAX_EVENTS_PER_APPEND, MAX_DELIVERIES_PER_APPEND // max(1, takers)))

    def learn(self, matching: Matching, source_id: str, events: int, deliveries: int) -> None:
        """
        Note how many deliveries so many events of a source came to.
        """
        if matching is not self._matching:
            self._matching, self._seen = matching, {}
        if events:
            self._seen[source_id] = ceil(deliveries / events)
