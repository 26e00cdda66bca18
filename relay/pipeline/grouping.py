"""
Cut the fresh rows of a page into steps that are short, and into transactions that are large.

A step holds the event loop, so it takes few rows; a transaction costs the same for one row or a hundred.
What may be of one call goes in together, or one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Final

from relay.journal.port import NearKeys
from relay.model.call import LegFacts
from relay.model.change import CallChange

FRESH_AT_ONCE: Final = 40
LARGEST_GROUP: Final = 60
ROWS_IN_A_TRANSACTION: Final = 160
LINK_REACH: Final = timedelta(hours=4)
REACH_AFTER: Final = timedelta(seconds=10)


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


def batches_of(groups: Iterable[list[LegFacts]]) -> Iterator[list[list[LegFacts]]]:
    """
    Put groups together that may go into one transaction: some ROWS_IN_A_TRANSACTION, of which none can be
    of one call with one of another group.
    """
    batch: list[list[LegFacts]] = []
    keys: set[str] = set()
    for group in groups:
        mine = linking_keys(group)
        rows = sum(map(len, batch)) + len(group)
        if batch and (rows > ROWS_IN_A_TRANSACTION or not keys.isdisjoint(mine)):
            yield batch
            batch, keys = [], set()
        batch.append(group)
        keys |= mine
    if batch:
        yield batch


def linking_keys(rows: Iterable[LegFacts]) -> set[str]:
    """
    Return what rows must share with others to be of one call.
    """
    shared = ((row.base_key, row.native_id, row.link_key) for row in rows)
    return {key for keys in shared for key in keys if key is not None}


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


def events_of(change: CallChange) -> int:
    """
    Return how many events a change appends, with those that go into the same transaction.
    """
    return len(change.events) + sum(map(events_of, change.also))


def chunks_of(changes: Iterable[CallChange], limit: Callable[[], int]) -> Iterator[tuple[CallChange, ...]]:
    """
    Cut changes into whole calls of at most as many events as `limit` then allows; one call may exceed it.
    """
    chunk: list[CallChange] = []
    events, most = 0, limit()
    for change in changes:
        its_events = events_of(change)
        if chunk and events + its_events > most:
            yield tuple(chunk)
            chunk, events, most = [], 0, limit()
        chunk.append(change)
        events += its_events
    if chunk:
        yield tuple(chunk)
