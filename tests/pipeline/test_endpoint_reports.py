"""
Reports about endpoints: a journal that is locked for a while delays them, and none is lost.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from relay.journal.port import Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.endpoint import Delivery
from relay.model.outcome import GiveUp, TryLater
from relay.pipeline.endpoint_reports import EndpointReports
from relay.testing.manual_clock import ManualClock
from tests.journal.making import IDS, NOW, append_of, call_change, endpoint_spec

REFUSED = TryLater("http_4xx", 401, is_refusal=True)
GONE = GiveUp("http_410", 410)


@dataclass
class Reporting:
    """
    The reports of an endpoint with one delivery, on a journal that gives up on a lock at once.
    """

    journal: SqlJournal
    reports: EndpointReports
    delivery: Delivery
    appended: list[Appended]


@pytest.fixture
async def reporting(journal_path: Path, clock: ManualClock) -> AsyncIterator[Reporting]:
    """
    Open a journal with one endpoint.
    """
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        (stored,) = await journal.sync_endpoints([endpoint_spec()], NOW)
        (delivery,) = (await journal.append(append_of(call_change("a", events=1)))).deliveries
        # else every try would wait out the seconds that SQLite itself is patient
        await journal._database.write(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout=1").close())
        appended: list[Appended] = []
        reports = EndpointReports(stored, journal, IDS, clock, appended.append)
        yield Reporting(journal, reports, delivery, appended)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """
    Hold the write lock of a journal, as another program that looks into it may.
    """
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize(
    ("report", "stored", "told"),
    [
        (lambda on: on.reports.held(77_000), ("healthy", None, 77_000), []),
        (lambda on: on.reports.disabled(GONE), ("disabled", "http_410", None), ["endpoint.disabled"]),
        (lambda on: on.reports.failing(REFUSED, 3), ("healthy", None, None), ["endpoint.failing"]),
        (
            lambda on: on.reports.exhausted(on.delivery, REFUSED, 10),
            ("healthy", None, None),
            ["delivery.exhausted"],
        ),
    ],
    ids=["held", "disabled", "failing", "exhausted"],
)
async def test_a_report_waits_for_a_locked_journal(
    reporting: Reporting,
    journal_path: Path,
    clock: ManualClock,
    report: Callable[[Reporting], Awaitable[None]],
    stored: tuple[object, ...],
    told: list[str],
) -> None:
    with locked(journal_path):
        made = asyncio.ensure_future(report(reporting))
        for _ in range(3):
            await clock.wait_for_sleepers(1)
            clock.advance(1)
    await finished(made, clock)

    assert [stored] == query(journal_path, "SELECT state, state_reason, not_before_ms FROM endpoints")
    assert [(event_type,) for event_type in told] == query(
        journal_path, "SELECT type FROM events WHERE seq > 1"
    )
    assert len(told) == len(reporting.appended)


async def test_of_two_times_asked_for_while_the_journal_is_locked_the_later_stays(
    reporting: Reporting, journal_path: Path, clock: ManualClock
) -> None:
    with locked(journal_path):
        made = asyncio.gather(reporting.reports.held(77_000), reporting.reports.held(88_000))
        await clock.wait_for_sleepers(1)
    await finished(made, clock)

    assert [(88_000,)] == query(journal_path, "SELECT not_before_ms FROM endpoints")


async def test_why_an_endpoint_is_disabled_survives_what_is_told_of_it_later(
    reporting: Reporting, journal_path: Path
) -> None:
    """
    An attempt that was in flight beside the 410 may use up its schedule after it.
    """
    await reporting.reports.disabled(GONE)
    await reporting.reports.exhausted(reporting.delivery, REFUSED, 10)

    assert [("disabled", "http_410")] == query(journal_path, "SELECT state, state_reason FROM endpoints")


async def finished(made: asyncio.Future[Any], clock: ManualClock) -> None:
    """
    Let the pauses of the reports pass until they are written.
    """
    async with asyncio.timeout(10):
        while not made.done():
            clock.advance(1)
            await asyncio.sleep(0)
    await made


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    """
    Look into the file directly.
    """
    with sqlite3.connect(path) as direct:
        return direct.execute(statement).fetchall()
