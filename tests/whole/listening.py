"""
`relay listen` as a process: a receiver that outlives relay and keeps a line for each arrival.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from tests.whole.processes import COMMAND, ROOT, environ

END_TIMEOUT_S: Final = 20


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    One event that a request brought.
    """

    at: datetime
    id: str
    webhook_id: str
    subject: str
    revision: int
    is_again: bool
    verdict: str


class ListeningProcess:
    """
    The receiver, its URL, and what it has printed.
    """

    def __init__(self, url: str, lines: Path, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._lines = lines
        self._session = session

    async def control(self, **said: object) -> dict[str, Any]:
        """
        Change how it fails; return what came so far.
        """
        async with self._session.post(f"{self.url}_control", json=said) as answer:
            assert 200 == answer.status, await answer.text()
            summary: dict[str, Any] = (await answer.json())["summary"]
        return summary

    def arrivals(self) -> list[Arrival]:
        """
        Return every arrival, in order.
        """
        told = [orjson.loads(line) for line in self._lines.read_bytes().splitlines()]
        return [
            Arrival(
                datetime.fromisoformat(one["at"]), one["id"], one["webhook_id"], one["subject"],
                one["revision"], one["seen_before"], one["verdict"],
            )
            for one in told
            if "verdict" in one
        ]  # fmt: skip


@asynccontextmanager
async def listening(
    folder: Path, secret: str, session: aiohttp.ClientSession
) -> AsyncIterator[ListeningProcess]:
    """
    Run `relay listen` inside the block.
    """
    lines = folder / "arrivals.jsonl"
    with lines.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "listen", "--listen", "127.0.0.1:0", "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=file, cwd=ROOT,
            env=environ() | {"RELAY_LISTEN_SECRET": secret},
        )  # fmt: skip
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            while not (said := lines.read_bytes()).endswith(b"\n"):
                assert process.returncode is None
                await asyncio.sleep(0.02)
        yield ListeningProcess(orjson.loads(said)["url"], lines, session)
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(END_TIMEOUT_S):
            await process.wait()
