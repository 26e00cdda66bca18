"""
A simulated dialer, in a process of its own: `python -m bench.floor AGENTS`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final
from urllib.parse import urlsplit

import uvloop

from relay.system_clock import SystemClock
from relay.twin.vicidial.server import start_dialer_twin
from relay.twin.vicidial.settings import DialerTwinSettings, Floor

BUSY_FOR_S: Final = 120.0  # so that agents are in the middle of their day


async def main() -> None:
    """
    Serve until killed.
    """
    floor = Floor(agents=int(sys.argv[1]), past_s=BUSY_FOR_S)
    running = await start_dialer_twin(DialerTwinSettings(floor=floor), SystemClock())
    sys.stdout.write(f"{urlsplit(running.url).port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
