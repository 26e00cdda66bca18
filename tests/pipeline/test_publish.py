"""
Publishing from a real journal: in order, once, whatever the other side does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from relay.journal.store import SqlJournal, open_sqlite
from relay.model.errors import JournalUnusable, PublisherLost
from relay.pipeline.publish import Publish
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_publisher import RecordingPublisher
from tests.journal.making import NOW, append_of, call_change


@asynccontextmanager
async def publishing(
    journal: SqlJournal, publisher: RecordingPublisher, clock: ManualClock
) -> AsyncIterator[tuple[Publish, Metrics, asyncio.Task[None]]]:
    """
    Run the publish loop until left.
    """
    metrics, stop = Metrics(CollectorRegistry()), asyncio.Event()
    publish = Publish(publisher, journal, "relay.test", clock, metrics)
    task = asyncio.create_task(publish.run(stop))
    try:
        yield publish, metrics, task
    finally:
        stop.set()
        await asyncio.wait({task})


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqlJournal]:
    """
    Open an empty journal.
    """
    async with open_sqlite(tmp_path / "relay.db", "tests", NOW) as opened:
        yield opened


async def test_events_are_published_in_order_as_they_come(journal: SqlJournal) -> None:
    publisher, clock = RecordingPublisher(), ManualClock()
    await journal.append(append_of(call_change("a")))
    async with publishing(journal, publisher, clock) as (publish, _, _):
        await publisher.wait_for(3)
        await journal.append(append_of(call_change("b")))
        publish.wake()
        await publisher.wait_for(6)

    assert [1, 2, 3, 4, 5, 6] == [event.seq for event in publisher.committed]
    assert publisher.is_closed


async def test_it_goes_on_behind_what_the_other_side_has(journal: SqlJournal) -> None:
    publisher, clock = RecordingPublisher(), ManualClock()
    await journal.append(append_of(call_change("a")))
    publisher.committed = (await journal.events_after(0, 2, 10**6))[:2]
    async with publishing(journal, publisher, clock):
        await publisher.wait_for(3)

    assert [1, 2, 3] == [event.seq for event in publisher.committed]


@pytest.mark.parametrize("was_committed", [True, False])
async def test_a_lost_publisher_is_opened_anew_and_asked(journal: SqlJournal, was_committed: bool) -> None:
    """
    Only the other side knows whether the failed transaction was committed; each event is there once.
    """
    publisher, clock = RecordingPublisher(), ManualClock()
    publisher.failures = [PublisherLost("timeout", "no answer to the commit")]
    publisher.commits_before_failing = was_committed
    await journal.append(append_of(call_change("a")))
    async with publishing(journal, publisher, clock) as (publish, metrics, _):
        await clock.wait_for_sleepers(1)
        await clock.run_for(2)
        await journal.append(append_of(call_change("b")))
        publish.wake()
        await publisher.wait_for(6)

    assert [1, 2, 3, 4, 5, 6] == [event.seq for event in publisher.committed]
    assert 2 == publisher.opened
    labels = {"reason": "timeout"}
    assert 1 == metrics.registry.get_sample_value("relay_kafka_producer_rebuilds_total", labels)


async def test_a_bug_of_the_publisher_is_a_rebuild_too(journal: SqlJournal) -> None:
    publisher, clock = RecordingPublisher(), ManualClock()
    publisher.failures = [ZeroDivisionError("a bug")]
    await journal.append(append_of(call_change("a")))
    async with publishing(journal, publisher, clock):
        await clock.wait_for_sleepers(1)
        await clock.run_for(2)
        await publisher.wait_for(3)

    assert 2 == publisher.opened


async def test_a_cursor_of_another_journal_stops_the_process(journal: SqlJournal) -> None:
    publisher = RecordingPublisher()
    publisher.failures_at_open = [JournalUnusable("the cursor is of another journal")]
    async with publishing(journal, publisher, ManualClock()) as (_, _, task):
        with pytest.raises(JournalUnusable):
            await task

    assert publisher.is_closed


async def test_while_the_other_side_is_dead_nothing_is_lost(journal: SqlJournal) -> None:
    publisher, clock = RecordingPublisher(), ManualClock()
    publisher.failures_at_open = [PublisherLost("unreachable", "refused") for _ in range(8)]
    async with publishing(journal, publisher, clock):
        for n in range(5):
            await journal.append(append_of(call_change(f"c{n}")))
            await clock.wait_for_sleepers(1)
            await clock.run_for(60)
        await publisher.wait_for(15)

    assert list(range(1, 16)) == [event.seq for event in publisher.committed]
