"""
Housekeeping: what is over is cleared away, in steps, until told to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from relay.journal.api_port import Once
from relay.journal.port import Append
from relay.journal.store import SqlJournal, open_sqlite
from relay.pipeline.housekeeping import Housekeeping
from relay.telemetry.health import Health
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import ManualClock
from tests.journal.making import NOW, append_of, call_change, endpoint_spec
from tests.journal.making_commands import bulk_job, command, finish, make_bulk
from tests.journal.making_subjects import subject_change

ONCE = Once("ops", "key-1", b"digest")


@pytest.fixture
async def journal(journal_path: Path) -> AsyncIterator[SqlJournal]:
    """
    Open a journal with a deleted endpoint for which more waits than one step discards.
    """
    async with open_sqlite(journal_path, "tests", NOW) as opened:
        await opened.registry.create_endpoint(endpoint_spec(), lambda _: b"", NOW, None)
        for page in range(3):
            await opened.append(append_of(*(call_change(f"{page}-{n}", events=1) for n in range(500))))
        await opened.registry.remember(ONCE, b"reply", NOW)
        await opened.registry.delete_endpoint("crm", NOW)
        yield opened


def housekeeping(journal: SqlJournal, clock: ManualClock) -> Housekeeping:
    """
    Make one for a journal.
    """
    return Housekeeping(journal, clock, Metrics(CollectorRegistry()), Health(("journal",)), None)


async def test_all_that_waits_for_a_deleted_endpoint_is_discarded(journal: SqlJournal) -> None:
    await housekeeping(journal, ManualClock(NOW)).clear(asyncio.Event())

    assert 0 == (await journal.stats()).pending


@pytest.mark.parametrize(("age", "kept"), [(timedelta(hours=24), b"reply"), (timedelta(hours=25), None)])
async def test_replies_are_forgotten_after_a_day(
    journal: SqlJournal, age: timedelta, kept: bytes | None
) -> None:
    await housekeeping(journal, ManualClock(NOW + age)).clear(asyncio.Event())

    assert kept == await journal.registry.recall(ONCE, NOW)


async def test_once_told_to_stop_the_rest_is_left(journal: SqlJournal) -> None:
    stop = asyncio.Event()
    stop.set()

    await housekeeping(journal, ManualClock(NOW)).clear(stop)

    assert 1_500 == (await journal.stats()).pending


async def test_its_loop_does_it_at_once(journal: SqlJournal) -> None:
    stop = asyncio.Event()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(housekeeping(journal, ManualClock(NOW)).run(stop))
        while (await journal.stats()).pending:  # noqa: ASYNC110 - the journal has no event for it
            await asyncio.sleep(0)
        stop.set()


@pytest.mark.parametrize(
    ("age", "left"), [(timedelta(days=399), {"command", "bulk", "lead"}), (timedelta(days=401), set())]
)
async def test_commands_bulk_jobs_and_leads_are_forgotten_after_400_days(
    journal: SqlJournal, age: timedelta, left: set[str]
) -> None:
    await journal.register_source("dialer", "dialer360", NOW, NOW)
    await finish(journal, command("command"))
    await make_bulk(journal, bulk_job("bulk"), 1_200)
    await journal.commands.cancel_bulk("bulk", NOW)
    lead = subject_change("lead", kind="lead", revision=0)
    await journal.append(Append("dialer", "commands", NOW, subjects=(lead,)))

    await housekeeping(journal, ManualClock(NOW + age)).clear(asyncio.Event())

    found = {
        "command": await journal.commands.command("command"),
        "bulk": await journal.commands.bulk("bulk"),
        "lead": await journal.reading.subject(lead.state.subject),
    }
    assert left == {name for name, one in found.items() if one is not None}
