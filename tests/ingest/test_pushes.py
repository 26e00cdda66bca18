"""
A phone system that pushes: its calls are told at once, and all of it is right though pushes get lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from relay.model.call import USER_CALLS
from relay.model.catalogue import CALL_FINISHED, CALL_STARTED
from relay.model.source_work import PUSH
from relay.model.times import from_rfc3339, rfc3339
from relay.twin.audit import Audit, audit
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.plan import WITHHELD
from relay.twin.voipcloud.settings import PushSettings, Traffic
from tests.ingest.machine import check_settled, check_stream
from tests.ingest.told import settle
from tests.ingest.world import World, twin_settings

HOOK_TOKEN: Final = "hook-token"
BUSY: Final = Traffic(calls_per_minute=1.5, variety=True)
BUSY_S: Final = 2_700
AT_ONCE: Final = timedelta(seconds=1)
FIRST_ROWS: Final = 2  # rows before the first push are not counted; a poll may be as quick as a push


@dataclass
class Hooks:
    """
    Takes what the phone system posts to the inbox of the source, as `POST /hooks/pbx` does.
    """

    world: World | None = None
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        """
        Answer a push once it is durable.
        """
        world = self.world
        if world is None or world.poll is None or request.headers["X-Pbx-Token"] != HOOK_TOKEN:
            return web.Response(status=503)
        await put_down(world, await request.json())
        return web.Response(status=202)


async def put_down(world: World, body: Mapping[str, Any]) -> None:
    """
    Put a push into the inbox, and wake the poll loop.
    """
    await world.journal.work.put_down("pbx", PUSH, body, lambda _: b"", world.now)
    assert world.poll is not None
    world.poll.wake()


@pytest.fixture
async def hooks() -> AsyncIterator[Hooks]:
    found = Hooks()
    application = web.Application()
    application.router.add_post("/hooks/pbx", found.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/pbx"
        yield found
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[World]:
    await world.open()
    try:
        yield world
    finally:
        await world.close()


def pushed_rows(world: World) -> dict[str, int]:
    """
    Return how many rows had been pushed before they were polled, and how many not.
    """
    value = world.metrics.registry.get_sample_value
    return {
        push: int(value("relay_push_rows_total", {"source": "pbx", "push": push}) or 0)
        for push in ("came", "lost")
    }


def audit_of_shown_numbers(truth: Sequence[TruthCall], events: Sequence[Mapping[str, Any]]) -> Audit:
    """
    Compare what was published with the truth, without the callers that withhold their number: pushes tell by
    an id which phones they let ring, and the truth holds those apart, as rows must.
    """
    calls = [call for call in truth if call.from_number not in WITHHELD]
    told = [event for event in events if event["data"].get("from_raw") not in (*WITHHELD, None)]
    return audit(calls, told, None)


def delays(events: list[dict[str, Any]]) -> list[timedelta]:
    """
    Return how long after the first phone rang each call was told of, of calls that were told by a phone.
    """
    started = [event["data"] for event in events if event["type"] == CALL_STARTED]
    return [
        from_rfc3339(data["observed_at"]) - min(from_rfc3339(leg["started_at"]) for leg in data["legs"])
        for data in started
        if {leg["stream"] for leg in data["legs"]} == {USER_CALLS}
    ]


@pytest.mark.parametrize("loss", [0.0, 0.3])
async def test_a_phone_system_that_pushes_is_told_at_once_and_right(
    tmp_path: Path, template: Path, hooks: Hooks, loss: float, tell_figures: Callable[[str], None]
) -> None:
    push = PushSettings(hooks.url, HOOK_TOKEN, loss)
    async with opened(World(tmp_path, template, replace(twin_settings(push=push), traffic=BUSY))) as world:
        hooks.world = world
        await world.pass_time(BUSY_S)
        world.twin.pbx.make_calls(False)
        await settle(world)
        events, rows, truth = await world.events(), pushed_rows(world), world.twin.pbx.truth()

    check_stream(events)
    check_settled(events)
    verdict = audit_of_shown_numbers(truth, events)
    assert verdict.is_clean, verdict
    assert verdict.published > 50
    legs = sum(call.legs for call in truth)
    origins = [event["data"]["origin"] for event in events if event["type"] == CALL_STARTED]
    share = rows["lost"] / sum(rows.values())
    told = f"{origins.count('push')} of {len(origins)} calls were told by one"
    tell_figures(f"pushes, {loss:.0%} lost: {rows} of {legs} rows, {told}")
    assert legs - FIRST_ROWS <= sum(rows.values()) <= legs
    if loss:
        assert 0.05 < share < loss + 0.05
        assert {"push", "live"} == set(origins)
    else:
        assert rows["lost"] <= FIRST_ROWS
        assert {"push"} == set(origins)
        assert max(delays(events)) <= AT_ONCE


async def test_a_push_that_nothing_confirms_ends_unknown(tmp_path: Path, template: Path) -> None:
    async with opened(World(tmp_path, template, twin_settings())) as world:
        await world.pass_time(60)
        told = {
            "event": "user_ringing", "unique_call_id": "nobody-knows", "is_inbound": 1, "user_name": "Nobody",
            "from_number": "0400000001", "to_number": "0290009999", "call_start_at": rfc3339(world.now),
        }  # fmt: skip
        await put_down(world, told)
        await world.pass_time(60)
        world.twin.pbx.make_calls(False)
        await settle(world)
        events, verdict = await world.events(), await world.verdict()

    own = [event for event in events if event["data"].get("from_raw") == "0400000001"]
    assert [CALL_STARTED, CALL_FINISHED] == [event["type"] for event in own][:2]
    assert ("push", "unknown", None) == (
        own[0]["data"]["origin"],
        own[1]["data"]["outcome"],
        own[1]["data"]["duration_s"],
    )
    check_stream(events)
    check_settled(events)
    assert ((), (), (), 1) == (verdict.lost, verdict.duplicated, verdict.bent, len(verdict.unexpected))
