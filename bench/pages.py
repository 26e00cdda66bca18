"""
A phone system of one list, in a process of its own: `python -m bench.pages ROWS`.

The rows are finished, answered calls of the last hours, newest first, five of each number.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
import uvloop
from aiohttp import web

ZONE: Final = ZoneInfo("Australia/Sydney")
SPAN: Final = timedelta(hours=3)  # within the look-back
CALLS_OF_A_NUMBER: Final = 5
USERS: Final = 50
DURATION_S: Final = 61
TALK_S: Final = 50


def rows_of(rows: int, now: datetime) -> list[bytes]:
    """
    Return the rows as the vendor would send them, newest first.
    """
    newest = now - timedelta(minutes=5)
    numbers = max(1, rows // CALLS_OF_A_NUMBER)
    return [orjson.dumps(row_of(row, newest - SPAN * row / rows, numbers)) for row in range(rows)]


def page_of(rows: Sequence[bytes], limit: int, offset: int) -> bytes:
    """
    Return `limit` rows from the place `offset` on.
    """
    return b"[" + b",".join(rows[offset : offset + limit]) + b"]"


def row_of(row: int, started: datetime, numbers: int) -> dict[str, Any]:
    """
    Return the row of a finished call, as the vendor shows it.
    """
    started = started.astimezone(ZONE).replace(microsecond=0)
    return {
        "from_number": f"04{row % numbers:08d}",
        "to_number": "0290001111",
        "user_name": f"User {row % USERS}",
        "is_inbound": 1,
        "call_start_at": started.isoformat(),
        "call_duration": DURATION_S,
        "call_finished_at": (started + timedelta(seconds=DURATION_S)).isoformat(),
        "conversation_duration": TALK_S,
    }


async def main() -> None:
    """
    Listen on a free port, print it, and serve until ended.
    """
    rows = rows_of(int(sys.argv[1]), datetime.now(UTC))
    pages: dict[tuple[int, int], bytes] = {}

    async def answer(request: web.Request) -> web.Response:
        asked = int(request.query["limit"]), int(request.query["offset"])
        if asked not in pages:
            pages[asked] = page_of(rows, *asked)
        return web.Response(body=pages[asked], content_type="application/json")

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
