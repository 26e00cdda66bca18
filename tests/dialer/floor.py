"""
A simulated dialer and relay's loop over it, both by one manual clock: real HTTP between them, a real file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson
from prometheus_client import CollectorRegistry

from relay.dialer_assembly import dialer_poll, vicidial_source
from relay.journal.port import Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.clock import Clock
from relay.model.ids import IdMaker
from relay.source_assembly import Surroundings
from relay.sources.port import POLL, Answered, FunctionSource
from relay.sources.vicidial.config import Dialer360Config, VicidialConfig
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.twin.vicidial.server import start_dialer_twin
from relay.twin.vicidial.settings import DialerTwinSettings

SOURCE = "dialer"
GOOD = ("rows", "empty")
ID_KEY = b"0123456789abcdef0123456789abcdef"


@dataclass
class NotedSource:
    """
    A source that notes what was asked, when, and the verdict of the answer.
    """

    source: FunctionSource
    polled: list[tuple[str, datetime, str]]

    @property
    def source_id(self) -> str:
        """
        Return whose source it is.
        """
        return self.source.source_id

    async def call(
        self, function: str, params: Mapping[str, str], *, purpose: str = POLL, is_write: bool = False
    ) -> Answered:
        """
        Call a function, and note it.
        """
        answered = await self.source.call(function, params, purpose=purpose, is_write=is_write)
        verdict = "rejected" if answered.answer.rejected else answered.answer.verdict
        self.polled.append((function, answered.requested_at, verdict))
        return answered


@dataclass
class DialerFloor:
    """
    A dialer, relay over it, and their clock.
    """

    folder: Path
    settings: DialerTwinSettings = field(default_factory=DialerTwinSettings)
    keys: dict[str, Any] = field(default_factory=dict)
    polled: list[tuple[str, datetime, str]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.clock = ManualClock(DEFAULT_START)
        self._twin_rooms = AsyncExitStack()
        self.twin = await start_dialer_twin(self.settings, self.dialers_clock())
        self._twin_rooms.push_async_callback(self.twin.close)
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        await self.start_relay()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_relay()
        await self._twin_rooms.aclose()

    def dialers_clock(self) -> Clock:
        """
        Return the clock that the dialer lives by.
        """
        return self.clock

    def watched(self, source: FunctionSource) -> FunctionSource:
        """
        Return the source that relay asks.
        """
        return NotedSource(source, self.polled)

    def config(self) -> VicidialConfig:
        """
        Return relay's configuration of the dialer.
        """
        return Dialer360Config.model_validate(
            {
                "id": SOURCE,
                "kind": "dialer360",
                "base_url": self.twin.api_url,
                "user": self.settings.access.user,
                "password": self.settings.access.password,
                "timezone": self.settings.dialect.timezone,
                "country": "US",
                "poll_every_s": 1.0,
                **self.keys,
            }
        )

    async def start_relay(self) -> None:
        """
        Open the journal and make the loop.
        """
        rooms = AsyncExitStack()
        path, now = self.folder / "relay.db", self.clock.now()
        self.journal: SqlJournal = await rooms.enter_async_context(open_sqlite(path, "test", now, ID_KEY))
        ids = IdMaker(self.journal.identity.id_key)
        self.appends = 0
        around = Surroundings(self.journal, ids, self.clock, self.metrics, self._appended)
        self.around = around
        source = await rooms.enter_async_context(vicidial_source(self.config(), around))
        self.source = source
        self.poll = await dialer_poll(self.config(), self.watched(source), around)
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(self.poll.run(self._stop))
        self._relay_rooms = rooms

    async def stop_relay(self) -> None:
        """
        Stop the loop and close the journal.
        """
        self._stop.set()
        await self._running
        await self._relay_rooms.aclose()

    async def run_for(self, seconds: float) -> None:
        """
        Let time go by.
        """
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            await self._idle()
            left_s = (end - self.clock.now()).total_seconds()
            if left_s <= 0:
                return
            if self.clock.sleepers:  # else it has just been woken, and does something
                self.clock.advance(min(left_s, max(self.clock.next_wake_s, 0.0)))

    def good_polls(self) -> list[datetime]:
        """
        Return when all agents were asked for and the answer could be read wholly.
        """
        return [at for name, at, verdict in self.polled if name == "logged_in_agents" and verdict in GOOD]

    async def events(self, *types: str) -> list[dict[str, Any]]:
        """
        Return the events so far, in order: all, or those of some types.
        """
        found: list[dict[str, Any]] = []
        seq = 0
        while page := await self.journal.events_after(seq, 1_000, 4 * 1024 * 1024):
            seq = page[-1].seq
            found += [orjson.loads(event.body) for event in page if not types or event.type in types]
        return found

    async def _idle(self) -> None:
        waiting = asyncio.ensure_future(self.clock.wait_for_sleepers(1, 20.0))
        await asyncio.wait({waiting, self._running}, return_when=asyncio.FIRST_COMPLETED)
        if self._running.done():
            waiting.cancel()
            self._running.result()
        await waiting

    def _appended(self, appended: Appended) -> None:
        self.appends += 1
