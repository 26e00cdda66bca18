"""
A dialer calls the URLs that were set up for events, with its variables filled in, and loses a share of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web

from relay.testing.manual_clock import ManualClock
from relay.twin.vicidial.script import Script
from relay.twin.vicidial.server import RunningDialer, start_dialer_twin
from relay.twin.vicidial.settings import DialerTwinSettings, Floor, HookUrls
from tests.twin.vicidial.asking_dialer import BUSY, QUIET, START

DEADLINE_S = 20.0
CALL = (
    "?token=secret&event={event}&call_id=--A--call_id--B--&lead_id=--A--lead_id--B--&user=--A--user--B--"
    "&phone_number=--A--phone_number--B--&uniqueid=--A--uniqueid--B--&campaign=--A--campaign--B--"
    "&dispo=--A--dispo--B--&talk_time=--A--talk_time--B--&unknown=--A--shoe_size--B--"
)
AGENT_EVENT = (
    "?user=--A--user--B--&event=--A--event--B--&message=--A--message--B--&lead_id=--A--lead_id--B--"
    "&counter=--A--counter--B--&epoch=--A--epoch--B--&agent_log_id=--A--agent_log_id--B--"
)
Hook = dict[str, str]


@asynccontextmanager
async def receiving(status: int = 200) -> AsyncIterator[tuple[str, list[Hook]]]:
    """
    Take the requests of a dialer; yields their URL and what came.
    """
    taken: list[Hook] = []

    async def take(request: web.Request) -> web.Response:
        taken.append({"path": request.path, **request.query})
        return web.Response(status=status)

    application = web.Application()
    application.router.add_get("/{name}", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", taken
    finally:
        await runner.cleanup()


def hooks(url: str, loss: float = 0.0) -> HookUrls:
    names = {
        name: f"{url}/{name}{CALL.format(event=name)}" for name in ("start", "dispo", "no_agent", "dead")
    }
    return HookUrls(**names, agent_events=f"{url}/agent_events{AGENT_EVENT}", loss=loss)


@asynccontextmanager
async def calling(
    settings: DialerTwinSettings, urls: HookUrls
) -> AsyncIterator[tuple[RunningDialer, ManualClock]]:
    clock = ManualClock(START)
    running = await start_dialer_twin(replace(settings, hooks=urls), clock)
    try:
        yield running, clock
    finally:
        await running.close()


async def settled(running: RunningDialer) -> dict[str, int]:
    """
    Return the counts once nothing waits.
    """
    assert running.twin.hooks is not None
    async with asyncio.timeout(DEADLINE_S):
        while True:
            counts = running.twin.hooks.as_json()
            if counts["waiting"] == 0:
                return counts
            await asyncio.sleep(0.005)


async def test_the_urls_of_a_call_get_what_is_known_of_it_at_that_moment() -> None:
    async with receiving() as (url, taken), calling(QUIET, hooks(url)) as (running, clock):
        script = Script(running.world)
        call = script.call("1001", lead_id=101)
        script.put("1001", "INCALL")
        clock.advance(12)
        running.twin.bring_up()
        script.put("1001", "INCALL", "DEAD")
        script.dispose("1001", "NI")
        await settled(running)
    told = {
        "token": "secret", "call_id": call.call_id, "lead_id": "101", "user": "1001",
        "uniqueid": call.uniqueid, "phone_number": "7275500101", "campaign": "TESTCAMP",
        "unknown": "--A--shoe_size--B--",
    }  # fmt: skip

    assert [
        {"path": "/start", "event": "start", **told, "dispo": "INCALL", "talk_time": ""},
        {"path": "/dead", "event": "dead", **told, "dispo": "INCALL", "talk_time": "12"},
        {"path": "/dispo", "event": "dispo", **told, "dispo": "NI", "talk_time": "12"},
    ] == [hook for hook in taken if hook["path"] != "/agent_events"]


async def test_agent_events_are_counted_and_told_in_order() -> None:
    async with receiving() as (url, taken), calling(QUIET, hooks(url)) as (running, _):
        script = Script(running.world)
        for state in (("READY", ""), ("INCALL", ""), ("INCALL", "PARK"), ("INCALL", ""), ("PAUSED", "DISPO")):
            script.put("1001", *state)
        script.dispose("1001")
        script.put("1001", "LOGGED_OUT")
        await settled(running)
    events = [hook for hook in taken if hook["path"] == "/agent_events"]

    assert [
        "logged_in", "state_ready", "call_answered", "park_started", "park_retrieved", "dispo_screen_open",
        "dispo_set", "logged_out",
    ] == [event["event"] for event in events]  # fmt: skip
    assert [str(number) for number in range(1, 9)] == [event["counter"] for event in events]
    assert {
        "path": "/agent_events", "user": "1001", "event": "call_answered", "message": "7275500101",
        "lead_id": "101", "counter": "3", "epoch": "1795248343", "agent_log_id": "1",
    } == events[2]  # fmt: skip


async def test_a_caller_who_gives_up_is_told_as_no_agent() -> None:
    async with receiving() as (url, taken), calling(QUIET, hooks(url)) as (running, _):
        script = Script(running.world)
        call = script.incoming()
        script.give_up(call)
        await settled(running)

    assert [("/no_agent", call.call_id, "VDCL", "DROP")] == [
        (hook["path"], hook["call_id"], hook["user"], hook["dispo"]) for hook in taken
    ]


async def test_a_living_dialer_tells_of_every_call_without_being_asked() -> None:
    async with receiving() as (url, taken), calling(BUSY, hooks(url)) as (running, clock):
        await clock.wait_for_sleepers(1)
        clock.advance(300)
        await clock.wait_for_sleepers(1)
        counts = await settled(running)
        calls = running.world.exchange.calls
    paths = Counter(hook["path"] for hook in taken)

    assert sum(call.answered_ms is not None for call in calls) == paths["/start"]
    assert sum(call.status == "DROP" for call in calls) == paths["/no_agent"]
    assert {"sent": len(taken), "lost": 0, "failed": 0, "waiting": 0} == counts


async def test_a_share_is_lost_and_refusals_are_counted() -> None:
    async with receiving(503) as (url, taken), calling(BUSY, hooks(url, loss=0.5)) as (running, clock):
        await clock.wait_for_sleepers(1)
        clock.advance(300)
        await clock.wait_for_sleepers(1)
        counts = await settled(running)

    assert counts["failed"] == len(taken) > 0
    assert 0.3 < counts["lost"] / (counts["lost"] + counts["failed"]) < 0.7


async def test_nobody_is_told_of_the_past() -> None:
    past = replace(BUSY, floor=Floor(past_s=600))
    async with receiving() as (url, taken), calling(past, hooks(url)) as (running, _):
        counts = await settled(running)

        assert running.world.exchange.calls
        assert ([], 0) == (taken, counts["sent"])
