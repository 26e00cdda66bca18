"""
What happens while relay is away is told once it is back; what it was doing when asked to stop is finished.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from relay.model.catalogue import CALL_STARTED
from relay.twin.voipcloud.settings import Traffic
from tests.whole.conftest import SetUp
from tests.whole.processes import END_TIMEOUT_S
from tests.whole.scene import Wishes

pytestmark = pytest.mark.whole

CALLS = 3


async def test_a_call_that_ends_while_relay_is_down_is_told_after_the_restart(set_up: SetUp) -> None:
    scene = await set_up(Traffic(speed=20, stop_after=0))
    await scene.relay.start()
    users = scene.twin.pbx.office.users[:CALLS]
    for number, user in enumerate(users):
        assert scene.twin.pbx.dial(user.number, f"041234567{number}")

    async def is_started() -> bool:
        return CALLS == [event["type"] for event in scene.receiver.events.values()].count(CALL_STARTED)

    await scene.relay.wait_for(is_started, "started")
    await scene.relay.kill()
    ends_before = {
        event["subject"] for event in scene.receiver.events.values() if event["data"].get("ended_at")
    }
    await scene.relay.wait_for(scene.is_over, "over", 60)
    await scene.relay.start()
    await scene.relay.wait_for(scene.is_told, "told")
    code = await scene.relay.stop()

    result = await scene.audited()
    assert (0, CALLS, True) == (code, result.delivered, result.is_clean)
    assert len(ends_before) < CALLS


class PatientReceiver:
    """
    Keeps every request waiting until it is told to answer.
    """

    def __init__(self) -> None:
        self.url = ""
        self.ids: Counter[str] = Counter()
        self.waiting = asyncio.Semaphore(0)
        self.may_answer = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post("/", self._receive)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            yield
        finally:
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        await request.read()
        self.ids[request.headers["webhook-id"]] += 1
        self.waiting.release()
        await self.may_answer.wait()
        return web.Response(status=204)


async def test_deliveries_in_flight_are_finished_before_relay_ends(set_up: SetUp) -> None:
    receiver = PatientReceiver()
    async with receiver.listening():
        wishes = Wishes(receiver_url=receiver.url)
        scene = await set_up(Traffic(speed=20, past_calls=20, stop_after=0), wishes)
        await scene.relay.start()
        async with asyncio.timeout(END_TIMEOUT_S):
            for _ in range(CALLS):
                await receiver.waiting.acquire()
        scene.relay.terminate()
        # The signal came before this request: once it is answered, relay knows that it is to stop.
        assert "ok\n" == await scene.relay.get("/livez")
        receiver.may_answer.set()
        code = await scene.relay.ended()
        finished = dict(receiver.ids)
        recorded = {event.id for event in await scene.journal_events()}
        await scene.relay.start()

        async def has_all() -> bool:
            return recorded <= receiver.ids.keys()

        await scene.relay.wait_for(has_all, "delivered")
        await scene.relay.stop()

    assert (0, {1}) == (code, set(finished.values()))
    assert CALLS <= len(finished) < len(recorded)
    assert finished == {event_id: receiver.ids[event_id] for event_id in finished}
