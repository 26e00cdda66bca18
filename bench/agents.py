"""
All agents of a dialer, polled once a second: what a poll costs from the request to the durable events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, Final

from prometheus_client import CollectorRegistry

from bench.child import BenchFailed
from bench.heartbeat import heartbeat
from relay.dialer_assembly import agent_parts, dialer_context, vicidial_source
from relay.journal.port import Appended, StreamState
from relay.journal.store import open_sqlite
from relay.model.ids import IdMaker
from relay.pipeline.dialer.agent_poll import AgentPoll
from relay.pipeline.dialer.dialer_settings import AGENTS
from relay.pipeline.poll_state import StreamPoll
from relay.source_assembly import Surroundings
from relay.sources.port import POLL, Answered, FunctionSource
from relay.sources.vicidial.config import Dialer360Config
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics

EVERY_S: Final = 1.0
FIRST: Final = 3  # polls that are not counted: everyone logs in with the first


class MeteredSource:
    """
    A source that counts the CPU spent on asking about single calls, apart from the poll of all agents.
    """

    def __init__(self, source: FunctionSource) -> None:
        self._source = source
        self.source_id = source.source_id
        self.of_calls_ms = 0.0

    async def call(
        self, function: str, params: Mapping[str, str], *, purpose: str = POLL, is_write: bool = False
    ) -> Answered:
        """
        Call a function once.
        """
        before = time.process_time()
        try:
            return await self._source.call(function, params, purpose=purpose, is_write=is_write)
        finally:
            if function != "logged_in_agents":
                self.of_calls_ms += 1000 * (time.process_time() - before)


async def agents(params: dict[str, Any]) -> dict[str, float]:
    """
    Poll the dialer at `url` so many times; `agents` are on its floor.
    """
    events = 0

    def appended(done: Appended) -> None:
        nonlocal events
        events += len(done.events)

    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as rooms:
            clock = SystemClock()
            path = Path(folder) / "relay.db"
            journal = await rooms.enter_async_context(open_sqlite(path, "bench", clock.now()))
            ids = IdMaker(journal.identity.id_key)
            around = Surroundings(journal, ids, clock, Metrics(CollectorRegistry()), appended)
            config = _config(params["url"])
            source = await rooms.enter_async_context(vicidial_source(config, around))
            metered = MeteredSource(source)
            context = await dialer_context(config, metered, around)
            context.streams[AGENTS] = StreamPoll(
                AGENTS, timedelta(0), StreamState(), clock.now(), is_call_stream=False
            )
            poll = agent_parts(context, ids).agents
            await poll.start({})
            await _polled(poll, metered, FIRST)
            events, metered.of_calls_ms = 0, 0.0
            cpu_ms = await _polled(poll, metered, params["polls"])
            made, of_calls_ms = events, metered.of_calls_ms
            async with heartbeat() as heart:  # apart: it costs CPU itself
                await _polled(poll, metered, params["polls"])
            known = await journal.subjects(config.id, ("agent",))
    if len(known) < 0.9 * params["agents"] or not made:
        raise BenchFailed(f"{len(known)} of {params['agents']} agents were seen, {events} events made")
    return {
        "poll_cpu_ms": median(cpu_ms),
        "poll_cpu_p95_ms": quantiles(cpu_ms, n=20)[-1],
        "new_calls_cpu_ms_per_poll": of_calls_ms / params["polls"],
        "longest_step_ms": heart.longest_ms,
        "events_per_poll": made / params["polls"],
    }


async def _polled(poll: AgentPoll, source: MeteredSource, polls: int) -> list[float]:
    """
    Poll so many times, and return the CPU of each in milliseconds, without what is asked about new calls.
    """
    cpu_ms = []
    for _ in range(polls):
        before, at, others_ms = time.process_time(), time.monotonic(), source.of_calls_ms
        await poll.step()
        others_ms = source.of_calls_ms - others_ms
        cpu_ms.append(1000 * (time.process_time() - before) - others_ms)
        await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - at)))
    return cpu_ms


def _config(url: str) -> Dialer360Config:
    return Dialer360Config.model_validate(
        {
            "id": "dialer",
            "kind": "dialer360",
            "base_url": f"{url}/adminpanel/api.php",
            "user": "api",
            "password": "twin",
            "timezone": "America/New_York",
            "country": "US",
        }
    )
