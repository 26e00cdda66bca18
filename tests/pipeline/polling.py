"""
A poll loop on a real journal and a scripted source, moved step by step or through time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from prometheus_client import CollectorRegistry

from relay.journal.port import Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.call import USER_CALLS
from relay.model.source_work import BACKFILL, PUSH, SourceJob
from relay.normalise.calls import CallAssembler
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_pushes import read_push
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.command_inbox import CommandInbox
from relay.pipeline.command_links import CommandLinks
from relay.pipeline.inbox import Inbox
from relay.pipeline.ingest import Ingest
from relay.pipeline.pace import PaceSettings
from relay.pipeline.page import Conclusion, Page, PageResult
from relay.pipeline.poll import Poll
from relay.pipeline.poll_context import PollContext
from relay.pipeline.poll_state import PollSettings
from relay.pipeline.replays import Replays
from relay.pipeline.source_ledger import SourceLedger
from relay.sources.port import Pull, Window
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.testing.scripted_source import ScriptedSource
from tests.journal.making import IDS

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
PAUSE_S: Final = 10.0
WINDOW_S: Final = 900.0
MOST_STEPS: Final = 100
SETTINGS: Final = PollSettings(
    pace=PaceSettings(polls=90, per_s=WINDOW_S, answer_s=0.0),
    status_every_s=300,
    lookback=4 * HOUR,
    deep_every_s=WINDOW_S,
    gap_after_s=600,
)
SLOW: Final = replace(SETTINGS, pace=PaceSettings(polls=18, per_s=WINDOW_S, answer_s=0.0), lookback=HOUR)


@dataclass
class Polling:
    """
    A poll loop that is moved step by step, or through time.
    """

    context: PollContext
    journal: SqlJournal
    source: ScriptedSource
    poll: Poll
    clock: ManualClock
    metrics: Metrics
    appended: list[Appended] = field(default_factory=list)
    under_way: asyncio.Future[None] | None = None

    async def polls(self, count: int) -> None:
        """
        Make steps until the source was asked so many times more, letting the clock run to each.
        """
        asked, steps = len(self.source.pulled) + count, 0
        while len(self.source.pulled) < asked:
            await self.steps(1)
            steps += 1
            assert steps < MOST_STEPS * count, "the source is not asked any more"

    async def steps(self, count: int) -> None:
        """
        Make some steps, letting the clock run to each.
        """
        for _ in range(count):
            while not await self._step(None):
                continue

    async def pass_time(self, seconds: float) -> None:
        """
        Let time pass with the loop at work; a step that waits for later goes on waiting.
        """
        until = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < until:
            await self._step(until)

    async def _step(self, until: datetime | None) -> bool:
        """
        Go on with the step under way, or begin one; return whether it ended.
        """
        step = self.under_way or asyncio.ensure_future(self.poll.step(asyncio.Event()))
        self.under_way = step
        while not step.done():
            sleeping = asyncio.ensure_future(self.clock.wait_for_sleepers(1))
            await asyncio.wait({step, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            sleeping.cancel()
            if step.done() or not self.clock.sleepers:
                continue
            wake_s = self.clock.next_wake_s
            if until is not None and wake_s > (left_s := (until - self.clock.now()).total_seconds()):
                self.clock.advance(left_s)
                return False
            self.clock.advance(wake_s)
            await asyncio.sleep(0)
        self.under_way = None
        step.result()
        return True

    async def events(self) -> list[dict[str, Any]]:
        """
        Return all events, in order.
        """
        stored = await self.journal.events_after(0, 10_000, 10**9)
        return [orjson.loads(event.body) for event in stored]

    async def types(self) -> list[str]:
        """
        Return the types of all events, in order.
        """
        return [event.type for event in await self.journal.events_after(0, 10_000, 10**9)]

    async def last(self) -> dict[str, Any]:
        """
        Return the last event.
        """
        return (await self.events())[-1]

    async def data_of(self, event_type: str) -> list[dict[str, Any]]:
        """
        Return the data of all events of a type, in order.
        """
        return [event["data"] for event in await self.events() if event["type"] == event_type]

    async def job(self, start: datetime, end: datetime, kind: str = BACKFILL) -> SourceJob:
        """
        Ask for a stretch of the past, as REST does.
        """
        made: list[SourceJob] = []

        def answer(job: SourceJob) -> bytes:
            made.append(job)
            return b""

        await self.journal.work.make_job("pbx", kind, start, end, answer, self.clock.now())
        self.poll.wake()
        return made[0]

    async def put_down(self, kind: str, body: Mapping[str, Any]) -> None:
        """
        Put something down for the source's owner, as REST does.
        """
        await self.journal.work.put_down("pbx", kind, body, lambda _: b"", self.clock.now())
        self.poll.wake()

    async def pushed(self, start: datetime, **changes: Any) -> None:
        """
        Have the phone system push that a phone rings, and the owner take it.
        """
        await self.put_down(PUSH, ringing(start, **changes))
        await self.steps(1)

    def asked(self, stream: str) -> list[Window]:
        """
        Return the windows that were asked of a stream.
        """
        return [window for name, window in self.source.pulled if name == stream]

    def sample(self, name: str, **labels: str) -> float:
        """
        Return what a metric of the source shows; 0 where it shows nothing.
        """
        return self.metrics.registry.get_sample_value(name, {"source": "pbx", **labels}) or 0.0


@asynccontextmanager
async def polling(
    path: Path,
    clock: ManualClock,
    source: ScriptedSource | None = None,
    publish_from: datetime = DEFAULT_START - 4 * HOUR,
    settings: PollSettings = SETTINGS,
) -> AsyncIterator[Polling]:
    """
    Open the journal and a poll loop on it; what is under way when it is left is cut off.
    """
    source = source or ScriptedSource("pbx", clock)
    metrics = Metrics(CollectorRegistry())
    async with open_sqlite(path, "tests", clock.now()) as journal:
        head = await journal.register_source("pbx", "voipcloud", publish_from, clock.now())
        rules = CallRules("pbx", ZoneInfo("Australia/Sydney"), "AU", head.publish_from)
        appended: list[Appended] = []
        reader, assembler = VoipcloudRows(rules, IDS), CallAssembler(rules, IDS, await journal.aliases("pbx"))
        context = PollContext(
            source=source,
            journal=journal,
            ledger=SourceLedger("pbx", journal, IDS, clock, settings, appended.append),
            ingest=Ingest(journal, reader, assembler, clock, metrics, appended.append),
            assembler=assembler,
            settings=settings,
            clock=clock,
            metrics=metrics,
        )
        verdicts = CommandInbox("pbx", "AU", journal, IDS, clock, appended.append)
        commands = CommandLinks(context, verdicts, journal.commands, IDS, "AU")
        replays = Replays(context, reader)
        inbox = Inbox(context, lambda body, at: read_push(body, rules, IDS, at), replays, commands)
        running = Polling(context, journal, source, Poll(context, inbox, commands), clock, metrics, appended)
        try:
            yield running
        finally:
            if running.under_way is not None:
                running.under_way.cancel()
                await asyncio.wait({running.under_way})


class CallList(ScriptedSource):
    """
    A source that shows, of the rows it holds, those of the window it is asked for.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__("pbx", clock)
        self.rows: dict[str, list[dict[str, Any]]] = {}

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Answer the rows that started in the window, newest first.
        """
        end = window.end or self._clock.now() + self.skew
        of_it = [row for row in self.rows.get(stream, ()) if window.start <= start_of(row) < end]
        self.show(stream, sorted(of_it, key=start_of, reverse=True))
        return await super().pull(stream, window, names)


def start_of(row: dict[str, Any]) -> datetime:
    """
    Return when a row started.
    """
    return datetime.fromisoformat(row["call_start_at"])


def page_of(rows: list[dict[str, Any]], at: datetime, tier: str = "deep", stream: str = USER_CALLS) -> Page:
    """
    Make a page that shows everything of the four hours before an instant.
    """
    start = at - SETTINGS.lookback
    return Page(Pull(stream, rows, at, start, start, at), tier)


def nothing_else(result: PageResult) -> Conclusion:
    """
    Conclude a page with nothing but its rows.
    """
    return Conclusion()


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


def ringing(start: datetime, **changes: Any) -> dict[str, Any]:
    """
    Make the push of a phone that rings.
    """
    push = {
        "type": "user_inbound",
        "unique_call_id": "1795257600.77",
        "caller_id": "0412345678",
        "caller_name": "Jo Citizen",
        "user_name": "Ann",
        "user_number": "1001",
        "dest_number": "0290001111",
        "call_start_at": start.isoformat(),
        "queue_name": None,
        "ring_group_name": None,
    }
    return push | changes


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
