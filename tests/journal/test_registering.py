"""
The endpoints of the configuration file: what a changed file does to what the journal knew of them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from relay.journal.port import EndpointChange
from relay.journal.store import SqlJournal
from relay.model.times import to_ms
from tests.journal.making import NOW, SECOND, append_of, call_change, endpoint_spec, settled

NEW_URL = "https://new.example.com/"
LATER = NOW + 600 * SECOND
HOUR_MS = to_ms(NOW + 3_600 * SECOND)
SOON_MS = to_ms(NOW + 5 * SECOND)


@pytest.mark.parametrize(
    ("url", "not_before_ms", "due_ms"),
    [
        (NEW_URL, None, [SOON_MS, to_ms(LATER), None]),
        ("https://crm.example.com/", HOUR_MS, [SOON_MS, HOUR_MS, None]),
    ],
    ids=["moved", "stayed"],
)
async def test_a_new_address_ends_the_wait_that_the_old_receiver_asked_for(
    journal: SqlJournal, journal_path: Path, url: str, not_before_ms: int | None, due_ms: list[int | None]
) -> None:
    """
    What was due already keeps its place, what waits behind another of its subject goes on waiting, and
    another endpoint's deliveries are left alone.
    """
    crm, ops = await journal.sync_endpoints([endpoint_spec(), endpoint_spec("ops")], NOW)
    appended = await journal.append(append_of(call_change("a", events=1), call_change("b", events=2)))
    for delivery in appended.deliveries:
        if delivery.attempt == 0 and delivery.seq != 3:
            due = HOUR_MS if delivery.seq == 2 or delivery.endpoint_no == ops.no else SOON_MS
            await journal.settle([settled(delivery, "pending", due_at_ms=due, attempts=0)])
    await journal.hold_endpoint(crm.no, HOUR_MS)
    await journal.hold_endpoint(ops.no, HOUR_MS)

    stored, other = await journal.sync_endpoints([endpoint_spec(url=url), endpoint_spec("ops")], LATER)

    dues = "SELECT due_ms FROM deliveries WHERE endpoint_no = {} ORDER BY seq"
    assert (not_before_ms, HOUR_MS) == (stored.not_before_ms, other.not_before_ms)
    assert [(due,) for due in due_ms] == query(journal_path, dues.format(crm.no))
    assert [(HOUR_MS,), (HOUR_MS,), (None,)] == query(journal_path, dues.format(ops.no))


@pytest.mark.parametrize("starts_without", [1, 2])
async def test_an_endpoint_that_was_gone_comes_back_when_it_returns_to_the_file(
    journal: SqlJournal, starts_without: int
) -> None:
    await journal.sync_endpoints([endpoint_spec("crm"), endpoint_spec("ops")], NOW)
    crm = (await journal.sync_endpoints([endpoint_spec("crm"), endpoint_spec("ops")], NOW))[0]
    await journal.change_endpoint(EndpointChange(crm.no, "disabled", "http_410", ()), NOW)

    for _ in range(starts_without):
        without = await journal.sync_endpoints([endpoint_spec("ops")], NOW)
    back = await journal.sync_endpoints([endpoint_spec("crm"), endpoint_spec("ops")], NOW)
    appended = await journal.append(append_of(call_change("a", events=1)))

    assert ("disabled", "removed from the configuration file") == (without[0].state, without[0].state_reason)
    assert ("healthy", None) == (back[0].state, back[0].state_reason)
    assert 2 == len(appended.deliveries)


async def test_why_an_endpoint_is_disabled_comes_with_it(journal: SqlJournal) -> None:
    (crm,) = await journal.sync_endpoints([endpoint_spec()], NOW)
    await journal.change_endpoint(EndpointChange(crm.no, "disabled", "http_410", ()), NOW)

    (stored,) = await journal.sync_endpoints([endpoint_spec()], NOW)

    assert (None, "http_410") == (crm.state_reason, stored.state_reason)


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    """
    Look into the file directly.
    """
    with sqlite3.connect(path) as direct:
        return direct.execute(statement).fetchall()
