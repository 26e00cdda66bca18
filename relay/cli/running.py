"""
Run something until it is told to stop: uvloop, and signals that only set an event.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Final

import uvloop

from relay.cli.failures import FAILED

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def run_until_stopped(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """
    Run `work(stop)` to its end; the first SIGTERM or SIGINT sets `stop`, the second ends the process at once.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_guarded(work))


async def _guarded(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(FAILED)  # whoever asks twice does not want to wait; the journal survives it
        stop.set()

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    await work(stop)
