"""
relay killed again and again while calls go on: nothing is lost, doubled, bent or sent too often.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter

import orjson
import pytest

from relay import journal_assembly
from relay.twin.voipcloud.settings import Rules, Traffic
from tests.whole.conftest import SetUp
from tests.whole.scene import KAFKA, Scene, Wishes

pytestmark = pytest.mark.whole

KILLS = 10
FAILS_EVERY = 3
STARTS = 5
# No place is left over in a window: a request that a crash made relay forget would be one too many.
TIGHT = Rules(requests=60, per_s=5.0)
TIGHT_BUDGET = "{ requests = 60, per_s = 5.0, reserve = 0 }"

FEW = Rules(requests=4, per_s=6.0)
FEW_BUDGET = "{ requests = 4, per_s = 6.0, reserve = 0 }"

log = logging.getLogger(__name__)


async def kill_and_start_again(scene: Scene, rng: random.Random) -> None:
    await scene.relay.spawn()
    for number in range(KILLS):
        if number % FAILS_EVERY == 0:
            scene.receiver.fail_with(503)  # so that the kill meets a backlog
        # Counted from the start of the process: some kills meet it opening the journal or fencing Kafka.
        await asyncio.sleep(rng.uniform(0.3, 5.0))
        await scene.relay.kill()
        scene.receiver.recover()
        await scene.relay.spawn()


@pytest.mark.kafka
async def test_ten_kills_at_random_moments_cost_nothing(set_up: SetUp, kafka: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    log.warning("seed %d", seed)
    rng, prefix = random.Random(seed), f"whole-{seed}"
    wishes = Wishes(budget=TIGHT_BUDGET, more=KAFKA.format(bootstrap=kafka, prefix=prefix))
    scene = await set_up(Traffic(calls_per_minute=9, speed=20), wishes, rules=TIGHT, seed=seed)

    await kill_and_start_again(scene, rng)
    await scene.control(making_calls=False)
    await scene.relay.wait_for(scene.is_over, "over", 60)
    await scene.polled(2)  # rows of one call appear in several streams
    await scene.relay.wait_for(scene.is_told, "told", 60)

    async def kafka_has_all() -> bool:
        return await scene.relay.total("relay_kafka_cursor_seq") >= scene.receiver.received

    await scene.relay.wait_for(kafka_has_all, "published", 30)
    code = await scene.relay.stop()
    result = await scene.audited()
    topics = await journal_assembly.read_topics(kafka, prefix)
    journal = await scene.journal_events()

    assert 0 == code, scene.relay.said()
    assert ((), (), (), ()) == (result.lost, result.duplicated, result.bent, result.unexpected)
    assert result.calls > 50
    assert (0, 0, 0) == (
        scene.receiver.order_faults,
        scene.receiver.bad_signatures,
        scene.receiver.bad_bodies,
    )
    # What is told of the endpoint itself, when it was probed for having failed, is not delivered to it.
    meant = [event for event in journal if not event.subject.startswith("endpoint/")]
    assert {event.id: orjson.loads(event.body) for event in meant} == scene.receiver.events
    assert list(range(1, len(journal) + 1)) == sorted(event.seq for event in topics)
    assert {event.seq: event.body for event in journal} == {event.seq: event.body for event in topics}
    assert {1} == set(Counter(orjson.loads(event.body)["id"] for event in topics).values())
    assert 0 == (await scene.truth())["requests"]["over_limit"]


async def test_a_relay_that_is_started_again_and_again_keeps_to_its_budget(set_up: SetUp) -> None:
    scene = await set_up(Traffic(speed=20, stop_after=0), Wishes(budget=FEW_BUDGET), rules=FEW)

    async def has_asked_or_may_not() -> bool:
        return await scene.relay.total("relay_poll_requests_total") >= 2

    for _ in range(STARTS):
        await scene.relay.start()
        await scene.relay.wait_for(has_asked_or_may_not, "asked")
        await scene.relay.kill()
    await scene.relay.start()
    await scene.polled(1)
    await scene.relay.stop()

    requests = (await scene.truth())["requests"]
    assert 0 == requests["over_limit"]
    assert requests["total"] > FEW.requests
