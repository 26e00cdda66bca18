"""
The rows of one page: which are new, what they say, which cannot be read, and which known ones are left out.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from relay.model.call import LegFacts
from relay.model.change import Reject
from relay.model.errors import RecordNotYet, RecordRejected
from relay.model.ids import row_digest
from relay.sources.port import Pull

ROWS_AT_ONCE: Final = 100
FRESH_AT_ONCE: Final = 40

Row = dict[str, Any]

log = logging.getLogger(__name__)


class RowReader(Protocol):
    """
    Reads one vendor's rows into legs.
    """

    def has_native_id(self, row: Row) -> bool:
        """
        Tell whether a row carries the vendor's own id.
        """
        ...

    def folds(
        self, stream: str, rows: Sequence[Row], requested_at: datetime, skew: timedelta
    ) -> Mapping[int, int]:
        """
        Return, for the places of a page's rows that began in a repeated hour, which pass it was: 0 or 1.

        Args:
            stream: the stream of the page.
            rows: the whole page, newest first.
            requested_at: when it was asked for.
            skew: the phone system's clock minus ours.
        """
        ...

    def read(
        self,
        stream: str,
        row: Row,
        digest: bytes | None = None,
        native_since: datetime | None = ...,
        fold: int = 0,
        now: datetime | None = None,
    ) -> LegFacts:
        """
        Validate one row; the vendor's own id counts for calls that start at `native_since` or later.

        Raises:
            RecordRejected: the row is not as documented, or begins after `now`.
        """
        ...

    def other_pass(
        self,
        stream: str,
        row: Row,
        digest: bytes | None = None,
        native_since: datetime | None = ...,
        fold: int = 0,
    ) -> LegFacts | None:
        """
        Read a row as of the other pass of a repeated hour; None where it cannot be of it.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReadRows:
    """
    The fresh rows of a page as legs, those that cannot be read, and how many begin in the future.
    """

    facts: list[LegFacts]
    rejects: list[Reject]
    not_yet: int = 0

    def started_before(self, at: datetime) -> ReadRows:
        """
        Return those that started before an instant, and the ones of which nothing is known.
        """
        return ReadRows([row for row in self.facts if row.started_at < at], self.rejects, self.not_yet)


async def digests_of(rows: Sequence[Row]) -> list[bytes]:
    """
    Return the digest of each row, in short steps.
    """
    digests: list[bytes] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        digests += [row_digest(row) for row in rows[start : start + ROWS_AT_ONCE]]
        await asyncio.sleep(0)
    return digests


async def read_rows(
    reader: RowReader,
    pull: Pull,
    places: Sequence[int],
    digests: Sequence[bytes],
    native_since: datetime | None,
    holds_bag: Callable[[str], bool],
) -> ReadRows:
    """
    Read some rows of a page, in short steps.

    Args:
        reader: reads one row.
        pull: the page.
        places: which of its rows.
        digests: the digest of each of its rows.
        native_since: since when the vendor's own ids count.
        holds_bag: tells whether a row of a bag is known.
    """
    folds: Mapping[int, int] = {}
    if places:  # in the night in which the clocks go back a large page takes its time
        folds = await asyncio.to_thread(reader.folds, pull.stream, pull.rows, pull.requested_at, pull.skew)
    now = pull.requested_at + pull.skew
    facts: list[LegFacts] = []
    rejects: dict[bytes, Reject] = {}
    not_yet = 0
    for count, place in enumerate(places):
        if count % FRESH_AT_ONCE == FRESH_AT_ONCE - 1:
            await asyncio.sleep(0)
        row, digest = pull.rows[place], digests[place]
        try:
            leg = reader.read(pull.stream, row, digest, native_since, folds.get(place, 0), now)
            if place in folds and not holds_bag(leg.base_key):
                # What was read before keeps its pass, whatever the list looks like by now.
                other = reader.other_pass(pull.stream, row, digest, native_since, folds[place])
                leg = other if other is not None and holds_bag(other.base_key) else leg
            facts.append(leg)
        except RecordNotYet:
            not_yet += 1  # a clock is wrong: the next poll shows it again
        except RecordRejected as error:
            rejects[digest] = Reject(digest, row, error.why)
        except Exception:  # a bug met by one row must not stop the others, nor come back after a restart
            log.exception("a row could not be read", extra={"stream": pull.stream})
            rejects[digest] = Reject(digest, row, traceback.format_exc(limit=-3))
    return ReadRows(facts, list(rejects.values()), not_yet)
