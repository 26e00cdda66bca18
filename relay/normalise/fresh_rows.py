"""
Tell rows that say something new from rows that were read before, cheaply.

A page holds thousands of rows of which a few are new, so this is decided on digests alone, as bags:
two identical rows are two legs, and a row counts as known as often as it was stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


class KnownRows:
    """
    The digests of the rows of one stream that the journal holds already.
    """

    def __init__(self, of_legs: Iterable[bytes] = (), of_rejects: Iterable[bytes] = ()) -> None:
        self._known = Counter(of_legs)
        self._rejected = set(of_rejects)

    @property
    def is_empty(self) -> bool:
        """
        Tell whether no row of the stream was read as a leg before.
        """
        return not self._known

    def fresh(self, digests: Sequence[bytes]) -> list[int]:
        """
        Return the places of the rows of a whole page that are not known yet.
        """
        known, rejected = self._known, self._rejected
        if len(set(digests)) == len(digests):  # no twins, as nearly always: nothing to count
            return [
                place
                for place, digest in enumerate(digests)
                if digest not in known and digest not in rejected
            ]
        seen, places = Counter[bytes](), []
        for place, digest in enumerate(digests):
            seen[digest] += 1
            if seen[digest] > known[digest] and digest not in rejected:
                places.append(place)
        return places

    def learn(self, page: Sequence[bytes], rejects: Iterable[bytes]) -> None:
        """
        Take note that every row of a whole page is stored now, and forget what the page no longer shows.

        What left the page is either older than the window or has changed; were it to come back, the
        journal would be asked again and would find its leg.
        """
        self._known = Counter(page)
        self._rejected = self._rejected.union(rejects).intersection(self._known)
