"""
A poll loop on a real journal and a scripted source, moved step by step.
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
from prometheus_client import CollectorRegistry

from relay.journal.port import Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.call import USER_CALLS
from relay.normalise.calls import CallAssembler
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.ingest import Ingest
from relay.pipeline.poll import Poll
from relay.pipeline.poll_state import PollSettings
from relay.pipeline.source_ledger import SourceLedger
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.testing.scripted_source import ScriptedSource
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
                sleeping = asyncio.ensure_future(self.clock.wait_for_sleepers(1))
                await asyncio.wait({step, sleeping}, return_when=asyncio.FIRST_COMPLETED)
                sleeping.cancel()
                if self.clock.sleepers:
                    self.clock.advance(1)
                    await asyncio.sleep(0)
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
