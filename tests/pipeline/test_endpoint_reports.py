"""
Reports about endpoints: a journal that is locked for a while delays them, and none is lost.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from relay.journal.port import Appended, EndpointChange
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.endpoint import Delivery
from relay.model.errors import Conflict
from relay.model.outcome import TryLater
from relay.model.times import to_ms
from relay.pipeline.endpoint_reports import EndpointReports
from relay.testing.manual_clock import ManualClock
from tests.journal.making import IDS, NOW, append_of, call_change, endpoint_spec, settled

BODIES = "SELECT body FROM events WHERE seq > 1 ORDER BY seq"
REFUSED = TryLater("http_4xx", 401, is_refusal=True)
GONE = ("http_410", 410)


@dataclass
class Switched:
    """
    Remembers how it was switched.
    """

    to: list[str | int] = field(default_factory=list)

    def close(self) -> None:
        self.to.append("close")

    def open(self) -> None:
        self.to.append("open")

    def recover(self) -> None:
        self.to.append("recover")

    def move(self) -> None:
        self.to.append("move")

    def hold(self, until_ms: int) -> None:
        self.to.append(until_ms)


@dataclass
class Reporting:
    """
    The reports of an endpoint with one delivery, on a journal that gives up on a lock at once.
    """

    journal: SqlJournal
    reports: EndpointReports
    delivery: Delivery
    appended: list[Appended]
    switched: Switched


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
        switched = Switched()
        reports = EndpointReports(stored, journal, IDS, clock, appended.append, switched)
        yield Reporting(journal, reports, delivery, appended, switched)


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
    ("report", "stored", "told", "switched"),
    [
        (lambda on: on.reports.held(77_000), ("healthy", None, 77_000), [], [77_000]),
        (
            lambda on: on.reports.disabled(*GONE),
            ("disabled", "http_410", None),
            ["endpoint.disabled"],
            ["close"],
        ),
        (lambda on: on.reports.failing(REFUSED, 3), ("healthy", None, None), ["endpoint.failing"], []),
        (
            lambda on: on.reports.exhausted(on.delivery, REFUSED, 10),
            ("healthy", None, None),
            ["delivery.exhausted"],
            [],
        ),
        (lambda on: on.reports.paused(), ("paused", None, None), ["endpoint.paused"], ["close"]),
        (lambda on: on.reports.resumed(), ("healthy", None, None), [], ["open"]),
    ],
    ids=["held", "disabled", "failing", "exhausted", "paused", "resumed"],
)
async def test_a_report_waits_for_a_locked_journal(
    reporting: Reporting,
    journal_path: Path,
    clock: ManualClock,
    report: Callable[[Reporting], Awaitable[None]],
    stored: tuple[object, ...],
    told: list[str],
    switched: list[object],
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
    assert told == told_by(reporting)
    assert switched == reporting.switched.to


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
    await reporting.reports.disabled(*GONE)
    await reporting.reports.exhausted(reporting.delivery, REFUSED, 10)

    assert [("disabled", "http_410")] == query(journal_path, "SELECT state, state_reason FROM endpoints")


async def test_pausing_and_resuming_are_told_once(reporting: Reporting, journal_path: Path) -> None:
    for report in (reporting.reports.paused, reporting.reports.resumed):
        await report()
        await report()

    assert ["endpoint.paused", "endpoint.resumed"] == told_by(reporting)
    told = [orjson.loads(body)["data"] for (body,) in query(journal_path, BODIES)]  # type: ignore[arg-type]
    assert [("paused", "healthy", ["state"]), ("healthy", "paused", ["state"])] == [
        (data["state"], data["previous_state"], data["changed"]) for data in told
    ]
    assert ["close", "close", "open", "open"][1:] == reporting.switched.to


async def test_a_disabled_endpoint_is_not_paused_but_resumed(
    reporting: Reporting, journal_path: Path
) -> None:
    await reporting.reports.disabled(*GONE)

    with pytest.raises(Conflict, match="endpoint crm is disabled"):
        await reporting.reports.paused()
    await reporting.reports.resumed()

    assert [("healthy", None)] == query(journal_path, "SELECT state, state_reason FROM endpoints")
    assert ["endpoint.disabled", "endpoint.resumed"] == told_by(reporting)
    assert ["close", "open"] == reporting.switched.to


async def test_a_second_410_disables_nothing_again(reporting: Reporting) -> None:
    await asyncio.gather(reporting.reports.disabled(*GONE), reporting.reports.disabled(*GONE))

    assert ["endpoint.disabled"] == told_by(reporting)


async def test_resuming_ends_every_wait(reporting: Reporting, journal_path: Path, clock: ManualClock) -> None:
    in_an_hour_ms = to_ms(clock.now() + timedelta(hours=1))
    await reporting.journal.settle([settled(reporting.delivery, "pending", due_at_ms=in_an_hour_ms)])
    await reporting.reports.held(in_an_hour_ms)

    await reporting.reports.resumed()

    assert [(to_ms(clock.now()),)] == query(journal_path, "SELECT due_ms FROM deliveries")
    assert [(None,)] == query(journal_path, "SELECT not_before_ms FROM endpoints")
    assert [in_an_hour_ms, "open"] == reporting.switched.to


async def test_of_a_deleted_endpoint_nothing_is_told(reporting: Reporting, journal_path: Path) -> None:
    reporting.reports.end()

    await reporting.reports.exhausted(reporting.delivery, REFUSED, 10)
    await reporting.reports.disabled(*GONE)

    assert ([], [("healthy",)]) == (told_by(reporting), query(journal_path, "SELECT state FROM endpoints"))


@pytest.mark.parametrize(
    ("state", "url", "switched"),
    [
        ("paused", "https://crm.example.com/", ["close"]),
        ("healthy", "https://new.example.com/", ["move"]),
        ("healthy", "https://crm.example.com/", []),
    ],
)
async def test_what_others_have_changed_is_followed(
    reporting: Reporting, state: str, url: str, switched: list[str]
) -> None:
    await reporting.journal.sync_endpoints([endpoint_spec(url=url)], NOW)
    await reporting.journal.change_endpoint(EndpointChange(1, state, None, ()), NOW)

    await reporting.reports.read_again()

    assert switched == reporting.switched.to
    assert (state, url) == (reporting.reports.endpoint.state, reporting.reports.endpoint.url)


async def test_what_others_have_opened_is_followed(reporting: Reporting) -> None:
    await reporting.reports.paused()
    await reporting.journal.change_endpoint(EndpointChange(1, "healthy", None, ()), NOW)

    await reporting.reports.read_again()

    assert ["close", "open"] == reporting.switched.to


def told_by(reporting: Reporting) -> list[str]:
    """
    Return the types of the events that were handed on.
    """
    return [event.type for appended in reporting.appended for event in appended.events]


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
