"""
A relay that is killed while it appends and delivers as fast as it can, and the one that comes after it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bench.events import whole_changes
from bench.house import House, delivering, open_house
from relay.model.change import CallChange

AT_ONCE: Final = 100  # calls
LOOK_EVERY_S: Final = 0.002
PATIENCE_S: Final = 60.0


async def killed(params: dict[str, Any]) -> dict[str, float]:
    """
    Open the journal at `path`, say so in a line, and append and deliver calls to `url` until killed.

    With `calls` append so many more and deliver none; with 0 append none, and deliver what waits.

    Returns:
        How many deliveries waited when it was ready, and when that was (CLOCK_MONOTONIC).
    """
    path, calls = Path(params["path"]), params["calls"]
    known = _known_calls(path)
    async with open_house([f"{params['url']}/00"], path=path) as house:
        waiting = (await house.journal.stats()).pending
        changes = islice(whole_changes(house.ids), known, None)
        if calls:
            await house.append_all([*islice(changes, calls)])
            return {"waiting": (await house.journal.stats()).pending}
        async with delivering(house):
            ready_at = time.monotonic()
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            if calls is None:
                await _append_for_ever(house, changes)
            async with asyncio.timeout(PATIENCE_S):
                while (await house.journal.stats()).pending:  # noqa: ASYNC110 - the journal has no event for it
                    await asyncio.sleep(LOOK_EVERY_S)
    return {"waiting": waiting, "ready_at": ready_at}


async def _append_for_ever(house: House, changes: Iterator[CallChange]) -> None:
    while True:
        await house.append_all([*islice(changes, AT_ONCE)])


def _known_calls(path: Path) -> int:
    """
    Return how many calls a journal has: they are made in order, each in one transaction.
    """
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as direct:
        return int(direct.execute("SELECT count(*) FROM calls").fetchone()[0])
