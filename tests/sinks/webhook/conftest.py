"""
Every test here that runs in a loop runs in both: asyncio's own and uvloop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Transport
from tests.sinks.webhook.addresses import LOOPBACK


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """
    Tell pytest-asyncio which loops to run every test in.
    """
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def guard() -> Guard:
    """
    Give a guard that lets loopback pass, where all test servers are.
    """
    return Guard([LOOPBACK], [])


@pytest.fixture
async def transport(guard: Guard) -> AsyncIterator[Transport]:
    """
    Give a transport with default limits, closed afterwards.
    """
    transport = Transport(guard)
    yield transport
    await transport.close()
