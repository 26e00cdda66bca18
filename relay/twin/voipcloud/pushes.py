"""
The webhooks of the VoIPcloud family: five triggers, posted as JSON with `X-Pbx-Token`, some of them lost.

Their bodies have the fields of the polled rows and, besides, `event`, the trigger; `unique_call_id`, which
all triggers of a conversation share and polled rows lack; and, of a user, `call_answered_at`.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from http import HTTPStatus
from random import Random
from typing import Any, Final

import aiohttp

from relay.twin.voipcloud.settings import PushSettings

TIMEOUT_S: Final = 2.0
MOST_WAITING: Final = 10_000


@dataclass(slots=True)
class PushCounts:
    """
    What became of the triggers: `sent` were taken by the receiver with 2xx, `lost` were never sent.

    `failed` were refused, not answered in time, or too many to wait.
    """

    sent: int = 0
    lost: int = 0
    failed: int = 0


class Pushes:
    """
    Posts one trigger after the other, without a second try, as these phone systems do.
    """

    def __init__(self, settings: PushSettings, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._rng = Random(f"{seed} pushes")  # noqa: S311 (losses that can be repeated)
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)
        self._counts = PushCounts()
        self._is_posting = False

    def trigger(self, name: str, call: str, row: dict[str, Any]) -> None:
        """
        Post a trigger soon, or lose it; `call` tells the conversation.
        """
        if self._rng.random() < self._settings.loss:
            self._counts.lost += 1
            return
        try:
            self._waiting.put_nowait({"event": name, "unique_call_id": self._id_of(call), **row})
        except asyncio.QueueFull:
            self._counts.failed += 1

    def as_json(self) -> dict[str, int]:
        """
        Return the counts, and how many triggers wait or are on their way.
        """
        return {**asdict(self._counts), "waiting": self._waiting.qsize() + self._is_posting}

    def _id_of(self, call: str) -> str:
        return f"{self._seed}-{call.partition('/')[0]}"  # the parts of a withheld call share one

    async def run(self) -> None:
        """
        Post until cancelled.
        """
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        headers = {"X-Pbx-Token": self._settings.token}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            while True:
                body = await self._waiting.get()
                self._is_posting = True
                if await self._is_taken(session, body):
                    self._counts.sent += 1
                else:
                    self._counts.failed += 1
                self._is_posting = False

    async def _is_taken(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> bool:
        try:
            async with session.post(self._settings.url, json=body, allow_redirects=False) as answer:
                return answer.status < HTTPStatus.MULTIPLE_CHOICES
        except (aiohttp.ClientError, TimeoutError):
            return False
