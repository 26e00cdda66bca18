"""
An endpoint made while events flow gets all that matches after its start, and nothing before.
"""

from __future__ import annotations

import asyncio

from tests.api.conftest import Api
from tests.journal.making import append_of, call_change

CALLS_EACH = 150


async def test_an_endpoint_made_while_two_write_misses_nothing_after_its_start(api: Api) -> None:
    written = asyncio.Event()

    async def write(name: str) -> None:
        for number in range(CALLS_EACH):
            await api.append(append_of(call_change(f"{name}{number}", events=2)))
            if number == CALLS_EACH // 3:
                written.set()

    async def register() -> list[dict[str, object]]:
        await written.wait()
        return [await api.made(id=name, events=["call.*"]) for name in ("one", "two", "three")]

    async with asyncio.TaskGroup() as group:
        for name in ("a", "b"):
            group.create_task(write(name))
        registering = group.create_task(register())
    made = registering.result()
    last = await api.journal.reading.last_seq()
    await api.settled()

    by_endpoint: dict[str, list[int]] = {str(one["id"]): [] for one in made}
    names = dict(enumerate(by_endpoint, start=1))
    for delivery in api.sink.delivered:
        by_endpoint[names[delivery.endpoint_no]].append(delivery.seq)
    assert 4 * CALLS_EACH == last
    for one in made:
        start = one["start_seq"]
        assert isinstance(start, int)
        assert 0 < start < last
        assert list(range(start + 1, last + 1)) == sorted(by_endpoint[str(one["id"])])
