"""
One page from rows to the journal: what is fresh, which calls it changes, whole calls a transaction.

Nothing is kept here that the journal does not hold: a page that conflicts with another writer, or is
cut off by a crash, is simply normalised again.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from relay.journal.port import Append, Appended, PollJournal, StreamState
from relay.model.call import LegFacts
from relay.model.change import CallChange, Neighbourhood, Reject, SourceChange
from relay.model.clock import Clock
from relay.model.coverage import DEEP, Interval, Read
from relay.model.errors import RecordRejected, RevisionConflict
from relay.model.ids import row_digest
from relay.normalise.calls import CallAssembler
from relay.normalise.fresh_rows import KnownRows
from relay.normalise.id_scheme import FACTS, native_since, scheme_after
from relay.pipeline.grouping import (
    FRESH_AT_ONCE,
    batches_of,
    chunks_of,
    groups_of,
    linking_keys,
    near_keys,
)
from relay.pipeline.waiting import handed_on
from relay.sources.port import Pull
from relay.telemetry.metrics import Metrics

ROWS_AT_ONCE: Final = 100

log = logging.getLogger(__name__)


class RowReader(Protocol):
    """
    Reads one vendor's rows into legs.
    """

    def has_native_id(self, row: dict[str, Any]) -> bool:
        """
        Tell whether a row carries the vendor's own id.
        """
        ...

    def read(
        self,
        stream: str,
        row: dict[str, Any],
        digest: bytes | None = None,
        native_since: datetime | None = ...,
    ) -> LegFacts:
        """
        Validate one row; the vendor's own id counts for calls that start at `native_since` or later.

        Raises:
            RecordRejected: the row is not as documented.
        """
        ...


@dataclass(frozen=True, slots=True)
class PageResult:
    """
    What a page brought: how many rows were new, updated, duplicate and rejected; the stream's state after it.
    """

    counts: Mapping[str, int]
    state: StreamState


class Ingest:
    """
    Takes pages of one source into the journal.

    Args:
        journal: where they go.
        reader: reads rows into legs.
        assembler: makes calls of legs.
        clock: the time of recording.
        metrics: counted per page.
        appended: told what was committed.
    """

    def __init__(
        self,
        journal: PollJournal,
        reader: RowReader,
        assembler: CallAssembler,
        clock: Clock,
        metrics: Metrics,
        appended: Callable[[Appended], None],
    ) -> None:
        self._journal = journal
        self._reader = reader
        self._assembler = assembler
        self._clock = clock
        self._metrics = metrics
        self._appended = appended
        self._known: dict[str, KnownRows] = {}

    async def take(
        self,
        source_id: str,
        pull: Pull,
        state: StreamState,
        source_change: Callable[[Sequence[Reject]], SourceChange | None],
    ) -> PageResult:
        """
        Bring a page into the journal; coverage goes with the last transaction.

        Args:
            source_id: whose page it is.
            pull: the page.
            state: the stream's state, stored with it.
            source_change: says what to write about the source itself, given the new rejects.
        """
        known = await self._known_rows(source_id, pull)
        digests = await _digests(pull.rows)
        places = known.fresh(digests)
        fresh = [pull.rows[place] for place in places]
        state = await self._with_scheme(source_id, pull, state, fresh, is_first_page=known.is_empty)
        facts, rejects = await self._read(pull, places, digests, native_since(state.id_scheme))
        page = Counter(digests)
        counts = await self._take_all(source_id, pull, page, facts)
        await self._write(
            Append(
                source_id=source_id,
                stream=pull.stream,
                recorded_at=self._clock.now(),
                source=source_change(rejects),
                rejects=tuple(rejects),
                read=Read(
                    stream=pull.stream,
                    tier=DEEP,
                    requested_at=pull.requested_at,
                    as_of=pull.requested_at + pull.skew,
                    covered=Interval(pull.covered_from, pull.covered_to),
                    rows=len(pull.rows),
                    requests=pull.requests,
                ),
                stream_state=state,
            )
        )
        known.learn(digests, [reject.digest for reject in rejects])
        return PageResult(
            {
                "new": counts[True],
                "updated": counts[False],
                "duplicate": len(digests) - len(places),
                "rejected": len(rejects),
            },
            state,
        )

    async def release(
        self, source_id: str, stream: str, read_through: Mapping[str, Interval | None]
    ) -> datetime | None:
        """
        Send out the held ends whose time has come; return when the next one goes out whatever happens.
        """
        while True:
            held = await self._journal.held_calls(source_id)
            changes = self._assembler.release(held, read_through, self._clock.now())
            try:
                await self._append_calls(source_id, stream, changes)
            except RevisionConflict:
                self._metrics.journal_errors.labels("append", "conflict").inc()
                continue
            return self._assembler.next_release(held, changes)

    async def _known_rows(self, source_id: str, pull: Pull) -> KnownRows:
        known = self._known.get(pull.stream)
        if known is None:
            since = pull.covered_from - timedelta(days=3)
            stored = await self._journal.known_digests(source_id, pull.stream, since)
            known = self._known[pull.stream] = KnownRows(
                [leg.digest for leg in stored.of_legs], stored.of_rejects
            )
        return known

    async def _with_scheme(
        self,
        source_id: str,
        pull: Pull,
        state: StreamState,
        fresh: Sequence[dict[str, Any]],
        *,
        is_first_page: bool,
    ) -> StreamState:
        """
        Store a new scheme of ids before anything follows it, so that a crash in between changes no id.

        A column of ids that appears makes every row a fresh one.
        """
        has_native_ids = state.id_scheme == FACTS and any(map(self._reader.has_native_id, fresh))
        scheme = scheme_after(state.id_scheme, has_native_ids, is_first_page, pull.requested_at)
        if scheme != state.id_scheme:
            state = replace(state, id_scheme=scheme)
            log.info(
                "ids follow another scheme",
                extra={"source": source_id, "stream": pull.stream, "scheme": scheme},
            )
            await self._write(Append(source_id, pull.stream, self._clock.now(), stream_state=state))
        return state

    async def _read(
        self,
        pull: Pull,
        places: Sequence[int],
        digests: Sequence[bytes],
        since: datetime | None,
    ) -> tuple[list[LegFacts], list[Reject]]:
        facts: list[LegFacts] = []
        rejects: dict[bytes, Reject] = {}
        for count, place in enumerate(places):
            if count % FRESH_AT_ONCE == FRESH_AT_ONCE - 1:
                await asyncio.sleep(0)
            row, digest = pull.rows[place], digests[place]
            try:
                facts.append(self._reader.read(pull.stream, row, digest, since))
            except RecordRejected as error:
                rejects[digest] = Reject(digest, row, error.why)
            except Exception:  # a bug met by one row must not stop the others, nor come back after a restart
                log.exception("a row could not be read", extra={"stream": pull.stream})
                rejects[digest] = Reject(digest, row, traceback.format_exc(limit=-3))
        return facts, list(rejects.values())

    async def _take_all(
        self, source_id: str, pull: Pull, page: Counter[bytes], facts: list[LegFacts]
    ) -> Counter[bool]:
        """
        Take fresh rows in, one transaction after the other: while one is written the next is made, unless
        the two might be about one call.
        """
        counts: Counter[bool] = Counter()
        writing: asyncio.Task[Counter[bool]] | None = None
        keys_before: set[str] = set()
        try:
            for groups in batches_of(groups_of(facts)):
                keys = linking_keys(row for group in groups for row in group)
                if writing is not None and not keys.isdisjoint(keys_before):
                    counts += await writing
                    writing = None
                making = asyncio.create_task(self._take_groups(source_id, pull, page, groups))
                before, writing, keys_before = writing, making, keys
                if before is not None:
                    counts += await before
            return counts + await writing if writing is not None else counts
        finally:
            if writing is not None and not writing.done():
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)

    async def _take_groups(
        self, source_id: str, pull: Pull, page: Counter[bytes], groups: list[list[LegFacts]]
    ) -> Counter[bool]:
        keys = near_keys([row for group in groups for row in group])
        while True:
            near = await self._journal.neighbourhood(source_id, keys)
            changes: list[CallChange] = []
            for group in groups:
                changes += self._assembler.assemble(group, page, near, pull.requested_at, pull.skew)
                await asyncio.sleep(0)
            try:
                await self._append_calls(source_id, pull.stream, changes)
            except RevisionConflict:
                self._metrics.journal_errors.labels("append", "conflict").inc()
                continue
            return _count(near, changes)

    async def _append_calls(self, source_id: str, stream: str, changes: Sequence[CallChange]) -> None:
        limit = await self._journal.max_events_per_append()
        for calls in chunks_of(changes, limit):
            await self._write(Append(source_id, stream, self._clock.now(), calls))
            await asyncio.sleep(0)

    async def _write(self, change: Append) -> None:
        started = self._clock.monotonic()
        appended = await handed_on(self._journal.append(change), self._appended)
        self._metrics.journal_append_duration_seconds.observe(self._clock.monotonic() - started)
        if appended.events:
            self._time_events(change, appended)

    def _time_events(self, change: Append, appended: Appended) -> None:
        source = self._metrics.source_label(change.source_id)
        latency = self._metrics.event_ingest_latency_seconds.labels(source, change.stream)
        latency.observe_many(
            [(event.recorded_at - event.occurred_at).total_seconds() for event in appended.events]
        )


async def _digests(rows: Sequence[dict[str, Any]]) -> list[bytes]:
    digests: list[bytes] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        digests += [row_digest(row) for row in rows[start : start + ROWS_AT_ONCE]]
        await asyncio.sleep(0)
    return digests


def _count(near: Neighbourhood, changes: Sequence[CallChange]) -> Counter[bool]:
    """
    Count legs: True for new ones, False for known ones that changed.
    """
    known = {leg.leg_id for leg in near.legs}
    return Counter(leg.leg_id not in known for change in changes for leg in change.legs)
