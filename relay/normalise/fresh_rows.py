"""
Tell rows that say something new from rows that were read before, cheaply, and notice rows left out.

A page holds thousands of rows of which a few are new, so this is decided on digests alone, as bags:
two identical rows are two legs, and a row counts as known as often as it was stored.

What a phone system showed once it goes on showing.  A page without a row that is known to be of its time
is an old one from a cache, or cut, and proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from relay.model.call import LegFacts
from relay.model.coverage import Interval


class HeldRow(Protocol):
    """
    A row that the journal holds as a leg.
    """

    @property
    def digest(self) -> bytes:
        """
        Return the digest of the row in the state last read.
        """
        ...

    @property
    def base_key(self) -> str:
        """
        Return the key of its bag.
        """
        ...

    @property
    def started_at(self) -> datetime:
        """
        Return when it started.
        """
        ...

    @property
    def is_closed(self) -> bool:
        """
        Tell whether it had ended.
        """
        ...


class KnownRows:
    """
    The rows of one stream that the journal holds already, since some time.
    """

    def __init__(self, of_legs: Iterable[HeldRow] = (), of_rejects: Iterable[bytes] = ()) -> None:
        self._held: dict[bytes, HeldRow] = {}
        self._twins: dict[bytes, int] = {}  # how often beyond once
        for row in of_legs:
            self._add(row)
        self._rejected = set(of_rejects)

    @property
    def is_empty(self) -> bool:
        """
        Tell whether no row of the stream was read as a leg before.
        """
        return not self._held

    def fresh(self, digests: Sequence[bytes]) -> list[int]:
        """
        Return the places of the rows of a whole page that are not known yet.
        """
        held, rejected = self._held, self._rejected
        if len(set(digests)) == len(digests):  # no twins, as nearly always: nothing to count
            return [
                place for place, digest in enumerate(digests) if digest not in held and digest not in rejected
            ]
        seen, places = Counter[bytes](), []
        for place, digest in enumerate(digests):
            seen[digest] += 1
            if seen[digest] > self._count(digest) and digest not in rejected:
                places.append(place)
        return places

    def left_out(
        self, digests: Sequence[bytes], fresh: Iterable[LegFacts], covered: Interval
    ) -> tuple[list[HeldRow], list[HeldRow]]:
        """
        Return the known rows that a page does not show as they were: those that a fresh row of their bag may
        be now, and those of a time that it leaves out.
        """
        shown = set(digests)
        absent = [self._held[digest] for digest in self._held.keys() - shown]
        if self._twins:
            counts = Counter(digests)
            absent += [
                self._held[digest]
                for digest in self._twins
                for _ in range(self._count(digest) - max(counts[digest], 1))
            ]
        bags = Counter(row.base_key for row in fresh)
        changed: list[HeldRow] = []
        missing: list[HeldRow] = []
        for row in absent:
            if bags[row.base_key] > 0:  # also beyond what the page proves: it shows the row as it is now
                bags[row.base_key] -= 1
                changed.append(row)
            elif covered.start <= row.started_at < covered.end:
                missing.append(row)
        return changed, missing

    def rejected_shown(self, digests: Sequence[bytes]) -> int:
        """
        Return how many rows of a page could not be read before; what they are now nobody knows.
        """
        return sum(digest in self._rejected for digest in digests) if self._rejected else 0

    def newest_shown(self, digests: Sequence[bytes], fresh: Iterable[LegFacts]) -> datetime | None:
        """
        Return when the newest of the rows that a page shows started; None where it shows none.
        """
        known = [self._held[digest].started_at for digest in digests if digest in self._held]
        return max([*known, *(row.started_at for row in fresh)], default=None)

    def open_shown(self, digests: Sequence[bytes]) -> int:
        """
        Return how many of the known rows that a page shows are of calls under way.
        """
        held = self._held
        return sum(digest in held and not held[digest].is_closed for digest in digests)

    def holds_bag(self, base_key: str) -> bool:
        """
        Tell whether a row of a bag is known; looks at all of them.
        """
        return any(row.base_key == base_key for row in self._held.values())

    def learn(self, fresh: Iterable[HeldRow], gone: Iterable[HeldRow], rejects: Iterable[bytes]) -> None:
        """
        Take note of rows stored now, and of those that are not shown any more as they were.
        """
        for row in gone:
            self._remove(row.digest)
        for row in fresh:
            self._add(row)
        self._rejected.update(rejects)

    def forget_before(self, at: datetime) -> None:
        """
        Forget rows that started before an instant: no page shows them any more.
        """
        for row in [row for row in self._held.values() if row.started_at < at]:
            del self._held[row.digest]
            self._twins.pop(row.digest, None)

    def forget_rejects(self, digests: Iterable[bytes]) -> None:
        """
        Take rows for new ones that could not be read before.
        """
        self._rejected.difference_update(digests)

    def _count(self, digest: bytes) -> int:
        return 1 + self._twins.get(digest, 0) if digest in self._held else 0

    def _add(self, row: HeldRow) -> None:
        if row.digest in self._held:
            self._twins[row.digest] = self._twins.get(row.digest, 0) + 1
        else:
            self._held[row.digest] = row

    def _remove(self, digest: bytes) -> None:
        twins = self._twins.get(digest, 0)
        if twins > 1:
            self._twins[digest] = twins - 1
        elif twins == 1:
            del self._twins[digest]
        else:
            self._held.pop(digest, None)
