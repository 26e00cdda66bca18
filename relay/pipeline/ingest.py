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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from relay.journal.port import Append, Appended, NearKeys, PollJournal, StreamState
from relay.model.call import LegFacts
from relay.model.change import CallChange, Interval, Neighbourhood, Reject, SourceChange
from relay.model.clock import Clock
from relay.model.errors import RecordRejected, RevisionConflict
from relay.model.ids import row_digest
from relay.normalise.calls import CallAssembler
from relay.normalise.fresh_rows import KnownRows
from relay.normalise.id_scheme import FACTS, native_since, scheme_after
from relay.sources.port import Pull
from relay.telemetry.metrics import Metrics

ROWS_AT_ONCE: Final = 100
FRESH_AT_ONCE: Final = 40
LARGEST_GROUP: Final = 60
LINK_REACH: Final = timedelta(hours=4)
REACH_AFTER: Final = timedelta(seconds=10)

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
        state = await self._with_scheme(source_id, pull, state, is_first_page=known.is_empty)
        facts, rejects = await self._read(pull, places, digests, native_since(state.id_scheme))
        page = Counter(digests)
        counts: Counter[bool] = Counter()
        for group in groups_of(facts):
            counts += await self._take_group(source_id, pull, page, group)
        await self._write(
            Append(
                source_id=source_id,
                stream=pull.stream,
                recorded_at=self._clock.now(),
                source=source_change(rejects),
                rejects=tuple(rejects),
                covered=Interval(pull.covered_from, pull.requested_at + pull.skew),
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
            known = self._known[pull.stream] = KnownRows(stored.of_legs, stored.of_rejects)
        return known

    async def _with_scheme(
        self, source_id: str, pull: Pull, state: StreamState, is_first_page: bool
    ) -> StreamState:
        """
        Store a new scheme of ids before anything follows it, so that a crash in between changes no id.
        """
        has_native_ids = state.id_scheme == FACTS and any(map(self._reader.has_native_id, pull.rows))
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
            if count % ROWS_AT_ONCE == ROWS_AT_ONCE - 1:
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

    async def _take_group(
        self, source_id: str, pull: Pull, page: Counter[bytes], group: list[LegFacts]
    ) -> Counter[bool]:
        while True:
            near = await self._journal.neighbourhood(source_id, near_keys(group))
            changes = self._assembler.assemble(group, page, near, pull.requested_at, pull.skew)
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
        appended = await self._journal.append(change)
        self._metrics.journal_append_duration_seconds.observe(self._clock.monotonic() - started)
        if appended.events:
            self._time_events(change, appended)
            self._appended(appended)

    def _time_events(self, change: Append, appended: Appended) -> None:
        source = self._metrics.source_label(change.source_id)
        latency = self._metrics.event_ingest_latency_seconds.labels(source, change.stream)
        latency.observe_many(
            [(event.recorded_at - event.occurred_at).total_seconds() for event in appended.events]
        )


def groups_of(facts: Sequence[LegFacts]) -> Iterator[list[LegFacts]]:
    """
    Cut fresh rows into groups of some FRESH_AT_ONCE, and never more than LARGEST_GROUP but for one bag.

    Rows of one number that lie close together stay together, so that a call goes in whole; only where
    a number is busy without a pause are they cut, in order of start, and linked through the journal.
    """
    by_number: dict[str, list[LegFacts]] = {}
    for row in facts:
        by_number.setdefault(row.native_id or row.link_key or row.base_key, []).append(row)
    group: list[LegFacts] = []
    for rows in by_number.values():
        for burst in _bursts(rows):
            if group and len(group) + len(burst) > FRESH_AT_ONCE:
                yield group
                group = []
            group += burst
    if group:
        yield group


def _bursts(rows: list[LegFacts]) -> Iterator[list[LegFacts]]:
    rows.sort(key=lambda row: (row.started_at, row.base_key))
    burst: list[LegFacts] = []
    ends_at = rows[0].started_at
    for row in rows:
        is_apart = row.started_at > ends_at + REACH_AFTER
        is_full = len(burst) >= LARGEST_GROUP and row.base_key != burst[-1].base_key
        if burst and (is_apart or is_full):
            yield burst
            burst = []
        burst.append(row)
        ends_at = max(ends_at, row.ended_at or row.started_at + LINK_REACH)
    yield burst


def near_keys(group: Sequence[LegFacts]) -> NearKeys:
    """
    Say what to look for near a group of fresh rows.
    """
    ends = [row.ended_at or row.started_at for row in group]
    return NearKeys(
        base_keys={row.base_key for row in group},
        native_ids={row.native_id for row in group if row.native_id is not None},
        link_keys={row.link_key for row in group if row.link_key is not None},
        started_from=min(row.started_at for row in group) - LINK_REACH,
        ended_from=min(row.started_at for row in group) - REACH_AFTER,
        started_to=max(ends) + REACH_AFTER,
    )


def chunks_of(changes: Iterable[CallChange], limit: int) -> Iterator[tuple[CallChange, ...]]:
    """
    Cut changes into whole calls of at most `limit` events; one call alone may exceed it.
    """
    chunk: list[CallChange] = []
    events = 0
    for change in changes:
        if chunk and events + len(change.events) > limit:
            yield tuple(chunk)
            chunk, events = [], 0
        chunk.append(change)
        events += len(change.events)
    if chunk:
        yield tuple(chunk)


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
