"""
One call, from the polls that showed it to every attempt to tell of it.
"""

from __future__ import annotations

from dataclasses import replace

from relay.journal import operating as operating_module
from relay.journal.explain_lists import MAX_ATTEMPTS
from relay.journal.store import SqlJournal
from relay.model.coverage import HEAD
from relay.model.listing import DeliveryKey
from tests.journal.making import NOW, append_of, call_change, endpoint_spec, read_of, settled
from tests.journal.registry import create, due, resend


async def test_a_call_is_explained_from_the_reads_to_the_attempts(journal: SqlJournal) -> None:
    await journal.register_source("pbx", "voipcloud", NOW, NOW)
    crm = await create(journal)
    ops = await create(journal, endpoint_spec("ops"))
    reads = [read_of(-60, -1, tier=HEAD), read_of(-60, 0), read_of(60, 90), read_of(-60, 120)]
    await journal.append(replace(append_of(call_change("a", events=2)), read=reads[0]))
    for read in reads[1:]:
        await journal.append(replace(append_of(), read=read))
    (head,) = await due(journal, crm.endpoint.no)
    await journal.settle([settled(head, "pending", due_at_ms=7, attempts=1)])
    await journal.settle([settled(head._replace(attempt=1), attempts=2)._replace(made_at_ms=2_000)])
    (of_ops,) = await due(journal, ops.endpoint.no)
    await journal.settle([settled(of_ops)])
    await resend(journal, DeliveryKey("ops", of_ops.event_id, 0))

    found = await journal.operating.explain("a")

    assert found is not None
    (row,) = found.rows
    assert ("leg-a-0", {"call": "a", "ordinal": 0}) == (row.leg.leg_id, row.leg.facts.row)
    assert [reads[1], reads[3]] == list(row.reads)
    assert [1, 2] == [one.event.revision for one in found.events]
    told = [
        (str(one.item.key.endpoint_id), one.item.key.job, one.item.status, len(one.attempts))
        for one in found.events[0].deliveries
    ]
    assert [("crm", 0, "delivered", 2), ("ops", 0, "delivered", 1), ("ops", 1, "pending", 0)] == told
    assert ["http_5xx", "ok"] == [one.reason for one in found.events[0].deliveries[0].attempts]
    assert () == found.cut


async def test_what_is_too_long_is_cut_and_said(journal: SqlJournal) -> None:
    crm = await create(journal)
    many = operating_module.MAX_EVENTS + 1
    await journal.append(append_of(call_change("a", events=many)))
    (head,) = await due(journal, crm.endpoint.no)
    tries = [
        settled(head, "pending", due_at_ms=7, attempts=n)._replace(made_at_ms=n)
        for n in range(1, MAX_ATTEMPTS + 2)
    ]
    for one in tries:
        await journal.settle([one])

    found = await journal.operating.explain("a")

    assert found is not None
    assert (many - 1, ("events", "attempts")) == (len(found.events), found.cut)
    attempts = found.events[0].deliveries[0].attempts
    assert list(range(2, MAX_ATTEMPTS + 2)) == [one.attempt for one in attempts]


async def test_an_unknown_call_is_not_explained(journal: SqlJournal) -> None:
    assert None is await journal.operating.explain("x")
