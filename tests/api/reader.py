"""
A reader of the event stream: connects, reads block by block, knows where it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

NO_DEADLINE = aiohttp.ClientTimeout(total=20)


@dataclass(frozen=True)
class Block:
    """
    One block of the stream; `event` and `data` are None where it carries none, `is_comment` tells why.
    """

    id: str | None
    event: str | None
    data: Any
    is_comment: bool


class Reader:
    """
    Reads one connection; `last_event_id` follows the standard: a block without data moves it, too.
    """

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last_event_id = ""

    async def block(self) -> Block | None:
        """
        Return the next block, None at the end.
        """
        lines: dict[str, str] = {}
        while True:
            line = (await self.answer.content.readline()).decode()
            if not line:
                return None
            if line == "\n":
                break
            name, _, value = line.rstrip("\n").partition(":")
            lines[name] = value.removeprefix(" ")
        self.last_event_id = lines.get("id", self.last_event_id)
        data = orjson.loads(lines["data"]) if "data" in lines else None
        return Block(lines.get("id"), lines.get("event"), data, "" in lines)

    async def events(self, count: int) -> list[int]:
        """
        Return the seqs of the next so many events.
        """
        seqs: list[int] = []
        while len(seqs) < count:
            block = await self.block()
            if block is None:
                break
            if block.data is not None:
                seqs.append(int(self.last_event_id))
        return seqs


@asynccontextmanager
async def reading(
    client: aiohttp.ClientSession, parameters: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Reader]:
    """
    Connect to the stream, and disconnect rudely at the end.
    """
    path = "/v1/events/stream" + (f"?{parameters}" if parameters else "")
    async with client.get(path, headers=headers, timeout=NO_DEADLINE) as answer:
        assert 200 == answer.status, await answer.read()
        try:
            yield Reader(answer)
        finally:
            answer.close()
