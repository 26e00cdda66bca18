"""
A list that shows only its newest rows, completed by the rows of each user, queue or ring group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from heapq import merge
from typing import Final

from relay.sources.voipcloud.rows import CallList, Row

_SEPARATOR: Final = ","  # of names in a request, so no name that has one can be asked for
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


def can_be_asked_for(names: Sequence[str]) -> bool:
    """
    Tell whether the rows of each of these names can be asked for alone.
    """
    return bool(names) and all(name and name == name.strip() and _SEPARATOR not in name for name in names)


def complete(
    calls: CallList, newest: Sequence[Row], proven_from: datetime, by_name: Mapping[str, Sequence[Row]]
) -> tuple[list[Row], bool]:
    """
    Return the newest rows and below them the older ones of every name; and whether the names are all there.

    They are where each of the newest rows, read whatever its name, is among those of the names: then no
    row without a name, or with one that nobody told us, is in the list, as far as it can be compared.

    Args:
        calls: the list.
        newest: its newest rows, newest first.
        proven_from: from when on no row is missing in them.
        by_name: the rows that a request for each name showed.
    """
    identity = calls.identity
    missing = Counter(identity(row) for row in newest if calls.start_text(row) is not None)
    older = []
    for name, rows in by_name.items():
        kept = []
        for row in rows:
            if row.get(calls.names_column) != name:
                continue  # a filter that lets others pass would show them twice
            key = identity(row)
            if missing[key] > 0:
                missing[key] -= 1
            elif _may_be_before(calls, row, proven_from):
                kept.append(row)
        older.append(kept)
    rows = list(newest)
    rows += [row for _, row in merge(*(_dated(calls, kept) for kept in older), key=_by_start, reverse=True)]
    return rows, not any(missing.values())


def _may_be_before(calls: CallList, row: Row, proven_from: datetime) -> bool:
    """
    Tell whether a row may be older than the newest ones; what is not has appeared since they were read.
    """
    start = calls.earliest_start(row)
    return start is None or start < proven_from


def _dated(calls: CallList, rows: Iterable[Row]) -> Iterable[tuple[datetime, Row]]:
    """
    Return rows with the latest start that each can have below the one above it.
    """
    bound: datetime | None = None
    for row in rows:
        starts = [
            start for start in (calls.latest_start(row), calls.earliest_start(row)) if start is not None
        ]
        possible = [start for start in starts if bound is None or start <= bound]
        bound = next(iter(possible), bound)
        yield bound or _BEFORE_ALL, row


def _by_start(dated: tuple[datetime, Row]) -> datetime:
    return dated[0]
