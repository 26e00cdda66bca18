"""
Deleted endpoints: nothing more is made for them, and what waited is discarded in small steps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select

from relay.journal.deleting import discarding, waiting_in_order, waiting_resends
from relay.journal.port import EndpointChange
from relay.journal.store import SqlJournal
from relay.model.listing import DeliveryKey
from relay.model.times import to_ms
from tests.journal.making import NOW, SECOND, append_of, call_change, endpoint_spec, settled
from tests.journal.registry import create, due, query, registered, resend, searches

LATER = NOW + 60 * SECOND


async def test_a_deleted_endpoint_gets_no_new_deliveries_and_is_not_listed(
    journal: SqlJournal, journal_path: Path
) -> None:
    await create(journal)
    ops = await create(journal, endpoint_spec("ops"))

    await journal.registry.delete_endpoint("crm", LATER)
    appended = await journal.append(append_of(call_change("a", events=1)))

    assert [ops.endpoint.no] == [delivery.endpoint_no for delivery in appended.deliveries]
    assert ["ops"] == [one.endpoint.id for one in await journal.registry.registered(NOW)]
    assert ["ops"] == [one.id for one in await journal.sync_endpoints([], NOW)]
    assert {"healthy": 1} == (await journal.stats()).endpoints
    assert [(ops.endpoint.no,)] == query(journal_path, "SELECT endpoint_no FROM endpoint_secrets")
    assert [("crm", "disabled", to_ms(LATER))] == query(
        journal_path, "SELECT id, state, deleted_ms FROM endpoints WHERE deleted_ms IS NOT NULL"
    )


async def test_no_late_report_brings_a_deleted_endpoint_back(journal: SqlJournal) -> None:
    crm = await create(journal)
    await journal.registry.delete_endpoint("crm", NOW)

    await journal.change_endpoint(EndpointChange(crm.endpoint.no, "healthy", None, ()), NOW)
    appended = await journal.append(append_of(call_change("a", events=1)))

    assert () == appended.deliveries
    assert [] == await journal.registry.registered(NOW)


async def test_what_waited_is_discarded_in_steps_and_nothing_else(
    journal: SqlJournal, journal_path: Path
) -> None:
    """
    Three subjects of three events; one is delivered, one resent, one waits for a retry.
    """
    crm = await create(journal)
    ops = await create(journal, endpoint_spec("ops"))
    appended = await journal.append(append_of(*(call_change(name) for name in "abc")))
    first, _, third = await due(journal, crm.endpoint.no)
    await journal.settle([settled(first), settled(third, "pending", due_at_ms=10**13)])
    await resend(journal, DeliveryKey("crm", appended.events[0].id, 0))
    await journal.registry.delete_endpoint("crm", NOW)

    steps = [await journal.discard_of_deleted(4, LATER) for _ in range(4)]

    outcomes = "SELECT status, reason, settled_ms, count(*) FROM deliveries WHERE endpoint_no = {}"
    assert [4, 4, 1, 0] == steps
    assert [("delivered", "ok", 1_005, 1), ("discarded", "endpoint_deleted", to_ms(LATER), 9)] == query(
        journal_path, outcomes.format(crm.endpoint.no) + " GROUP BY status ORDER BY status"
    )
    assert [] == await due(journal, crm.endpoint.no) + await due(journal, crm.endpoint.no, resends=True)
    assert [1, 4, 7] == [delivery.seq for delivery in await due(journal, ops.endpoint.no)]


async def test_what_was_under_way_and_arrived_after_the_discarding_is_delivered(
    journal: SqlJournal, journal_path: Path
) -> None:
    crm = await create(journal)
    await journal.append(append_of(call_change("a", events=2)))
    (head,) = await due(journal, crm.endpoint.no)
    await journal.registry.delete_endpoint("crm", NOW)
    await journal.discard_of_deleted(10, NOW)

    await journal.settle([settled(head)])
    await journal.settle([settled(head, "pending", due_at_ms=5)])

    assert [("delivered", None), ("discarded", None)] == query(
        journal_path, "SELECT status, due_ms FROM deliveries ORDER BY seq"
    )


async def test_only_deleted_endpoints_lose_what_waits(journal: SqlJournal) -> None:
    crm = await create(journal)
    await journal.append(append_of(call_change("a", events=1)))
    await journal.change_endpoint(EndpointChange(crm.endpoint.no, "disabled", "http_410", ()), NOW)

    assert 0 == await journal.discard_of_deleted(10, NOW)
    assert 1 == len(await due(journal, crm.endpoint.no))


async def test_a_deleted_endpoint_that_the_file_names_begins_anew(
    journal: SqlJournal, journal_path: Path
) -> None:
    """
    Also where discarding had only begun: nothing of before is delivered, and nothing waits behind it.
    """
    crm = await create(journal)
    appended = await journal.append(append_of(call_change("a"), call_change("b")))
    await resend(journal, DeliveryKey("crm", appended.events[0].id, 0))
    await journal.registry.delete_endpoint("crm", NOW)
    await journal.discard_of_deleted(2, NOW)

    (back,) = await journal.sync_endpoints([endpoint_spec()], LATER)
    await journal.append(append_of(call_change("a", events=1, first_revision=4)))
    await journal.discard_of_deleted(100, LATER)

    again = await registered(journal, "crm")
    assert (crm.endpoint.no, "healthy", None) == (back.no, back.state, back.state_reason)
    assert (6, LATER, True) == (again.start_seq, again.created_at, again.is_from_file)
    assert [7] == [delivery.seq for delivery in await due(journal, back.no)]
    assert [("discarded", 7), ("pending", 1)] == query(
        journal_path, "SELECT status, count(*) FROM deliveries GROUP BY status ORDER BY status"
    )


async def test_an_endpoint_that_is_deleted_twice_is_emptied_twice(journal: SqlJournal) -> None:
    await create(journal)
    emptied = []
    for number in range(2):
        await journal.append(append_of(call_change(f"c{number}", events=1)))
        await journal.registry.delete_endpoint("crm", NOW)
        emptied += [await journal.discard_of_deleted(10, NOW) for _ in range(2)]
        await journal.sync_endpoints([endpoint_spec()], NOW)
        await journal.append(append_of(call_change(f"d{number}", events=1)))
        await journal.sync_endpoints([], NOW)

    assert [1, 0, 1, 0] == emptied


@pytest.mark.parametrize(
    ("keys", "index"), [(waiting_in_order, "deliveries_pending"), (waiting_resends, "deliveries_due")]
)
async def test_what_waits_is_found_by_index(
    journal: SqlJournal, journal_path: Path, keys: Callable[[int, int], Select[Any]], index: str
) -> None:
    assert [
        "SEARCH deliveries USING PRIMARY KEY",
        f"SEARCH deliveries USING COVERING INDEX {index}",
    ] == searches(journal_path, discarding(keys(1, 1_000), NOW))
