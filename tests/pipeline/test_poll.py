"""
Polling into a real journal: pages, failures, states, restarts, held ends.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from prometheus_client import CollectorRegistry

from relay.journal.port import Appended, StreamState
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.call import CALL_STREAMS, QUEUE_CALLS, USER_CALLS
from relay.model.errors import (
    SourceAbsent,
    SourceError,
    SourceGarbled,
    SourceRefused,
    SourceThrottled,
    SourceUnreachable,
)
from relay.normalise.calls import CallAssembler
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.ingest import Ingest
from relay.pipeline.poll import Poll
from relay.pipeline.poll_state import PollSettings
from relay.pipeline.source_ledger import SourceLedger
from relay.sources.port import Pull, Window
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.testing.scripted_source import Page, ScriptedSource
from tests.journal.making import IDS

SECOND = timedelta(seconds=1)
SETTINGS = PollSettings(pause_s=10, window_s=900, status_every_s=300, lookback=timedelta(hours=4))


@dataclass
class Polling:
    """
    A poll loop that is moved step by step.
    """

    journal: SqlJournal
    source: ScriptedSource
    poll: Poll
    clock: ManualClock
    metrics: Metrics
    appended: list[Appended] = field(default_factory=list)

    async def steps(self, count: int) -> None:
        """
        Make some steps, letting the clock run to each.
        """
        for _ in range(count):
            step = asyncio.ensure_future(self.poll.step(asyncio.Event()))
            while not step.done():
                if self.clock.sleepers:
                    self.clock.advance(1)
                await asyncio.sleep(0.001 if not self.clock.sleepers else 0)
            step.result()

    async def types(self) -> list[str]:
        """
        Return the types of all events, in order.
        """
        return [event.type for event in await self.journal.events_after(0, 10_000, 10**9)]

    async def last(self) -> dict[str, Any]:
        """
        Return the last event.
        """
        events = await self.journal.events_after(0, 10_000, 10**9)
        parsed: dict[str, Any] = orjson.loads(events[-1].body)
        return parsed


@asynccontextmanager
async def polling(
    path: Path,
    clock: ManualClock,
    source: ScriptedSource | None = None,
    publish_from: datetime = DEFAULT_START - timedelta(hours=4),
) -> AsyncIterator[Polling]:
    """
    Open the journal and a poll loop on it.
    """
    source = source or ScriptedSource("pbx", clock)
    metrics = Metrics(CollectorRegistry())
    async with open_sqlite(path, "tests", clock.now()) as journal:
        head = await journal.register_source("pbx", "voipcloud", publish_from, clock.now())
        rules = CallRules("pbx", ZoneInfo("Australia/Sydney"), "AU", head.publish_from)
        appended: list[Appended] = []
        reader, assembler = VoipcloudRows(rules, IDS), CallAssembler(rules, IDS)
        ingest = Ingest(journal, reader, assembler, clock, metrics, appended.append)
        ledger = SourceLedger("pbx", journal, IDS, clock, appended.append)
        poll = Poll(source, ledger, ingest, SETTINGS, clock, metrics)
        yield Polling(journal, source, poll, clock, metrics, appended)


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    """
    Give the path of a journal that does not exist yet.
    """
    return tmp_path / "relay.db"


@pytest.fixture
def clock() -> ManualClock:
    """
    Give a clock that stands still.
    """
    return ManualClock()


def user_row(start: datetime = DEFAULT_START - 60 * SECOND, **changes: Any) -> dict[str, Any]:
    """
    Make a finished, answered user row.
    """
    row = {
        "from_number": "0412345678",
        "to_number": "0290001111",
        "user_name": "Ann",
        "is_inbound": 1,
        "call_start_at": start.isoformat(),
        "call_duration": 30,
        "call_finished_at": (start + 30 * SECOND).isoformat(),
        "conversation_duration": 25,
    }
    return row | changes


def missed_row() -> dict[str, Any]:
    """
    Make a finished user row that nobody answered.
    """
    return user_row(conversation_duration=0)


def queue_row(start: datetime = DEFAULT_START - 65 * SECOND) -> dict[str, Any]:
    """
    Make the queue's row of the missed call: its caller gave up.
    """
    return {
        "queue_name": "Sales",
        "callerid": "0412345678",
        "inbound_number": "0290001111",
        "call_start_at": start.isoformat(),
        "call_answered_at": None,
        "call_finished_at": (start + 35 * SECOND).isoformat(),
        "answered_by_user_name": None,
        "status": "abandoned",
    }


async def test_the_streams_take_turns_at_the_pace_of_the_budget(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.steps(6)

    assert [*CALL_STREAMS, *CALL_STREAMS] == [stream for stream, _ in running.source.pulled]
    assert 50 <= (clock.now() - DEFAULT_START).total_seconds() <= 60


async def test_a_page_becomes_events_and_coverage(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row()])
        await running.steps(1)

        assert ["call.started", "call.answered", "call.finished"] == await running.types()
        coverage = await running.journal.coverage("pbx")
    assert DEFAULT_START - SETTINGS.lookback == coverage[USER_CALLS][0].start


async def test_ten_polls_of_an_unchanged_page_with_a_garbled_row(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row(), user_row(call_start_at="not a date")])
        await running.steps(3)
        first = await running.types()
        await running.steps(30)

        assert ["call.started", "call.answered", "call.finished", "source.row_rejected"] == first
        assert first == await running.types()
        assert (1, 10) == (count_of(running, "rejected"), count_of(running, "duplicate") // 2)
    assert [(1,)] == query(journal_path, "SELECT count(*) FROM rejects")


async def test_a_restart_reads_nothing_twice(journal_path: Path, clock: ManualClock) -> None:
    page = [user_row(), user_row(call_start_at="not a date")]
    for _ in range(3):
        async with polling(journal_path, clock) as running:
            running.source.show(USER_CALLS, page)
            await running.steps(4)
            assert 4 == len(await running.types())


async def test_what_ended_while_relay_was_away_is_read_after_it_is_back(
    journal_path: Path, clock: ManualClock
) -> None:
    opened = user_row(call_finished_at=None, call_duration=3, conversation_duration=0)
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [opened])
        await running.steps(1)
        assert ["call.started"] == await running.types()

    clock.advance(7 * 3600)
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row()])
        await running.steps(1)

        assert ["call.started", "call.answered", "call.finished"] == await running.types()
        assert DEFAULT_START - 60 * SECOND >= running.source.pulled[0][1].start


async def test_a_first_start_is_silent_about_what_ended_before(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock, publish_from=DEFAULT_START) as running:
        opened = user_row(call_finished_at=None, from_number="0499999999", conversation_duration=0)
        running.source.show(USER_CALLS, [user_row(), opened])
        await running.steps(1)

        assert ["call.started"] == await running.types()
    assert [(2,)] == query(journal_path, "SELECT count(*) FROM calls")


async def test_a_negative_end_waits_for_the_other_streams(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        running.source.show(QUEUE_CALLS, [queue_row()])
        await running.steps(1)
        assert ["call.started"] == await running.types()

        await running.steps(2)

        assert ["call.started", "call.abandoned"] == await running.types()
        data = (await running.last())["data"]
    assert ("abandoned", "Sales", 2) == (data["outcome"], data["queue"], len(data["legs"]))


async def test_a_held_end_goes_out_in_the_end_when_a_stream_does_not_answer(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        down = [SourceUnreachable("pbx", "http_5xx", "down") for _ in range(99)]
        running.source.then(QUEUE_CALLS, *down)
        await running.steps(3)
        assert "call.missed" not in await running.types()

        clock.advance(120)
        await running.steps(1)

        assert "call.missed" in await running.types()


async def test_a_held_end_goes_out_after_a_restart(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        await running.steps(1)

    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        await running.steps(2)
        assert ["call.started"] == await running.types()
        await running.steps(1)

        assert ["call.started", "call.missed"] == await running.types()


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SourceUnreachable("pbx", "http_5xx", "answered 503"), "degraded"),
        (SourceGarbled("pbx", "bad_payload", "not JSON", "<html>"), "degraded"),
        (SourceThrottled("pbx", "rate_limited", "answered 429", DEFAULT_START + 90 * SECOND), "rate_limited"),
        (SourceRefused("pbx", "auth", "answered 401"), "auth_failed"),
        (SourceRefused("pbx", "ip_blocked", "answered 401"), "ip_blocked"),
    ],
)
async def test_a_failure_is_told_once_and_so_is_the_recovery(
    journal_path: Path, clock: ManualClock, error: SourceError, state: str
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, error, error, [user_row()])
        asked = 0
        while asked < 3:
            await running.steps(1)
            asked = sum(stream == USER_CALLS for stream, _ in running.source.pulled)
        events = await running.journal.events_after(0, 100, 10**9)

    states = [orjson.loads(event.body)["data"] for event in events if event.type == "source.state_changed"]
    assert [("up", state), (state, "up")] == [(data["previous_state"], data["state"]) for data in states]
    assert [1, 2] == [data["revision"] for data in states]


async def test_a_refusal_pauses_the_whole_account_until_the_next_window(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, SourceRefused("pbx", "auth", "answered 401"))
        await running.steps(1)
        await running.steps(1)

    assert 900 <= (clock.now() - DEFAULT_START).total_seconds() <= 910


async def test_throttling_waits_for_the_vendors_time(journal_path: Path, clock: ManualClock) -> None:
    until = DEFAULT_START + 77 * SECOND
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, SourceThrottled("pbx", "rate_limited", "answered 429", until))
        await running.steps(2)

    assert until <= clock.now() <= until + 10 * SECOND


async def test_our_own_budget_is_no_trouble_of_the_source(journal_path: Path, clock: ManualClock) -> None:
    until = DEFAULT_START + 77 * SECOND
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, SourceThrottled("pbx", "quota", "spent", until))
        await running.steps(2)

        assert [] == await running.types()
    assert until <= clock.now()


async def test_a_stream_the_tenant_lacks_is_absent_and_holds_nothing_up(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        running.source.then(
            QUEUE_CALLS, *(SourceAbsent("pbx", "http_4xx", "answered 404") for _ in range(50))
        )
        await running.steps(9)

        states = await running.journal.stream_states("pbx")
        assert "absent" == states[QUEUE_CALLS].state
        assert "call.missed" in await running.types()
        asked = sum(stream == QUEUE_CALLS for stream, _ in running.source.pulled)
        await running.steps(20)
        assert asked == sum(stream == QUEUE_CALLS for stream, _ in running.source.pulled)


async def test_a_404_after_a_good_answer_is_an_error(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(
            QUEUE_CALLS, [], *(SourceAbsent("pbx", "http_4xx", "answered 404") for _ in range(9))
        )
        await running.steps(15)

        states = await running.journal.stream_states("pbx")
    assert "degraded" == states[QUEUE_CALLS].state


async def test_a_bug_in_a_source_is_a_back_off(journal_path: Path, clock: ManualClock) -> None:
    class Broken(ScriptedSource):
        """
        A source with a bug.
        """

        async def pull(self, stream: str, window: Window) -> Pull:
            raise ZeroDivisionError("a bug")

    async with polling(journal_path, clock, Broken("pbx", clock)) as running:
        await running.steps(3)

        assert ["source.state_changed"] == await running.types()
        assert "ZeroDivisionError" in (await running.last())["data"]["reason"]


async def test_two_pollers_of_one_journal_make_each_event_once(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Both read, normalise and append at the same time; the second normalises again from what is there.
    """
    page: Page = [user_row(from_number=f"04{n:08d}") for n in range(300)]
    async with polling(journal_path, clock) as one:
        rules = CallRules("pbx", ZoneInfo("Australia/Sydney"), "AU", DEFAULT_START - timedelta(hours=4))
        ingests = [
            Ingest(
                one.journal,
                VoipcloudRows(rules, IDS),
                CallAssembler(rules, IDS),
                clock,
                one.metrics,
                lambda _: None,
            )
            for _ in range(2)
        ]
        start = clock.now() - timedelta(hours=4)
        pull = Pull(USER_CALLS, page, clock.now(), start, start)
        await asyncio.gather(*(ingest.take("pbx", pull, StreamState(), lambda _: None) for ingest in ingests))
        events = await one.journal.events_after(0, 10_000, 10**9)

    assert 900 == len(events) == len({event.id for event in events})


async def test_a_large_page_goes_in_as_bounded_appends_of_whole_calls(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row(from_number=f"04{n:08d}") for n in range(1_000)])
        await running.steps(1)

    sizes = [len(appended.events) for appended in running.appended]
    assert 3_000 == sum(sizes)
    assert max(sizes) <= 500
    assert all(size % 3 == 0 for size in sizes)


def count_of(running: Polling, result: str) -> float:
    """
    Return how many rows of user calls had a result.
    """
    labels = {"source": "pbx", "stream": USER_CALLS, "result": result}
    return running.metrics.registry.get_sample_value("relay_poll_records_total", labels) or 0.0


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    """
    Look into the file directly.
    """
    with sqlite3.connect(path) as direct:
        return direct.execute(statement).fetchall()
