"""
Fixtures: a scene for the test to fill, with everything stopped at its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from relay.system_clock import SystemClock
from relay.testing.receiver import VerifyingReceiver
from relay.twin.voipcloud.server import start_twin
from relay.twin.voipcloud.settings import OfficeSize, Rules, Traffic, TwinSettings
from tests.whole.processes import RelayProcess
from tests.whole.scene import SECRET, TOKEN, Scene, Wishes, config_text

SetUp = Callable[..., Awaitable[Scene]]
OFFICE = OfficeSize(users=16, queues=3, ring_groups=2)
RULES = Rules(requests=200, per_s=10.0)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """
    Give a client with a deadline.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        yield client


@pytest.fixture
async def set_up(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[SetUp]:
    """
    Give a function that sets a scene; relay is not started yet.
    """
    async with AsyncExitStack() as stack:

        async def set_up(
            traffic: Traffic,
            wishes: Wishes | None = None,
            office: OfficeSize = OFFICE,
            rules: Rules = RULES,
            seed: int = 1,
        ) -> Scene:
            settings = TwinSettings(token=TOKEN, seed=seed, office=office, traffic=traffic, rules=rules)
            twin = await start_twin(settings, SystemClock())
            stack.push_async_callback(twin.close)
            receiver = await stack.enter_async_context(VerifyingReceiver(SECRET))
            text, ops_port = config_text(wishes or Wishes(), tmp_path, twin.url, receiver.url)
            config = tmp_path / "relay.toml"
            config.write_text(text)
            relay = RelayProcess(config, tmp_path / "relay.log", ops_port, session)
            stack.push_async_callback(relay.kill)
            return Scene(twin, receiver, relay, tmp_path / "relay.db", session)

        yield set_up
