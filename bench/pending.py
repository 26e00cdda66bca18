"""
A paused endpoint with very many deliveries pending: what they keep in memory, and how soon it is resumed.

A few calls are appended to the paused endpoint by relay itself; then its rows are copied in the closed
journal, each copy another subject and other ids, and relay is opened on what that made.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.child import BenchFailed
from bench.events import EVENTS_PER_CALL, call_changes
from bench.house import House, delivering, open_house
from bench.resident import Memory

FIRST_CALLS: Final = 100
COPIES_AT_ONCE: Final = 500
FLOWING_S: Final = 3.0
LOOK_EVERY_S: Final = 0.005
PATIENCE_S: Final = 60.0
ENDPOINT: Final = "endpoint0"

# The subject's key is a number of 63 bits; a step of an odd number keeps those of all copies apart.
COPY_EVENTS: Final = """
WITH RECURSIVE copies (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM copies WHERE n + 1 < :end)
INSERT INTO events (seq, id, type, source_id, subject, subject_key, revision, occurred_ms, recorded_ms, body)
SELECT seq + n * :rows, id || '_' || n, type, source_id, subject || '-' || n, subject_key / 2 + n * 7919,
    revision, occurred_ms, recorded_ms, body
FROM copies, (SELECT * FROM events WHERE seq <= :rows) ORDER BY n, seq
"""
COPY_DELIVERIES: Final = """
WITH RECURSIVE copies (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM copies WHERE n + 1 < :end)
INSERT INTO deliveries (endpoint_no, seq, job, subject_key, status, due_ms, attempts)
SELECT endpoint_no, seq + n * :rows, job, subject_key / 2 + n * 7919, status, due_ms, attempts
FROM copies, (SELECT * FROM deliveries WHERE seq <= :rows) ORDER BY n, seq
"""


async def pending(params: dict[str, Any]) -> dict[str, float]:
    """
    Have `rows` deliveries wait for the paused endpoint at `url`; return memory with a few and with all, the
    highest while they go out, and the time from resuming to the first arrival.
    """
    memory = Memory()
    with TemporaryDirectory(prefix="relay-bench-") as folder:
        path = Path(folder) / "relay.db"
        async with open_house([f"{params['url']}/00"], path=path) as house, delivering(house):
            await house.deliver.pause(ENDPOINT)
            await house.append_all(call_changes(house.ids, FIRST_CALLS))
            few_mb = memory.look_mb()
        await asyncio.to_thread(_copy, path, params["rows"])
        async with open_house([f"{params['url']}/00"], path=path) as house, delivering(house):
            waiting = (await house.journal.stats()).pending
            all_mb = memory.look_mb()
            first_s = await _resumed(house, memory)
    if waiting < params["rows"]:
        raise BenchFailed(f"only {waiting} deliveries wait")
    return {
        "pending": waiting, "few_mb": few_mb, "rss_mb": all_mb, "peak_mb": memory.peak_mb,
        "resumed_ms": first_s * 1000,
    }  # fmt: skip


async def _resumed(house: House, memory: Memory) -> float:
    """
    Resume, and return the time to the first good answer; look at memory for some time more.
    """
    delivered = house.delivered(ENDPOINT)
    before, resumed = delivered(), time.monotonic()
    await house.deliver.resume(ENDPOINT)
    async with asyncio.timeout(PATIENCE_S):
        while delivered() == before:  # noqa: ASYNC110 - a metric
            await asyncio.sleep(LOOK_EVERY_S)
    first_s = time.monotonic() - resumed
    while time.monotonic() < resumed + FLOWING_S:
        await asyncio.sleep(LOOK_EVERY_S)
        memory.look()
    return first_s


def _copy(path: Path, wanted: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        ((rows,),) = database.execute("SELECT max(seq) FROM events")
        for first, end in _shares(-(-wanted // (FIRST_CALLS * EVENTS_PER_CALL))):
            database.execute("BEGIN IMMEDIATE")
            for statement in (COPY_EVENTS, COPY_DELIVERIES):
                database.execute(statement, {"first": first, "end": end, "rows": rows})
            database.execute("UPDATE meta SET last_seq = (SELECT max(seq) FROM events)")
            database.execute("COMMIT")


def _shares(copies: int) -> Iterator[tuple[int, int]]:
    # The first are there already; each share is one transaction.
    for first in range(1, copies + 1, COPIES_AT_ONCE):
        yield first, min(first + COPIES_AT_ONCE, copies + 1)
