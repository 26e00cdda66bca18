"""
A phone system and relay's ingest over it, both by one manual clock: real HTTP between them, a real file.

A crash leaves the journal's files as they are at that moment; relay goes on from a copy of them.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

import orjson
from prometheus_client import CollectorRegistry

from relay.journal.port import PollJournal
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.ids import IdMaker
from relay.model.times import from_rfc3339
from relay.pipeline.poll import Poll
from relay.source_assembly import Rooms, Surroundings, poll_of, rooms_of, voipcloud_source
from relay.sources.port import Source
from relay.sources.voipcloud.config import VoipcloudConfig
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.twin.audit import Audit, audit
from relay.twin.voipcloud.server import RunningTwin, start_twin
from relay.twin.voipcloud.settings import AnswerShape, OfficeSize, Rules, Traffic, TwinSettings
from tests.ingest.crashing import Crash, CrashingJournal

TOKEN = "tests-token"
ID_KEY = b"0123456789abcdef0123456789abcdef"
WINDOW_S = 900.0
LOOKBACK = timedelta(minutes=40)
FILES = ("", "-wal")


@dataclass
class Doubles:
    """
    What stands in for a part of relay, to see that the proof can fail.
    """

    source: Callable[[Source], Source] = lambda source: source
    rooms: Callable[[Rooms, IdMaker], Rooms] = lambda rooms, _ids: rooms


@dataclass
class World:
    """
    Everything of one example.
    """

    folder: Path
    template: Path
    settings: TwinSettings
    doubles: Doubles = field(default_factory=Doubles)
    largest_page: int = 10_000
    start: datetime = DEFAULT_START
    requests: int = 12
    publish_from: str = "lookback"

    def __post_init__(self) -> None:
        self.clock = ManualClock(self.start)
        self.numbers = count(1)
        self.path = self.folder / "journal-0.db"
        shutil.copy(self.template, self.path)
        self.crashes = 0
        self._twin_rooms = AsyncExitStack()
        self._relay_rooms = AsyncExitStack()
        self.poll: Poll | None = None
        self._under_way: asyncio.Future[None] | None = None

    @property
    def now(self) -> datetime:
        """
        Return the present.
        """
        return self.clock.now()

    async def open(self) -> None:
        """
        Start the phone system and relay.
        """
        await self.open_twin()
        await self.start_relay()

    async def open_twin(self) -> None:
        """
        Start the phone system alone.
        """
        self.twin: RunningTwin = await start_twin(self.settings, self.clock)
        self._twin_rooms.push_async_callback(self.twin.close)

    async def open_beside(self, other: World) -> None:
        """
        Start relay over the phone system of another world, which stays its own.
        """
        self.clock, self.twin = other.clock, other.twin
        await self.start_relay()

    async def close(self) -> None:
        """
        Stop both.
        """
        await self.stop_relay()
        await self._twin_rooms.aclose()

    async def start_relay(self) -> None:
        """
        Open the journal and begin to poll.
        """
        rooms = AsyncExitStack()
        self.journal: SqlJournal = await rooms.enter_async_context(
            open_sqlite(self.path, "tests", self.now, ID_KEY)
        )
        self.crashing = CrashingJournal(self.journal)
        journal = cast(SqlJournal, self.crashing)
        config = self.config()
        source = voipcloud_source(config, journal, self.clock, largest_page=self.largest_page)
        await rooms.enter_async_context(source)
        self.metrics = Metrics(CollectorRegistry())
        ids = IdMaker(self.journal.identity.id_key)
        around = Surroundings(journal, ids, self.clock, self.metrics, lambda _: None)
        parts = self.doubles.rooms(await rooms_of(config, around), ids)
        self.poll = poll_of(config, self.doubles.source(source), parts, around)
        self._relay_rooms = rooms

    def config(self) -> VoipcloudConfig:
        """
        Return the account's configuration.
        """
        return VoipcloudConfig.model_validate(
            {
                "id": "pbx",
                "kind": "voipcloud",
                "base_url": self.twin.url,
                "token": TOKEN,
                "timezone": self.settings.shape.timezone,
                "country": "AU",
                "publish_from": self.publish_from,
                "lookback_s": int(LOOKBACK.total_seconds()),
                "budget": {"requests": self.requests, "per_s": WINDOW_S},
            }
        )

    async def stop_relay(self) -> None:
        """
        Stop relay as an operator does.
        """
        self.poll = None
        await self._cut_off()
        await self._relay_rooms.aclose()

    async def crash(self) -> None:
        """
        Lose the process: what is in the files now is all there is.
        """
        self.crashes += 1
        image = self.folder / f"journal-{self.crashes}.db"
        for suffix in FILES:
            with suppress(FileNotFoundError):
                shutil.copy(f"{self.path}{suffix}", f"{image}{suffix}")
        await self.stop_relay()
        self.path = image

    async def pass_time(self, seconds: float) -> None:
        """
        Let time pass, with relay at work if it runs; a crash that was arranged happens and is survived.
        """
        until = self.now + timedelta(seconds=seconds)
        while self.poll is not None and self.now < until:
            try:
                await self._step(self.poll, until)
            except Crash:
                await self.crash()
                await self.start_relay()
        if self.now < until:
            self.clock.advance((until - self.now).total_seconds())

    async def _step(self, poll: Poll, until: datetime) -> None:
        """
        Go on with the step under way, or begin one; one that waits for later goes on waiting.
        """
        step = self._under_way or asyncio.ensure_future(poll.step(asyncio.Event()))
        self._under_way = step
        while not step.done():
            await self._pushes_have_come()
            at_rest = 1 if self.twin.twin.pushes is None else 2  # relay, and a phone system that pushes
            sleeping = asyncio.ensure_future(self.clock.wait_for_sleepers(at_rest, timeout_s=60))
            await asyncio.wait({step, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            sleeping.cancel()
            if step.done() or self.clock.sleepers < at_rest:
                continue
            left_s = (until - self.now).total_seconds()
            if self.clock.next_wake_s > left_s:
                self.clock.advance(left_s)
                return
            self.clock.advance(self.clock.next_wake_s)
            await asyncio.sleep(0)
        self._under_way = None
        step.result()

    async def _pushes_have_come(self) -> None:
        """
        Return once what the phone system pushed by now was answered.
        """
        pushes = self.twin.twin.pushes
        async with asyncio.timeout(60):
            while pushes is not None and pushes.as_json()["waiting"]:  # noqa: ASYNC110 - a count, no event
                await asyncio.sleep(0)

    async def _cut_off(self) -> None:
        step, self._under_way = self._under_way, None
        if step is not None:
            step.cancel()
            await asyncio.wait({step})

    async def events(self) -> list[dict[str, Any]]:
        """
        Return everything that was published.
        """
        found: list[dict[str, Any]] = []
        seq = 0
        while page := await self.journal.events_after(seq, 1_000, 10**8):
            seq = page[-1].seq
            found += [orjson.loads(event.body) for event in page]
        return found

    async def verdict(self) -> Audit:
        """
        Compare what was published with what the phone system shows.
        """
        publish_from = (await self.journal.source_head("pbx")).publish_from
        return audit(self.twin.pbx.truth(), await self.events(), None, publish_from=publish_from)


def gaps_in(events: list[dict[str, Any]]) -> tuple[list[str], timedelta]:
    """
    Return the gaps that were opened and never closed, and for how long gaps were in all.
    """
    open_gaps: dict[tuple[str, str], str] = {}
    longest = timedelta()
    for event in events:
        data = event["data"]
        if event["type"] == "source.gap_opened":
            open_gaps[data["stream"], data["gap_from"]] = event["id"]
        elif event["type"] == "source.gap_closed":
            del open_gaps[data["stream"], data["gap_from"]]
            longest += from_rfc3339(data["gap_to"]) - from_rfc3339(data["gap_from"])
    return [f"{stream} since {start}" for stream, start in open_gaps], longest


@contextmanager
def runner() -> Iterator[asyncio.Runner]:
    """
    Give an event loop that several steps of a test share.
    """
    with asyncio.Runner() as running:
        yield running


def twin_settings(seed: int = 1, **more: Any) -> TwinSettings:
    """
    Return a small office that is busy.
    """
    wanted: dict[str, Any] = {
        "token": TOKEN,
        "seed": seed,
        "office": OfficeSize(users=5, queues=2, ring_groups=1),
        "traffic": Traffic(calls_per_minute=0.5, past_calls=5, variety=True),
        "rules": Rules(requests=12, per_s=WINDOW_S),
        "shape": AnswerShape(),
    }
    return TwinSettings(**wanted | more)


async def make_template(path: Path) -> None:
    """
    Make a journal of this version's schema, so that each example need not.
    """
    async with open_sqlite(path, "tests", DEFAULT_START, ID_KEY) as journal:
        _: PollJournal = journal
