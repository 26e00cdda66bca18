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
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.child import BenchFailed
from bench.events import EVENTS_PER_CALL, call_changes
from bench.figures import p50_p99
from bench.hanging import all_arrived
from bench.house import House, delivering, open_house
from bench.paced import WARM_UP_S, Timetable
from bench.resident import Memory
from relay.model.ids import IdMaker

FIRST_CALLS: Final = 100
COPIES_AT_ONCE: Final = 100
FLOWING_S: Final = 3.0
LOOK_EVERY_S: Final = 0.005
PATIENCE_S: Final = 60.0
OTHERS_PER_S: Final = 200
ENDPOINT: Final = "endpoint0"

# Ids, subjects and keys rise with the copies, so that every index grows at its end.
COPIES: Final = (
    "WITH RECURSIVE copies (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM copies WHERE n + 1 < :end)"
)
COPY_EVENTS: Final = f"""
{COPIES}
INSERT INTO events (seq, id, type, source_id, subject, subject_key, revision, occurred_ms, recorded_ms, body)
SELECT seq + n * :rows, printf('evt_copy_%012d', seq + n * :rows), type, source_id,
    printf('call/copy/%09d-%s', n, subject), n * :rows + (seq - :low) / {EVENTS_PER_CALL}, revision,
    occurred_ms, recorded_ms, body
FROM copies CROSS JOIN events WHERE seq BETWEEN :low AND :high
"""  # noqa: S608 - our own words
COPY_DELIVERIES: Final = f"""
{COPIES}
INSERT INTO deliveries (endpoint_no, seq, job, subject_key, status, due_ms, attempts)
SELECT endpoint_no, seq + n * :rows, job, n * :rows + (seq - :low) / {EVENTS_PER_CALL}, status, due_ms,
    attempts
FROM copies CROSS JOIN deliveries WHERE endpoint_no = :no AND seq BETWEEN :low AND :high
"""  # noqa: S608 - our own words


async def pending_few(params: dict[str, Any]) -> dict[str, float]:
    """
    Have `rows` deliveries wait in the journal at `path` for the paused endpoint at `url`; return the memory
    of a relay with a few.
    """
    path = Path(params["path"])
    async with open_house([f"{params['url']}/00"], path=path) as house, delivering(house):
        await house.deliver.pause(ENDPOINT)
        await house.append_all(call_changes(house.ids, FIRST_CALLS))
        few_mb = Memory().look_mb()
    _copy(path, params["rows"])
    return {"few_mb": few_mb}


async def pending(params: dict[str, Any]) -> dict[str, float]:
    """
    Open that journal in a process that did not make it; return memory with all that waits, the latencies of
    another endpoint beside it, the highest memory while it goes out, and the time from resuming to the first
    good answer.
    """
    memory, url = Memory(), params["url"]
    urls = [f"{url}/00", f"{url}/01"]
    async with open_house(urls, path=Path(params["path"])) as house, delivering(house):
        waiting = (await house.journal.stats()).pending
        all_mb = memory.look_mb()
        others = await _others(house, url, params["others_s"])
        first_s = await _resumed(house, memory)
    if waiting < params["rows"]:
        raise BenchFailed(f"only {waiting} deliveries wait")
    return {
        "pending": waiting,
        "rss_mb": all_mb,
        "peak_mb": memory.peak_mb,
        "resumed_ms": first_s * 1000,
        "others_p50_ms": others["p50_ms"],
        "others_p99_ms": others["p99_ms"],
    }


async def _others(house: House, url: str, seconds: float) -> dict[str, float]:
    timetable = Timetable(replace(house, ids=IdMaker(b"calls of the others")), OTHERS_PER_S, 1)
    for stretch_s in (WARM_UP_S, seconds):
        timetable.prepare(stretch_s)
        await timetable.run()
    arrived = await all_arrived(url, ["/01"], timetable.called)
    return p50_p99([arrived[f"/01{event_id}"] - at for event_id, at in timetable.called.items()])


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
        told = database.execute("SELECT endpoint_no, min(seq), max(seq) FROM deliveries GROUP BY 1")
        no, low, high = told.fetchone()
        rows = high - low + 1
        for first, end in _shares(-(-wanted // rows)):
            database.execute("BEGIN IMMEDIATE")
            numbers = {"first": first, "end": end, "rows": rows, "no": no, "low": low, "high": high}
            database.execute(COPY_EVENTS, numbers)
            database.execute(COPY_DELIVERIES, numbers)
            database.execute("UPDATE meta SET last_seq = (SELECT max(seq) FROM events)")
            database.execute("COMMIT")


def _shares(copies: int) -> Iterator[tuple[int, int]]:
    # The first are there already; each share is one transaction.
    for first in range(1, copies + 1, COPIES_AT_ONCE):
        yield first, min(first + COPIES_AT_ONCE, copies + 1)
