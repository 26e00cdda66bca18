"""
Deliveries in the journal: only heads are due, settling promotes the next, nothing is settled twice.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from relay.journal.port import EndpointChange
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.endpoint import Delivery, EndpointSpec
from relay.normalise.endpoint_events import EndpointEvents
from tests.journal.making import IDS, NOW, append_of, call_change, endpoint_spec, settled

LATER_MS = 10**14


@pytest.fixture
async def endpoint_no(journal: SqlJournal) -> int:
    """
    Register one endpoint that wants everything.
    """
    (stored,) = await journal.sync_endpoints([endpoint_spec()], NOW)
    return stored.no


async def due(journal: SqlJournal, endpoint_no: int, at_ms: int = LATER_MS) -> list[Delivery]:
    """
    Return what is due by then.
    """
    return list((await journal.page_in(endpoint_no, at_ms, 100, 0)).due)


async def test_only_the_first_of_each_subject_is_due(journal: SqlJournal, endpoint_no: int) -> None:
    await journal.append(append_of(call_change("a"), call_change("b")))

    assert [1, 4] == [delivery.seq for delivery in await due(journal, endpoint_no)]


@pytest.mark.parametrize("status", ["delivered", "exhausted", "expired", "discarded"])
async def test_a_final_state_makes_the_next_of_the_subject_due(
    journal: SqlJournal, endpoint_no: int, status: str
) -> None:
    await journal.append(append_of(call_change("a"), call_change("b")))
    head = (await due(journal, endpoint_no))[0]

    await journal.settle([settled(head, status)])

    assert [2, 4] == sorted(delivery.seq for delivery in await due(journal, endpoint_no))


async def test_a_whole_subject_settled_in_one_batch_leaves_nothing_due(
    journal: SqlJournal, endpoint_no: int
) -> None:
    """
    A lane sends the next revision before the outcome is committed, so one batch may hold all of them.
    """
    appended = await journal.append(append_of(call_change("a")))

    await journal.settle([settled(delivery) for delivery in appended.deliveries])

    assert [] == await due(journal, endpoint_no)


async def test_a_postponed_head_keeps_its_subject_waiting(journal: SqlJournal, endpoint_no: int) -> None:
    await journal.append(append_of(call_change("a")))
    (head,) = await due(journal, endpoint_no)

    await journal.settle([settled(head, "pending", due_at_ms=5_000)])

    assert [] == await due(journal, endpoint_no, at_ms=4_999)
    assert [(1, 1)] == [(d.seq, d.attempt) for d in await due(journal, endpoint_no, at_ms=5_000)]
    assert ((head.subject_key, 5_000),) == (await journal.page_in(endpoint_no, 4_999, 10, 10)).waiting


async def test_what_is_appended_behind_a_waiting_head_is_not_due(
    journal: SqlJournal, endpoint_no: int
) -> None:
    await journal.append(append_of(call_change("a", events=1)))
    (head,) = await due(journal, endpoint_no)
    await journal.settle([settled(head, "pending", due_at_ms=5_000)])

    await journal.append(append_of(call_change("a", events=1, first_revision=2)))

    assert [1] == [delivery.seq for delivery in await due(journal, endpoint_no)]


async def test_what_is_appended_behind_nothing_is_due(journal: SqlJournal, endpoint_no: int) -> None:
    first = await journal.append(append_of(call_change("a", events=1)))
    await journal.settle([settled(delivery) for delivery in first.deliveries])

    await journal.append(append_of(call_change("a", events=1, first_revision=2)))

    assert [2] == [delivery.seq for delivery in await due(journal, endpoint_no)]


async def test_a_settled_delivery_keeps_its_first_outcome(
    journal: SqlJournal, endpoint_no: int, journal_path: Path
) -> None:
    await journal.append(append_of(call_change("a", events=1)))
    (head,) = await due(journal, endpoint_no)

    await journal.settle([settled(head)])
    await journal.settle([settled(head, "pending", due_at_ms=5_000)])

    assert [] == await due(journal, endpoint_no)
    assert [("delivered",)] == query(journal_path, "SELECT status FROM deliveries")


@pytest.mark.parametrize("given_up", ["expired", "discarded"])
async def test_what_was_given_up_and_arrived_all_the_same_is_delivered(
    journal: SqlJournal, endpoint_no: int, journal_path: Path, given_up: str
) -> None:
    """
    It was under way as it expired, or as its replay was cancelled.
    """
    await journal.append(append_of(call_change("a", events=1), call_change("b", events=1)))
    heads = await due(journal, endpoint_no)

    await journal.settle([settled(head, given_up) for head in heads])
    await journal.settle([settled(heads[0]), settled(heads[1], "pending", due_at_ms=5_000)])

    assert [("delivered",), (given_up,)] == query(journal_path, "SELECT status FROM deliveries ORDER BY seq")


async def test_an_attempt_is_kept_for_failures_and_for_what_followed_one(
    journal: SqlJournal, endpoint_no: int, journal_path: Path
) -> None:
    await journal.append(append_of(call_change("plain", events=1), call_change("hard", events=1)))
    plain, hard = await due(journal, endpoint_no)

    await journal.settle([settled(plain), settled(hard, "pending", due_at_ms=1)])
    (again,) = await due(journal, endpoint_no)
    await journal.settle([settled(again, attempts=2)._replace(made_at_ms=9_000)])

    rows = query(journal_path, "SELECT seq, attempt, reason, answer FROM attempts ORDER BY attempt")
    assert [(hard.seq, 1, "http_5xx", b"answer"), (hard.seq, 2, "ok", b"answer")] == rows


async def test_unsettled_deliveries_survive_a_reopening(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        (crm,) = await journal.sync_endpoints([endpoint_spec()], NOW)
        await journal.append(append_of(call_change("a")))
        (head,) = await due(journal, crm.no)
        await journal.settle([settled(head)])

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        assert [2] == [delivery.seq for delivery in await due(journal, crm.no)]


async def test_a_disabled_endpoint_gets_no_new_rows_and_keeps_the_old(
    journal: SqlJournal, endpoint_no: int
) -> None:
    await journal.append(append_of(call_change("before", events=1)))

    await journal.change_endpoint(EndpointChange(endpoint_no, "disabled", "gone", ()), NOW)
    appended = await journal.append(append_of(call_change("after", events=1)))

    assert () == appended.deliveries
    assert [1] == [delivery.seq for delivery in await due(journal, endpoint_no)]


async def test_an_endpoint_is_not_told_about_itself_but_others_are(journal: SqlJournal) -> None:
    crm, ops = await journal.sync_endpoints([endpoint_spec("crm"), endpoint_spec("ops")], NOW)
    head = await journal.endpoint_head(crm.no)
    events = EndpointEvents(IDS, head.endpoint, head.revision, head.last_event_id, NOW)
    events.disabled("http_410", 410)

    appended = await journal.change_endpoint(
        EndpointChange(crm.no, "disabled", "gone", tuple(events.made)), NOW
    )

    assert [ops.no] == [delivery.endpoint_no for delivery in appended.deliveries]
    assert 1 == (await journal.endpoint_head(crm.no)).revision


@pytest.mark.parametrize(
    ("again", "state"),
    [
        ([endpoint_spec()], "disabled"),
        ([endpoint_spec(url="https://new.example.com/")], "healthy"),
    ],
)
async def test_a_gone_endpoint_comes_back_with_a_new_address(
    journal: SqlJournal, endpoint_no: int, again: list[EndpointSpec], state: str
) -> None:
    await journal.change_endpoint(EndpointChange(endpoint_no, "disabled", "http_410", ()), NOW)

    (stored,) = await journal.sync_endpoints(again, NOW)

    assert state == stored.state


async def test_an_endpoint_that_left_the_file_is_disabled_until_it_is_back(journal: SqlJournal) -> None:
    await journal.sync_endpoints([endpoint_spec("crm"), endpoint_spec("ops")], NOW)

    without = await journal.sync_endpoints([endpoint_spec("ops")], NOW)
    back = await journal.sync_endpoints([endpoint_spec("crm"), endpoint_spec("ops")], NOW)

    assert {"crm": "disabled", "ops": "healthy"} == {end.id: end.state for end in without}
    assert {"crm": "healthy", "ops": "healthy"} == {end.id: end.state for end in back}


async def test_the_time_an_endpoint_asked_for_is_kept(journal: SqlJournal, endpoint_no: int) -> None:
    await journal.hold_endpoint(endpoint_no, 77_000)

    (stored,) = await journal.sync_endpoints([endpoint_spec()], NOW)

    assert 77_000 == stored.not_before_ms


async def test_the_gauges_count_what_is_pending(journal: SqlJournal, endpoint_no: int) -> None:
    await journal.append(append_of(call_change("a")))
    (head,) = await due(journal, endpoint_no)
    await journal.settle([settled(head)])

    stats = await journal.stats()

    assert (3, 3, 2, NOW) == (stats.last_seq, stats.events, stats.pending, stats.oldest_pending_at)
    assert {"healthy": 1} == stats.endpoints


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    """
    Look into the file directly.
    """
    with sqlite3.connect(path) as direct:
        return direct.execute(statement).fetchall()
