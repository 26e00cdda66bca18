"""
Everything that people may do to an endpoint, in any order, while events flow and attempts fail.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from relay.model.endpoint import Delivery
from relay.model.errors import Conflict
from relay.model.listing import DeliveryKey
from relay.model.outcome import Delivered, GiveUp, Outcome, TryLater
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, append_of, call_change, endpoint_spec
from tests.pipeline.conftest import Delivering, delivering
from tests.pipeline.test_deliver import assert_in_order, query

CRM = endpoint_spec("crm")


class People:
    """
    Do something to the endpoint, whatever comes to mind.
    """

    def __init__(self, rng: random.Random, running: Delivering) -> None:
        self._rng = rng
        self._running = running

    async def act(self) -> None:
        """
        Do one thing.
        """
        await self._rng.choice(
            [self._pause, self._resume, self._resume, self._change, self._other, self._resend]
        )()

    async def _pause(self) -> None:
        try:
            await self._running.deliver.pause("crm")
        except Conflict:
            await self._resume()

    async def _resume(self) -> None:
        await self._running.deliver.resume("crm")

    async def _change(self) -> None:
        url = f"https://crm.example.com/{self._rng.randrange(3)}"
        changed = replace(CRM, url=url, max_in_flight=self._rng.choice([1, 3, 64]))
        await self._running.journal.registry.change_registered(changed, NOW)
        await self._running.deliver.refresh()

    async def _other(self) -> None:
        name = f"other-{self._rng.randrange(1_000_000)}"
        await self._running.create(endpoint_spec(name))
        await self._running.journal.registry.delete_endpoint(name, NOW)
        await self._running.deliver.refresh()

    async def _resend(self) -> None:
        found = await self._running.journal.events_after(0, 1, 1_000)
        try:
            key = DeliveryKey("crm", found[0].id, 0)
            await self._running.journal.registry.resend(key, lambda _: b"", NOW, None)
        except (Conflict, IndexError):
            return
        self._running.deliver.resent("crm")


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_lost_or_overtaken(journal_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    revisions: dict[str, int] = defaultdict(int)
    delivered: list[Delivery] = []
    is_calm = False

    def moody(_: Delivery) -> Outcome:
        bad: list[Outcome] = [TryLater("timeout"), TryLater("http_5xx", 503), GiveUp("http_410", 410)]
        return Delivered(200) if is_calm or rng.random() < 0.7 else rng.choice(bad)

    async def write(running: Delivering) -> None:
        for _ in range(30):
            name = f"c{rng.randrange(8)}"
            change = call_change(name, 1, revisions[name] + 1)
            revisions[name] += 1
            await running.append(append_of(change))

    for turn in range(3):
        sink = RecordingSink(moody)
        is_calm = False
        async with delivering(journal_path, {}, of_file=[], open_sink=lambda _, sink=sink: sink) as running:  # type: ignore[misc]
            if turn == 0:
                await running.create(CRM)
            people, writing = People(rng, running), asyncio.create_task(write(running))
            for _ in range(15):
                await people.act()
            await writing
            is_calm = turn == 2
            if is_calm:
                await running.deliver.resume("crm")
                await until_all_is_settled(running, journal_path)
        delivered += sink.delivered

    in_order = [delivery for delivery in delivered if delivery.endpoint_no == 1 and delivery.job == 0]
    made = query(journal_path, "SELECT seq FROM deliveries WHERE endpoint_no = 1 AND job = 0")
    assert sorted(seq for (seq,) in made) == sorted({delivery.seq for delivery in in_order})  # type: ignore[type-var]
    assert_in_order(in_order)
    assert [("delivered",)] == query(
        journal_path, "SELECT DISTINCT status FROM deliveries WHERE endpoint_no = 1"
    )


async def until_all_is_settled(running: Delivering, path: Path) -> None:
    """
    Return once nothing waits for the endpoint, resends too; a 410 from before may still disable it.
    """
    waiting = "SELECT count(*) FROM deliveries WHERE endpoint_no = 1 AND status = 'pending'"
    async with asyncio.timeout(20):
        while query(path, waiting) != [(0,)]:
            await running.journal.endpoint_head(1)  # a round trip: meanwhile the loops go on
            if query(path, "SELECT state FROM endpoints WHERE no = 1") != [("healthy",)]:
                await running.deliver.resume("crm")
