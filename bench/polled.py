"""
A phone system that is polled: the real source, reader, assembler and ingest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bench.child import BenchFailed
from bench.events import SOURCE
from bench.house import STREAM, House
from relay.journal.port import StreamState
from relay.model.coverage import DEEP
from relay.normalise.calls import CallAssembler
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.ingest import Ingest
from relay.pipeline.page import Conclusion, Page, PageResult
from relay.sources.budget import BudgetSettings
from relay.sources.port import Window
from relay.sources.voipcloud.source import VoipcloudSettings, VoipcloudSource

ZONE: Final = ZoneInfo("Australia/Sydney")
LOOKBACK: Final = timedelta(hours=4)
FIRST_POLL_S: Final = 1.0  # after the first event, so that a whole page lies within the figures
MIN_POLLS: Final = 2
BUDGET: Final = BudgetSettings(requests=1_000_000, per_s=900.0, reserve=1, deadline_s=60.0)


class Polled:
    """
    Takes the page of a stream again and again, as the poll loop does.
    """

    def __init__(self, house: House, source: VoipcloudSource, ingest: Ingest) -> None:
        self._house = house
        self._source = source
        self._ingest = ingest
        self._state = StreamState()
        self.unchanged_pages = 0

    async def take(self) -> PageResult:
        """
        Send one request, and return once what its answer says is durable.
        """
        pull = await self._source.pull(STREAM, Window(self._house.clock.now() - LOOKBACK))
        result = await self._ingest.take(SOURCE, Page(pull, DEEP), self._state, lambda _: Conclusion())
        self._state = result.state
        self.unchanged_pages += result.counts["duplicate"] == len(pull.rows)
        return result


@asynccontextmanager
async def open_polled(house: House, base_url: str, publish_from: datetime) -> AsyncIterator[Polled]:
    """
    Open a phone system whose calls are silent where they ended before `publish_from`.
    """
    now = house.clock.now()
    head = await house.journal.register_source(SOURCE, "voipcloud", publish_from, now)
    rules = CallRules(SOURCE, ZONE, "AU", head.publish_from)
    settings = VoipcloudSettings(SOURCE, base_url, "token", ZONE, BUDGET)
    reader, assembler = VoipcloudRows(rules, house.ids), CallAssembler(rules, house.ids)
    ingest = Ingest(house.journal, reader, assembler, house.clock, house.metrics, house.hand_on)
    async with VoipcloudSource(settings, house.journal, house.clock) as source:
        yield Polled(house, source, ingest)


@asynccontextmanager
async def polling(house: House, base_url: str, every_s: float) -> AsyncIterator[dict[str, float]]:
    """
    Poll a page that was read once before, inside the block; tell nothing of it.

    Raises:
        BenchFailed: fewer than MIN_POLLS were made.
    """
    async with open_polled(house, base_url, house.clock.now()) as polled:
        await polled.take()
        polls = asyncio.create_task(_poll(polled, every_s), name="poll")
        yield {}
        polls.cancel()
        await asyncio.wait([polls])
        if polled.unchanged_pages < MIN_POLLS:
            raise BenchFailed(f"{polled.unchanged_pages} whole polls were made, at least {MIN_POLLS} must be")


async def _poll(polled: Polled, every_s: float) -> None:
    await asyncio.sleep(FIRST_POLL_S)
    while True:
        started = time.monotonic()
        await polled.take()
        await asyncio.sleep(started + every_s - time.monotonic())
