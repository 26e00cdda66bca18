"""
A phone system that pushes posts five triggers, loses a share of them, and counts what became of each.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.testing.manual_clock import ManualClock
from relay.twin.voipcloud.pushes import Pushes
from relay.twin.voipcloud.server import RunningTwin, start_twin
from relay.twin.voipcloud.settings import PushSettings
from tests.twin.asking import BUSY, LATE
from tests.twin.office import EVERYTHING

DEADLINE_S = 20.0
Push = dict[str, Any]


class Receiver:
    """
    Takes pushes, and answers `status`.
    """

    def __init__(self, status: int = 204) -> None:
        self.status = status
        self.pushes: list[Push] = []
        self.tokens: set[str] = set()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers["X-Pbx-Token"])
        self.pushes.append(await request.json())
        return web.Response(status=self.status)


@asynccontextmanager
async def receiving(status: int = 204) -> AsyncIterator[Receiver]:
    receiver = Receiver(status)
    application = web.Application()
    application.router.add_post("/hooks", receiver.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def pushing(url: str, loss: float = 0.0) -> AsyncIterator[tuple[RunningTwin, ManualClock]]:
    clock = ManualClock(LATE)
    running = await start_twin(replace(BUSY, push=PushSettings(url, "hook", loss)), clock)
    try:
        yield running, clock
    finally:
        await running.close()


async def pushed(running: RunningTwin, clock: ManualClock, seconds: float = 900) -> dict[str, int]:
    """
    Let time pass, without asking the phone system anything, until every trigger went its way.
    """
    assert running.twin.pushes is not None
    await clock.wait_for_sleepers(1)
    clock.advance(seconds)
    async with asyncio.timeout(DEADLINE_S):
        while True:
            counts = running.twin.pushes.as_json()
            if counts["waiting"] == 0 and sum(counts.values()) > 100:
                return counts
            await asyncio.sleep(0.01)


async def test_five_triggers_tell_of_a_call_while_it_goes_on() -> None:
    async with receiving() as receiver, pushing(receiver.url) as (running, clock):
        counts = await pushed(running, clock)
        rows = {stream: running.pbx.streams[stream].page(EVERYTHING, 2**40) for stream in CALL_STREAMS}

    triggers = Counter(push["event"] for push in receiver.pushes)
    assert {"user_ringing", "user_answered", "user_completed", "queue_summary", "ringgroup_summary"} == set(
        triggers
    )
    assert (sum(triggers.values()), 0, 0, 0) == tuple(
        counts[n] for n in ("sent", "lost", "failed", "waiting")
    )
    assert {"hook"} == receiver.tokens
    assert len(rows[USER_CALLS]) == triggers["user_ringing"]
    assert (len(rows[QUEUE_CALLS]), len(rows[RINGGROUP_CALLS])) == (
        triggers["queue_summary"],
        triggers["ringgroup_summary"],
    )


async def test_the_fields_are_those_of_the_rows_and_what_joins_them() -> None:
    async with receiving() as receiver, pushing(receiver.url) as (running, clock):
        await pushed(running, clock)

    by_event = {push["event"]: push for push in receiver.pushes}
    user = {
        "event", "unique_call_id", "from_number", "to_number", "user_name", "is_inbound", "call_start_at",
        "call_duration", "call_finished_at", "conversation_duration", "call_answered_at",
    }  # fmt: skip
    summary = {
        "event", "unique_call_id", "callerid", "inbound_number", "call_start_at", "call_answered_at",
        "call_finished_at", "answered_by_user_name", "status",
    }  # fmt: skip
    for event in ("user_ringing", "user_answered", "user_completed"):
        assert user == set(by_event[event])
    assert summary | {"queue_name"} == set(by_event["queue_summary"])
    assert summary | {"ring_group_name"} == set(by_event["ringgroup_summary"])
    assert (None, None) == tuple(
        by_event["user_ringing"][n] for n in ("call_answered_at", "call_finished_at")
    )
    assert by_event["user_answered"]["call_answered_at"] > by_event["user_answered"]["call_start_at"]
    assert by_event["user_answered"]["call_finished_at"] is None
    assert by_event["user_completed"]["call_finished_at"]
    answered = next(
        push for push in receiver.pushes if push["event"] == "queue_summary" and push["call_answered_at"]
    )
    phones = [
        push
        for push in receiver.pushes
        if push["unique_call_id"] == answered["unique_call_id"] and push["event"] == "user_answered"
    ]
    assert [answered["answered_by_user_name"]] == [push["user_name"] for push in phones]
    assert [answered["call_answered_at"]] == [push["call_answered_at"] for push in phones]


async def test_a_share_is_lost_and_the_same_seed_loses_the_same() -> None:
    told = []
    for _ in range(2):
        async with receiving() as receiver, pushing(receiver.url, loss=0.4) as (running, clock):
            counts = await pushed(running, clock)
            told.append((counts, [push["unique_call_id"] for push in receiver.pushes]))

    counts, _ = told[0]
    assert told[0] == told[1]
    assert 0.3 < counts["lost"] / (counts["lost"] + counts["sent"]) < 0.5


async def test_a_receiver_that_refuses_or_is_away_is_counted_and_shown() -> None:
    async with receiving(500) as receiver, pushing(receiver.url) as (running, clock):
        counts = await pushed(running, clock)
        async with aiohttp.ClientSession() as session, session.get(f"{running.url}/truth") as answer:
            shown = (await answer.json())["pushes"]

    assert counts == shown
    assert (0, len(receiver.pushes)) == (counts["sent"], counts["failed"])
    async with pushing(receiver.url) as (running, clock):  # which listens no more
        counts = await pushed(running, clock)
    assert (0, True) == (counts["sent"], counts["failed"] > 100)


async def test_more_than_can_wait_are_given_up() -> None:
    pushes = Pushes(PushSettings("http://127.0.0.1:9/hooks", "hook"), seed=1)

    for _ in range(10_003):
        pushes.trigger("user_ringing", "call-1", {})

    assert {"sent": 0, "lost": 0, "failed": 3, "waiting": 10_000} == pushes.as_json()


@pytest.mark.parametrize(("url", "loss"), [("127.0.0.1/hooks", 0.0), ("http://x", 1.5), ("http://x", -0.1)])
def test_push_settings_that_make_no_sense_are_refused(url: str, loss: float) -> None:
    with pytest.raises(ValueError, match="push"):
        PushSettings(url, "hook", loss)
