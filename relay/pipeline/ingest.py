"""
One page from rows to the journal: what is fresh, which calls it changes, whole calls a transaction.

Nothing is kept here that the journal does not hold: a page that conflicts with another writer, or is
cut off by a crash, is simply normalised again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from relay.journal.port import Append, Appended, KnownLegRow, PollJournal, StreamState
from relay.model.call import LegFacts
from relay.model.change import CallChange, Neighbourhood
from relay.model.clock import Clock
from relay.model.coverage import DEEP, POLLS, Interval
from relay.model.errors import RevisionConflict
from relay.model.event import is_of_the_past
from relay.normalise.calls import CallAssembler
from relay.normalise.fresh_rows import HeldRow, KnownRows
from relay.normalise.id_scheme import FACTS, native_since, scheme_after
from relay.pipeline.grouping import batches_of, chunks_of, groups_of, linking_keys, near_keys
from relay.pipeline.page import Brought, Conclusion, Page, PageResult
from relay.pipeline.page_rows import RowReader, digests_of, read_rows
from relay.pipeline.waiting import handed_on
from relay.sources.port import Pull
from relay.telemetry.metrics import Metrics

KEPT_BEFORE: Final = timedelta(days=3)  # what a page shows beyond its window: dates are whole days
MANY_LEGS: Final = 400
ANSWERS_TO_BELIEVE: Final = 3  # so many in a row without a row: the phone system has forgotten it

log = logging.getLogger(__name__)


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
        self._replayed: defaultdict[str, set[bytes]] = defaultdict(set)  # rejects that pages may show
        self._left_out: Counter[tuple[str, str, bytes]] = Counter()

    async def take(
        self, source_id: str, page: Page, state: StreamState, conclude: Callable[[PageResult], Conclusion]
    ) -> PageResult:
        """
        Bring a page into the journal; coverage goes with the last transaction.

        Args:
            source_id: whose page it is.
            page: the page.
            state: the stream's state.
            conclude: says what to write with the last transaction.
        """
        pull = page.pull
        known = await self._known_rows(source_id, page)
        digests = await digests_of(pull.rows)
        places = known.fresh(digests)
        fresh = [pull.rows[place] for place in places]
        is_first = known.is_empty and self._known.get(pull.stream, known).is_empty
        state = await self._with_scheme(source_id, pull, state, fresh, is_first_page=is_first)
        rows = await read_rows(
            self._reader, pull, places, digests, native_since(state.id_scheme), known.holds_bag
        )
        if page.started_before is not None:
            rows = rows.started_before(page.started_before)
        covered = Interval(pull.covered_from, pull.covered_to)
        gone, missing = known.left_out(digests, rows.facts, covered)
        unreadable = len(rows.rejects) + known.rejected_shown(digests)
        newest = partial(known.newest_shown, digests, rows.facts)
        is_believed = self._is_believed(page, missing, unreadable, newest)
        brought = await self._take_all(source_id, page, Counter(digests), rows.facts)
        result = PageResult(
            state=state,
            counts=brought.counts(len(digests) - len(places), rows),
            events=brought.events,
            new=brought.new,
            confirmed=brought.confirmed,
            open_rows=known.open_shown(digests) + sum(not row.is_closed for row in rows.facts),
            missing=0 if is_believed else len(missing),
            read=page.read() if is_believed else None,
            rejects=rows.rejects,
        )
        again = tuple(row.digest for row in rows.facts if row.digest in self._replayed[pull.stream])
        result = await self._conclude(source_id, pull.stream, result, conclude, again)
        self._replayed[pull.stream].difference_update(again)
        rejected = [reject.digest for reject in rows.rejects]
        known.learn(_held(rows.facts), [*gone, *missing] if is_believed else gone, rejected)
        if page.tier == DEEP:
            known.forget_before(pull.covered_from - 2 * KEPT_BEFORE)
        return result

    def forget_rejects(self, stream: str, digests: Iterable[bytes]) -> None:
        """
        Take rows for new ones that could not be read before; they leave the rejects when a page shows them.
        """
        self._replayed[stream].update(digests)
        if stream in self._known:
            self._known[stream].forget_rejects(self._replayed[stream])

    async def append_calls(
        self, source_id: str, stream: str, changes: Sequence[CallChange], **last: Any
    ) -> int:
        """
        Append changed calls, whole calls a transaction, `last` (fields of Append) with the last of them.

        Returns:
            How many events were appended.

        Raises:
            RevisionConflict: a call has moved on; those before it are appended.
        """
        events, left = 0, len(changes)
        for calls in chunks_of(changes, lambda: self._journal.max_events_per_append(source_id)):
            left -= len(calls)
            more = {} if left else last
            events += await self._write(Append(source_id, stream, self._clock.now(), calls, **more))
            await asyncio.sleep(0)
        if last and not changes:
            events += await self._write(Append(source_id, stream, self._clock.now(), **last))
        return events

    async def _conclude(
        self,
        source_id: str,
        stream: str,
        result: PageResult,
        conclude: Callable[[PageResult], Conclusion],
        replayed: tuple[bytes, ...],
    ) -> PageResult:
        """
        Write what goes with the last transaction; return the result with the stream's state as written.
        """
        last = conclude(result)
        state = last.state or result.state
        await self._write(
            Append(
                source_id=source_id,
                stream=stream,
                recorded_at=self._clock.now(),
                source=last.source,
                rejects=tuple(result.rejects),
                read=result.read,
                stream_state=state,
                gaps=last.gaps,
                replayed=replayed,
            )
        )
        return replace(result, state=state)

    async def _known_rows(self, source_id: str, page: Page) -> KnownRows:
        pull = page.pull
        if page.tier not in POLLS:  # another time than the polls': read for this page alone
            since, before = pull.window_start - KEPT_BEFORE, pull.covered_to + KEPT_BEFORE
            stored = await self._journal.known_digests(source_id, pull.stream, since, before)
            past = KnownRows(stored.of_legs, stored.of_rejects)
            past.forget_rejects(self._replayed[pull.stream])
            return past
        known = self._known.get(pull.stream)
        if known is None:
            stored = await self._journal.known_digests(
                source_id, pull.stream, pull.window_start - KEPT_BEFORE
            )
            known = self._known[pull.stream] = KnownRows(stored.of_legs, stored.of_rejects)
            known.forget_rejects(self._replayed[pull.stream])
        return known

    def _is_believed(
        self,
        page: Page,
        missing: Sequence[HeldRow],
        unreadable: int,
        newest_shown: Callable[[], datetime | None],
    ) -> bool:
        """
        Tell whether a page proves anything although it leaves out known rows.

        Rows are gone once several answers in a row lack them; but a poll that lacks the newest of them is an
        old page.  The past is believed without that: all that it held may have been forgotten.  A row that
        cannot be read now may be one of them.
        """
        is_poll = page.tier in POLLS
        # Polls and reads of the past look at different times: neither shows that the other's rows are back.
        of_what = (page.pull.stream, "" if is_poll else page.tier)
        lacking = {(*of_what, row.digest) for row in missing}
        for place in [place for place in self._left_out if place[:2] == of_what and place not in lacking]:
            del self._left_out[place]
        self._left_out.update(lacking)
        if len(missing) <= unreadable:
            return True
        if any(self._left_out[place] < ANSWERS_TO_BELIEVE for place in lacking):
            return False
        if not is_poll:
            return True
        newest = newest_shown()
        return newest is not None and newest > max(row.started_at for row in missing)

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

    async def _take_all(
        self, source_id: str, page: Page, shown: Counter[bytes], facts: list[LegFacts]
    ) -> Brought:
        """
        Take fresh rows in, one transaction after the other: while one is written the next is made, unless
        the two might be about one call.
        """
        brought = Brought()
        writing: asyncio.Task[None] | None = None
        keys_before: set[str] = set()
        try:
            for groups in batches_of(groups_of(facts)):
                keys = linking_keys(row for group in groups for row in group)
                if writing is not None and not keys.isdisjoint(keys_before):
                    await writing
                    writing = None
                making = asyncio.create_task(self._take_groups(source_id, page, shown, groups, brought))
                before, writing, keys_before = writing, making, keys
                if before is not None:
                    await before
            if writing is not None:
                await writing
            return brought
        finally:
            if writing is not None and not writing.done():
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)

    async def _take_groups(
        self,
        source_id: str,
        page: Page,
        shown: Counter[bytes],
        groups: list[list[LegFacts]],
        brought: Brought,
    ) -> None:
        keys, pull = near_keys([row for group in groups for row in group]), page.pull
        while True:
            near = await self._journal.neighbourhood(source_id, keys)
            changes: list[CallChange] = []
            for group in groups:
                assemble = partial(
                    self._assembler.assemble,
                    group,
                    shown,
                    near,
                    pull.requested_at,
                    pull.skew,
                    origin=page.origin,
                    publish_from=page.publish_from,
                )
                # A number that is never silent has many calls to be weighed: beside the event loop.
                is_long = len(near.legs) > MANY_LEGS
                changes += await asyncio.to_thread(assemble) if is_long else assemble()
                await asyncio.sleep(0)
            try:
                brought.events += await self.append_calls(source_id, pull.stream, changes)
            except RevisionConflict:
                self._metrics.journal_errors.labels("append", "conflict").inc()
                continue
            _count(near, changes, pull.stream, brought)
            return

    async def _write(self, change: Append) -> int:
        started = self._clock.monotonic()
        appended = await handed_on(self._journal.append(change), self._appended)
        self._metrics.journal_append_duration_seconds.observe(self._clock.monotonic() - started)
        if appended.events:
            self._time_events(change, appended)
        return len(appended.events)

    def _time_events(self, change: Append, appended: Appended) -> None:
        source = self._metrics.source_label(change.source_id)
        latency = self._metrics.event_ingest_latency_seconds.labels(source, change.stream)
        latency.observe_many(
            [
                (event.recorded_at - event.occurred_at).total_seconds()
                for event in appended.events
                if not is_of_the_past(event.body)
            ]
        )


def _held(facts: Iterable[LegFacts]) -> list[KnownLegRow]:
    return [KnownLegRow(row.digest, row.base_key, row.started_at, row.is_closed) for row in facts]


def _count(near: Neighbourhood, changes: Sequence[CallChange], stream: str, brought: Brought) -> None:
    """
    Note legs that are new, and known ones of the page's stream that changed.
    """
    known = {leg.leg_id: leg.is_provisional for leg in near.legs}
    for change in changes:
        for leg in change.legs:
            if leg.leg_id not in known:
                brought.new.append(leg.facts)
            elif leg.facts.stream == stream:
                brought.updated += 1
                brought.confirmed += known[leg.leg_id] and not leg.is_provisional
