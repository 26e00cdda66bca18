"""
Read rows again that could not be read before: a person asked for it, after an update of relay.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Final

from relay.journal.port import Append, StreamState
from relay.model.call import USER_CALLS, LegFacts
from relay.model.errors import RecordRejected, RevisionConflict
from relay.model.source_work import InboxItem, StoredReject
from relay.normalise.id_scheme import native_since
from relay.normalise.replaying import sort_out
from relay.pipeline.grouping import near_keys
from relay.pipeline.page_rows import RowReader
from relay.pipeline.poll_context import PollContext

REJECTS_AT_ONCE: Final = 1_000
ROWS_AT_ONCE: Final = 100
SOON: Final = timedelta(minutes=15)  # till then the deep read that is asked for has been made

log = logging.getLogger(__name__)


class Replays:
    """
    Reads the rejects of one source again.

    A whole page tells twins, states of one row and the passes of a repeated hour apart; a stored row does
    not.  So what may be more than one thing is left to the next deep read, as long as polls show it, and
    stays among the rejects after that until a page shows it, such as a reconciliation's.  What is sure is
    taken at once.  What can still not be read stays.

    Args:
        context: the source.
        reader: reads rows.
    """

    def __init__(self, context: PollContext, reader: RowReader) -> None:
        self._context = context
        self._reader = reader

    async def take(self, item: InboxItem) -> None:
        """
        Do what an item of the inbox asks for, and take it away.
        """
        wanted, context = item.body.get("stream"), self._context
        for stream in context.source.call_streams:
            if wanted in (None, stream):
                await self._replay(stream)
        change = Append(item.source_id, USER_CALLS, context.clock.now(), taken_items=(item.item_id,))
        await context.journal.append(change)

    async def _replay(self, stream: str) -> None:
        context, after = self._context, b""
        states = await context.ledger.stream_states()
        since = native_since(states.get(stream, StreamState()).id_scheme)
        polled_from = context.now - context.ledger.lookback(context.streams[stream]) + SOON
        while True:
            rejects = await context.journal.stored_rejects(context.source_id, stream, after, REJECTS_AT_ONCE)
            readable: list[bytes] = []
            bags: defaultdict[str, list[LegFacts]] = defaultdict(list)
            for place, reject in enumerate(rejects, 1):
                passes = self._read(reject, since)
                if passes:
                    readable.append(reject.digest)
                    context.streams[stream].must_be_deep |= passes[0].started_at >= polled_from
                if len(passes) == 1:
                    bags[passes[0].base_key].append(passes[0])
                if not place % ROWS_AT_ONCE:
                    await asyncio.sleep(0)
            context.ingest.forget_rejects(stream, readable)
            for base_key, rows in bags.items():
                is_polled = rows[0].started_at >= polled_from
                await self._take_bag(stream, base_key, rows, is_polled=is_polled)
            if len(rejects) < REJECTS_AT_ONCE:
                return
            after = rejects[-1].digest

    def _read(self, reject: StoredReject, since: datetime | None) -> list[LegFacts]:
        """
        Return a row as it reads by now: twice where it may be of either pass of a repeated hour.
        """
        stream, row, digest = reject.stream, reject.row, reject.digest
        try:
            first = self._reader.read(stream, row, digest, since, 0, self._context.now)
            other = self._reader.other_pass(stream, row, digest, since, 0)
        except RecordRejected:
            return []  # it stays where it is, and why it is there is still true
        except Exception:  # as when it was first met: it stays
            log.exception("a row can still not be read", extra={"stream": stream})
            return []
        return [first] if other is None else [first, other]

    async def _take_bag(self, stream: str, base_key: str, rows: list[LegFacts], *, is_polled: bool) -> None:
        context = self._context
        while True:
            near = await context.journal.neighbourhood(context.source_id, near_keys(rows))
            known = [leg for leg in near.legs if leg.facts.base_key == base_key]
            taken, nothing_new = sort_out(rows, known)
            if is_polled:  # the deep read decides what else they are
                taken, nothing_new = ([] if known else taken), rows
            replayed = tuple({row.digest for row in (*taken, *nothing_new)})
            if not replayed:
                return
            shown = Counter(leg.facts.digest for leg in known if leg.is_closed)
            shown.update(row.digest for row in taken)
            now, skew = context.clock.now(), context.ledger.skew
            changes = context.assembler.assemble(taken, shown, near, now, skew) if taken else []
            try:
                await context.ingest.append_calls(context.source_id, stream, changes, replayed=replayed)
                return
            except RevisionConflict:
                context.metrics.journal_errors.labels("append", "conflict").inc()
