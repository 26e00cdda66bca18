"""
relay killed at random moments while a backlog of webhooks goes out: what the receiver, another process, saw.

`--deep` kills twenty times, from another seed each time, and holds relay to its figure as well.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from relay.model.event import StoredEvent
from relay.twin.voipcloud.settings import Traffic
from tests.whole.conftest import SetUp
from tests.whole.listening import Arrival, ListeningProcess, listening
from tests.whole.scene import SECRET, Scene, Wishes

pytestmark = pytest.mark.whole

KILLS: Final = 2
DEEP_KILLS: Final = 20
CALLS: Final = 500
DEEP_CALLS: Final = 3_000
SLOW_S: Final = 0.1  # of each answer, so that every kill meets a backlog, and requests in flight
IN_FLIGHT: Final = 64
BATCH: Final = 1_000  # outcomes of one commit
DUE_WITHIN_S: Final = 5.0
MANY: Final = 200


def first_arrivals(arrivals: list[Arrival]) -> dict[str, Arrival]:
    first: dict[str, Arrival] = {}
    for arrival in arrivals:
        first.setdefault(arrival.id, arrival)
    return first


def bent_orders(first: dict[str, Arrival]) -> list[Arrival]:
    """
    Return the first arrivals whose revision is not above all that came before of their subject.
    """
    highest: Counter[str] = Counter()
    bent = []
    for arrival in first.values():
        if arrival.revision <= highest[arrival.subject]:
            bent.append(arrival)
        highest[arrival.subject] = max(arrival.revision, highest[arrival.subject])
    return bent


def due_after(
    ready_at: datetime, events: list[StoredEvent], first: dict[str, Arrival]
) -> tuple[int, timedelta]:
    """
    Return how many events waited when relay was ready, and how long after it the last of them came.
    """
    waited = [first[event.id].at for event in events if event.recorded_at <= ready_at < first[event.id].at]
    return len(waited), max(waited, default=ready_at) - ready_at


async def killed_again_and_again(
    scene: Scene, receiver: ListeningProcess, kills: int, rng: random.Random
) -> datetime:
    """
    Return when relay was ready for the last time.
    """
    await receiver.control(delay_s=SLOW_S)
    await scene.relay.start()
    for _ in range(kills):
        before = (await receiver.control())["arrivals"]

        async def is_under_way(before: int = before) -> bool:
            return bool((await receiver.control())["arrivals"] > before)

        await scene.relay.wait_for(is_under_way, "delivering")
        await asyncio.sleep(rng.uniform(0.0, 0.8))
        await scene.relay.kill()
        await scene.relay.spawn()
    await receiver.control(delay_s=0)
    await scene.relay.wait_for(scene.relay.is_ready, "ready")
    return datetime.now(UTC)


async def test_kills_lose_nothing_and_repeat_only_what_was_in_flight(
    set_up: SetUp,
    tmp_path: Path,
    session: aiohttp.ClientSession,
    pytestconfig: pytest.Config,
    tell_figures: Callable[[str], None],
) -> None:
    is_deep = pytestconfig.getoption("--deep")
    kills, calls = (DEEP_KILLS, DEEP_CALLS) if is_deep else (KILLS, CALLS)
    seed = random.SystemRandom().randrange(10**6) if is_deep else 1
    async with listening(tmp_path, SECRET, session) as receiver:
        wishes = Wishes(receiver_url=receiver.url, events='["call.*"]')
        scene = await set_up(Traffic(speed=20, past_calls=calls, stop_after=0), wishes, seed=seed)

        ready_at = await killed_again_and_again(scene, receiver, kills, random.Random(seed))
        await scene.polled(1)  # all has been appended

        async def has_all() -> bool:
            with closing(sqlite3.connect(f"file:{scene.journal}?mode=ro", uri=True)) as looking:
                waiting = "SELECT count(*) FROM deliveries WHERE status = 'pending'"
                return bool(looking.execute(waiting).fetchone() == (0,))

        await scene.relay.wait_for(has_all, "delivered", 60)
        assert 0 == await scene.relay.stop(), scene.relay.said()
        arrivals = receiver.arrivals()
    events = [event for event in await scene.journal_events() if event.type.startswith("call.")]
    first = first_arrivals(arrivals)
    waited, took = due_after(ready_at, events, first)
    resent = len(arrivals) - len(first)
    tell_figures(
        f"{kills} kills (seed {seed}): {len(events)} events, {resent} sent again; "
        f"{waited} waited when relay was ready, the last came {took.total_seconds():.1f} s later"
    )

    assert {"ok"} == {arrival.verdict for arrival in arrivals}
    assert {event.id for event in events} == first.keys()
    assert [] == bent_orders(first)
    assert {True} == {arrival.id == arrival.webhook_id for arrival in arrivals}
    assert resent <= kills * (IN_FLIGHT + BATCH)
    assert len(events) > MANY
    assert not is_deep or took <= timedelta(seconds=DUE_WITHIN_S)
