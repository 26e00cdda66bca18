"""
Rows made before they have the database are those that the journal needs, whatever happened in between.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from relay.journal.matching import Matching
from relay.journal.port import Appended
from relay.journal.preparing import ExpectedSeq, prepare_events
from relay.journal.store import SqlJournal
from relay.model.endpoint import HEALTHY, Endpoint
from relay.model.errors import RevisionConflict
from relay.model.event import StoredEvent
from tests.journal.making import NOW, append_of, call_change, call_event, endpoint_spec


async def all_events(journal: SqlJournal) -> list[StoredEvent]:
    """
    Return every event of a journal.
    """
    return await journal.events_after(0, 1_000, 10_000_000)


async def test_appends_that_wait_behind_each_other_get_seqs_without_a_hole(journal: SqlJournal) -> None:
    appended = await asyncio.gather(*(journal.append(append_of(call_change(f"c{n}"))) for n in range(20)))

    given = [event.seq for one in appended for event in one.events]
    assert list(range(1, 61)) == given
    assert given == [event.seq for event in await all_events(journal)]


async def test_an_append_behind_one_that_conflicts_closes_the_hole(journal: SqlJournal) -> None:
    await journal.append(append_of(call_change("moved")))
    stale = replace(call_change("moved"), expected_revision=9)

    results = await asyncio.gather(
        journal.append(append_of(stale)),
        journal.append(append_of(call_change("a"))),
        journal.append(append_of(call_change("b"))),
        return_exceptions=True,
    )

    assert [RevisionConflict, Appended, Appended] == [type(result) for result in results]
    assert list(range(1, 10)) == [event.seq for event in await all_events(journal)]
    assert [4, 5, 6] == [event.seq for event in results[1].events]  # type: ignore[union-attr]


async def test_events_that_are_there_already_leave_no_hole(journal: SqlJournal) -> None:
    first = call_change("a")
    await journal.append(append_of(first))
    again = replace(first, expected_revision=3)

    results = await asyncio.gather(
        journal.append(append_of(again)), journal.append(append_of(call_change("b")))
    )

    assert [0, 3] == [len(result.events) for result in results]
    assert [1, 2, 3, 4, 5, 6] == [event.seq for event in await all_events(journal)]


async def test_an_endpoint_made_while_rows_wait_gets_its_deliveries(journal: SqlJournal) -> None:
    await journal.append(append_of(call_change("before")))

    waiting = asyncio.gather(
        journal.append(append_of(call_change("a"))),
        journal.sync_endpoints([endpoint_spec("crm")], NOW),
        journal.append(append_of(call_change("b"))),
    )
    first, _, last = await waiting

    assert [0, 3] == [len(first.deliveries), len(last.deliveries)]
    assert [7, 8, 9] == [delivery.seq for delivery in last.deliveries]


def test_only_the_first_of_a_subject_can_be_due() -> None:
    endpoints = Matching(
        [Endpoint(no, f"end{no}", "https://example.com", ("*",), (), HEALTHY) for no in (1, 2)]
    )
    events = [call_event("a", 1), call_event("b", 1), call_event("a", 2)]

    rows = prepare_events(events, 0, endpoints, NOW).delivery_rows

    due = {(endpoint_no, seq): due_ms is not None for endpoint_no, seq, _, due_ms in rows}
    assert {(no, seq): seq < 3 for no in (1, 2) for seq in (1, 2, 3)} == due


async def test_heads_of_one_append_are_told_apart(journal: SqlJournal) -> None:
    (endpoint,) = await journal.sync_endpoints([endpoint_spec("crm")], NOW)

    await journal.append(append_of(call_change("a"), call_change("b")))

    page = await journal.page_in(endpoint.no, 2**60, 100, 100)
    assert [1, 4] == [delivery.seq for delivery in page.due]


@pytest.mark.parametrize("fails", [False, True])
def test_the_next_seq_follows_what_became_of_the_appends_before(fails: bool) -> None:
    expected = ExpectedSeq(10)
    stored = StoredEvent(13, "evt", "call.started", "pbx", "call/pbx/a", 1, NOW, NOW, b"{}")

    assert [10, 13] == [expected.begin(3), expected.begin(2)]
    expected.end(3, None if fails else Appended((stored,), ()))

    assert (12 if fails else 15) == expected.begin(1)
