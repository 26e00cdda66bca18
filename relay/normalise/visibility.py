"""
When a stream's rows appear: at the start or at the end of a call, and how late.

The documents do not say it, so it is measured: a row that was not in a complete read of its time, and is
in the next one, appeared in between.  The look-back follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from relay.model.call import LegFacts

AT_START: Final = "start"
AT_END: Final = "end"
UNKNOWN: Final = "unknown"
APPEARANCES: Final = (AT_START, AT_END, UNKNOWN)

ENOUGH_SAMPLES: Final = 20
MOST_SAMPLES: Final = 2_000  # then all counts are halved, so that what was long ago fades
SURE_SHARE: Final = 0.8
FARTHEST_SHARE: Final = 0.999
LOOKBACKS: Final = 3  # times the farthest distance seen
LONGEST_LOOKBACK: Final = timedelta(days=2)
BUCKETS_S: Final = (15, 30, 60, 120, 300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800)
CLOCK_SLACK: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Sighting:
    """
    A row that a complete read at `seen_at` showed first, and one of its time at `unseen_at` did not.
    """

    started_at: datetime
    ended_at: datetime | None
    unseen_at: datetime
    seen_at: datetime


@dataclass(slots=True)
class Visibility:
    """
    What was measured of one stream; `counts` are of rows by how long after their start they were seen.

    `appears_at` is start, end or unknown.  It changes only where most of the newer rows speak for it.
    """

    appears_at: str = UNKNOWN
    at_start: int = 0
    at_end: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Visibility:
        """
        Read what `as_json` gave; anything else is as good as nothing measured yet.
        """
        counts = stored.get("counts")
        if not isinstance(counts, list) or len(counts) != len(BUCKETS_S) + 1:
            return cls()
        return cls(stored["appears_at"], stored["at_start"], stored["at_end"], list(counts))

    def as_json(self) -> dict[str, Any]:
        """
        Return it as the journal keeps it and as REST shows it.
        """
        return {
            "appears_at": self.appears_at,
            "late_s": self.late_s,
            "at_start": self.at_start,
            "at_end": self.at_end,
            "counts": self.counts,
        }

    def summary(self) -> dict[str, Any]:
        """
        Return what people need to know of it.
        """
        return {"appears_at": self.appears_at, "late_s": self.late_s}

    @property
    def late_s(self) -> int | None:
        """
        Return within how many seconds of their start nearly all rows were seen; None: unknown.
        """
        total = sum(self.counts)
        if total < ENOUGH_SAMPLES:
            return None
        so_far = 0
        for bucket_s, count in zip((*BUCKETS_S, 2 * BUCKETS_S[-1]), self.counts, strict=True):
            so_far += count
            if so_far >= total * FARTHEST_SHARE:
                return bucket_s
        return 2 * BUCKETS_S[-1]

    def lookback(self, configured: timedelta) -> timedelta:
        """
        Return how far back reads must reach: as configured, or farther where rows were seen to come later.
        """
        late_s = self.late_s
        if late_s is None:
            return configured
        return max(configured, min(LOOKBACKS * timedelta(seconds=late_s), LONGEST_LOOKBACK))

    def learn(self, sightings: Iterable[Sighting]) -> str | None:
        """
        Take in what one read showed first; return what `appears_at` was before, where that has changed.
        """
        for one in sightings:
            self._count(one)
        if self.at_start + self.at_end > MOST_SAMPLES or sum(self.counts) > MOST_SAMPLES:
            self.at_start, self.at_end = self.at_start // 2, self.at_end // 2
            self.counts = [count // 2 for count in self.counts]
        before, verdict = self.appears_at, self._verdict()
        if verdict in (UNKNOWN, before):
            return None
        self.appears_at = verdict
        return before if before != UNKNOWN else None

    def _count(self, one: Sighting) -> None:
        seen_s = (one.seen_at - one.started_at).total_seconds()
        place = sum(seen_s > bucket_s for bucket_s in BUCKETS_S)
        self.counts[place] += 1
        if one.ended_at is None:
            self.at_start += 1
        elif one.started_at + CLOCK_SLACK < one.unseen_at < one.ended_at - CLOCK_SLACK:
            self.at_end += 1  # it was under way, and not shown

    def _verdict(self) -> str:
        total = self.at_start + self.at_end
        if total < ENOUGH_SAMPLES:
            return UNKNOWN
        if self.at_start >= total * SURE_SHARE:
            return AT_START
        return AT_END if self.at_end >= total * SURE_SHARE else UNKNOWN


def sightings(
    new: Iterable[LegFacts], unseen_at: datetime, unseen_from: datetime, seen_at: datetime
) -> list[Sighting]:
    """
    Return sightings of the new rows that the read before, of [unseen_from, unseen_at), should have shown.
    """
    return [
        Sighting(row.started_at, row.ended_at, unseen_at, seen_at)
        for row in new
        if unseen_from <= row.started_at
    ]
