"""
A receiver that refuses everything at once for a while, as events go on coming.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from bench.child import ask
from bench.events import EVENTS_PER_CALL, call_changes
from bench.house import delivering, open_house

LOOK_EVERY_S: Final = 0.005
PATIENCE_S: Final = 120.0


async def refused(params: dict[str, Any]) -> dict[str, float]:
    """
    Append `calls` calls in `seconds`, while the receiver at `url` answers 503; then it takes everything.

    Returns:
        What became of the events, and how long after the receiver was well again the last of them came.
    """
    url, calls, seconds = params["url"], params["calls"], params["seconds"]
    async with open_house([f"{url}/00"]) as house, delivering(house):
        changes = call_changes(house.ids, calls)
        await asyncio.to_thread(ask, f"{url}/refuse")
        started = time.monotonic()
        for place, change in enumerate(changes):
            await asyncio.sleep(started + place * seconds / calls - time.monotonic())
            await house.append((change,))
        await asyncio.sleep(started + seconds - time.monotonic())
        await asyncio.to_thread(ask, f"{url}/accept")
        well_at = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            while (await house.journal.stats()).pending:  # noqa: ASYNC110 - the journal has no event for it
                await asyncio.sleep(LOOK_EVERY_S)
        arrived = await asyncio.to_thread(ask, f"{url}/arrivals")
    events = calls * EVENTS_PER_CALL
    return {
        "events": events,
        "lost": events - len(arrived["first"]),
        "resent": arrived["resent"],
        "refused": arrived["refused"],
        "last_after_s": max(arrived["first"].values(), default=well_at) - well_at,
    }
