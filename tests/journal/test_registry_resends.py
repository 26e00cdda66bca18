"""
Resends: the same event again, in a lane of its own, beside the order that is promised.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relay.journal.port import EndpointChange
from relay.journal.store import SqlJournal
from relay.model.errors import Conflict, NotFound
from relay.model.listing import DeliveryItem, DeliveryKey
from relay.model.times import to_ms
from tests.journal.making import NOW, SECOND, append_of, call_change, settled
from tests.journal.registry import LATER_MS, create, due, query, resend

LATER = NOW + 60 * SECOND


async def test_a_resend_is_a_delivery_of_the_same_event_due_at_once(journal: SqlJournal) -> None:
    crm = await create(journal)
    (event,) = (await journal.append(append_of(call_change("a", events=1)))).events
    await journal.settle([settled(one) for one in await due(journal, crm.endpoint.no)])

    told = await resend(journal, DeliveryKey("crm", event.id, 0), LATER)

    (again,) = await due(journal, crm.endpoint.no, resends=True)
    expected = DeliveryItem(
        key=DeliveryKey("crm", event.id, 1),
        seq=1,
        event_type="call.updated",
        subject="call/pbx/a",
        status="pending",
        attempts=0,
        http_status=None,
        reason=None,
        latency_ms=None,
        recorded_at=NOW,
        due_at=LATER,
        settled_at=None,
    )
    assert expected == told
    assert (1, 1, event.id, 0, event.body) == (
        again.seq,
        again.job,
        again.event_id,
        again.attempt,
        again.body,
    )
    assert () == (await journal.page_in(crm.endpoint.no, to_ms(LATER) - 1, 10, 0, resends=True)).due


async def test_every_resend_is_a_job_of_its_own(journal: SqlJournal, journal_path: Path) -> None:
    crm = await create(journal)
    (event,) = (await journal.append(append_of(call_change("a", events=1)))).events

    first = await resend(journal, DeliveryKey("crm", event.id, 0))
    second = await resend(journal, first.key)

    found = await due(journal, crm.endpoint.no, resends=True)
    assert [1, 2] == [delivery.job for delivery in found]
    assert 2 == len({delivery.subject_key for delivery in found})
    assert [
        (1, "resend", f"crm.{event.id}.0", to_ms(NOW)),
        (2, "resend", f"crm.{event.id}.1", to_ms(NOW)),
    ] == query(journal_path, "SELECT job_id, kind, about, made_ms FROM jobs")
    assert 2 == second.key.job


async def test_each_lane_pages_its_own_only(journal: SqlJournal) -> None:
    crm = await create(journal)
    events = (await journal.append(append_of(call_change("a"), call_change("b")))).events
    for event in events[:2]:
        await resend(journal, DeliveryKey("crm", event.id, 0))
    heads = await due(journal, crm.endpoint.no)
    again = await due(journal, crm.endpoint.no, resends=True)
    await journal.settle([settled(one, "pending", due_at_ms=10**13) for one in (heads[0], again[0])])

    pages = [
        await journal.page_in(crm.endpoint.no, to_ms(LATER), 10, 10, resends=resends)
        for resends in (False, True)
    ]

    assert [[(4, 0)], [(2, 2)]] == [[(one.seq, one.job) for one in page.due] for page in pages]
    assert [((heads[0].subject_key, 10**13),), ((again[0].subject_key, 10**13),)] == [
        page.waiting for page in pages
    ]


async def test_the_limit_counts_the_lanes_own(journal: SqlJournal) -> None:
    crm = await create(journal)
    events = (await journal.append(append_of(*(call_change(name, events=1) for name in "abc")))).events
    for event in events:
        await resend(journal, DeliveryKey("crm", event.id, 0))

    page = await journal.page_in(crm.endpoint.no, LATER_MS, 2, 0)
    of_resends = await journal.page_in(crm.endpoint.no, LATER_MS, 2, 0, resends=True)

    assert [1, 2] == [delivery.seq for delivery in page.due]
    assert [(1, 1), (2, 2)] == [(delivery.seq, delivery.job) for delivery in of_resends.due]


@pytest.mark.parametrize("status", ["pending", "delivered", "exhausted"])
async def test_a_resend_is_no_head_and_promotes_nothing(journal: SqlJournal, status: str) -> None:
    """
    What is appended behind one is due at once, and its outcome leaves the subject alone.
    """
    crm = await create(journal)
    (event,) = (await journal.append(append_of(call_change("a", events=1)))).events
    await journal.settle([settled(one) for one in await due(journal, crm.endpoint.no)])
    await resend(journal, DeliveryKey("crm", event.id, 0))

    await journal.append(append_of(call_change("a", events=2, first_revision=2)))
    (again,) = await due(journal, crm.endpoint.no, resends=True)
    await journal.settle([settled(again, status, due_at_ms=7 if status == "pending" else None)])

    assert [2] == [delivery.seq for delivery in await due(journal, crm.endpoint.no)]
    assert (status == "pending") == bool(await due(journal, crm.endpoint.no, resends=True))


async def test_a_settled_head_promotes_past_the_resend_of_the_next(journal: SqlJournal) -> None:
    crm = await create(journal)
    events = (await journal.append(append_of(call_change("a")))).events
    await resend(journal, DeliveryKey("crm", events[1].id, 0))

    await journal.settle([settled(one) for one in await due(journal, crm.endpoint.no)])

    assert [(2, 0)] == [(one.seq, one.job) for one in await due(journal, crm.endpoint.no)]
    assert [(2, 1)] == [(one.seq, one.job) for one in await due(journal, crm.endpoint.no, resends=True)]


@pytest.mark.parametrize(
    "change",
    [{"endpoint_id": "unknown"}, {"event_id": "unknown"}, {"job": 99}],
    ids=["endpoint", "event", "job"],
)
async def test_what_was_never_a_delivery_is_not_found(
    journal: SqlJournal, journal_path: Path, change: dict[str, Any]
) -> None:
    await create(journal)
    (event,) = (await journal.append(append_of(call_change("a", events=1)))).events
    key = DeliveryKey("crm", event.id, 0)._replace(**change)

    with pytest.raises(NotFound, match="there is no delivery"):
        await resend(journal, key)

    assert [(0,)] == query(journal_path, "SELECT count(*) FROM jobs")


async def test_to_a_disabled_or_deleted_endpoint_nothing_is_resent(
    journal: SqlJournal, journal_path: Path
) -> None:
    crm = await create(journal)
    (event,) = (await journal.append(append_of(call_change("a", events=1)))).events
    key = DeliveryKey("crm", event.id, 0)

    await journal.change_endpoint(EndpointChange(crm.endpoint.no, "disabled", "http_410", ()), NOW)
    with pytest.raises(Conflict, match="disabled"):
        await resend(journal, key)
    await journal.registry.delete_endpoint("crm", NOW)
    with pytest.raises(Conflict, match="deleted"):
        await resend(journal, key)

    assert [(0,)] == query(journal_path, "SELECT count(*) FROM jobs")
