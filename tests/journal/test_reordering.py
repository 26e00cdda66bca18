"""
What waits for an endpoint is brought into another order: the same rows are due as if it had been so from the
beginning.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from relay.journal.reordering import reorder
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.delivery_options import ORDERS
from tests.journal.making import NOW, append_of, call_change, endpoint_spec, settled
from tests.journal.registry import create, due, query

NOW_MS = 10**13
KEYS = "SELECT seq, subject_key FROM deliveries WHERE status = 'pending' AND job = 0 ORDER BY seq"
DUE = "SELECT seq FROM deliveries WHERE due_ms IS NOT NULL AND job = 0 ORDER BY seq"


async def waiting(path: Path, orders: tuple[str, ...], at_once: int) -> tuple[list[object], list[object]]:
    """
    Have calls wait for an endpoint as its order changes, some of them settled before; return the keys of what
    waits, and what is due.
    """
    async with open_sqlite(path, "tests", NOW) as journal:
        spec = replace(endpoint_spec(), options=replace(endpoint_spec().options, order=orders[0]))
        no = (await create(journal, spec)).endpoint.no
        for first in (1, 3):
            await journal.append(
                append_of(*(call_change(name, events=2, first_revision=first) for name in "abc"))
            )
        (head, *_) = await due(journal, no)
        await journal.settle([settled(head)])
        for order in orders[1:]:
            changed = replace(spec, options=replace(spec.options, order=order))
            await journal.registry.change_registered(changed, NOW)
            await reordered(journal, no, at_once)
        return list(query(path, KEYS)), list(query(path, DUE))


async def reordered(journal: SqlJournal, endpoint_no: int, at_once: int, most: int = 100) -> int:
    """
    Go on until all that waits has the order, or so many steps; return how many they were.
    """
    place: int | None = None
    for step in range(1, most + 1):
        place = await journal._database.write(
            lambda conn, place=place: reorder(conn, endpoint_no, place, NOW_MS, at_once)  # type: ignore[misc]
        )
        if place is None:
            return step
    return most


@pytest.mark.parametrize(("before", "after"), [*permutations(ORDERS, 2)])
@pytest.mark.parametrize("at_once", [2, 500])
async def test_keys_and_heads_are_those_of_the_new_order(
    tmp_path: Path, before: str, after: str, at_once: int
) -> None:
    expected = await waiting(tmp_path / "so.db", (after,), at_once)
    changed = await waiting(tmp_path / "changed.db", (before, after), at_once)

    assert 11 == len(expected[0])
    assert expected == changed


async def test_what_was_left_in_the_middle_is_done_from_the_beginning(
    journal: SqlJournal, journal_path: Path
) -> None:
    """
    relay was killed as it went on, and the order was changed back before it started again.
    """
    spec = endpoint_spec()
    no = (await create(journal, spec)).endpoint.no
    await journal.append(append_of(*(call_change(name) for name in "ab")))
    expected = query(journal_path, KEYS), query(journal_path, DUE)

    other = replace(spec, options=replace(spec.options, order="endpoint"))
    await journal.registry.change_registered(other, NOW)
    await reordered(journal, no, 2, most=2)
    half = query(journal_path, KEYS)
    await journal.registry.change_registered(spec, NOW)
    await reordered(journal, no, 2)

    assert half != expected[0]
    assert expected == (query(journal_path, KEYS), query(journal_path, DUE))
    assert 1 == await reordered(journal, no, 2)


async def test_a_head_that_waits_for_its_retry_goes_on_waiting(
    journal: SqlJournal, journal_path: Path
) -> None:
    spec = replace(endpoint_spec(), options=replace(endpoint_spec().options, order="endpoint"))
    no = (await create(journal, spec)).endpoint.no
    await journal.append(append_of(*(call_change(name, events=1) for name in "ab")))
    (head,) = await due(journal, no)
    await journal.settle([settled(head, "pending", due_at_ms=NOW_MS + 5_000)])

    changed = replace(spec, options=replace(spec.options, order="subject"))
    await journal.registry.change_registered(changed, NOW)
    await reordered(journal, no, 2)

    assert [(1, NOW_MS + 5_000), (2, NOW_MS)] == query(
        journal_path, "SELECT seq, due_ms FROM deliveries ORDER BY seq"
    )
