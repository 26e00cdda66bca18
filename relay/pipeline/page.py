"""
A page on its way into the journal: why it was asked for, and what it brought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from relay.journal.port import StreamState
from relay.model.call import LegFacts
from relay.model.change import Reject, SourceChange
from relay.model.coverage import Gap, Interval, Read
from relay.model.event import LIVE
from relay.pipeline.page_rows import ReadRows
from relay.sources.port import Pull


@dataclass(frozen=True, slots=True)
class Page:
    """
    A pull, and why it was made: its tier, and the origin of the events that it makes.

    Calls that end before `publish_from` become state without events (None: as the source's rules say);
    rows that started at `started_before` or later are left alone (None: none).
    """

    pull: Pull
    tier: str
    origin: str = LIVE
    publish_from: datetime | None = None
    started_before: datetime | None = None

    def read(self) -> Read:
        """
        Return what the page proves where it leaves nothing out.
        """
        pull, end = self.pull, self.pull.covered_to
        return Read(
            stream=pull.stream,
            tier=self.tier,
            requested_at=pull.requested_at,
            as_of=pull.requested_at + pull.skew,
            covered=Interval(pull.covered_from, min(end, self.started_before or end)),
            rows=len(pull.rows),
            requests=pull.requests,
        )


@dataclass(frozen=True, slots=True)
class PageResult:
    """
    What a page brought.

    `counts` tells how many rows were new, updated, duplicate and rejected, `events` how many it made; `new`
    are the rows of new legs, `confirmed` counts legs of which only a push had told.  `missing` counts rows
    that are known to be of its time and that it left out: it then proves nothing, and `read` is None.
    """

    state: StreamState
    counts: Mapping[str, int]
    events: int
    new: Sequence[LegFacts]
    confirmed: int
    open_rows: int
    missing: int
    read: Read | None
    rejects: Sequence[Reject] = ()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """
    What is written with the last transaction of a page besides its rows.
    """

    source: SourceChange | None = None
    state: StreamState | None = None
    gaps: tuple[Gap, ...] = ()


@dataclass(slots=True)
class Brought:
    """
    What the transactions of a page brought so far.
    """

    new: list[LegFacts] = field(default_factory=list)
    updated: int = 0
    confirmed: int = 0
    events: int = 0

    def counts(self, duplicate: int, rows: ReadRows) -> dict[str, int]:
        """
        Return how many rows of the page were what.
        """
        return {
            "new": len(self.new),
            "updated": self.updated,
            "duplicate": duplicate,
            "rejected": len(rows.rejects),
            "not_yet": rows.not_yet,
        }
