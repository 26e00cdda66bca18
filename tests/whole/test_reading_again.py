"""
What was read before says nothing new, and what ended before relay was there says nothing at all.
"""

from __future__ import annotations

import pytest

from relay.model.catalogue import EVENT_TYPES, SOURCE_ROW_REJECTED
from relay.model.endpoint import matches_type
from relay.twin.voipcloud.settings import OfficeSize, Traffic
from tests.whole.conftest import SetUp
from tests.whole.scene import Scene, Wishes

pytestmark = pytest.mark.whole

POLLS = 10
PAST_CALLS = 9_000
NOTHING = (0.0, 0.0)
ONE_PHONE = OfficeSize(users=1, queues=1, ring_groups=1)  # one row a call, or pages would be cut
LONG_AGO = "2020-01-01T00:00:00Z"
CALL_TYPES = [name for name in EVENT_TYPES if matches_type("call.*", name)]


async def appended(scene: Scene) -> tuple[float, float]:
    """
    Return how many events relay has recorded and how many rows it has rejected, since its start.
    """
    return (
        await scene.relay.total("relay_journal_events_total"),
        await scene.relay.total("relay_poll_records_total", result="rejected"),
    )


def rejections(scene: Scene) -> int:
    return [event["type"] for event in scene.receiver.events.values()].count(SOURCE_ROW_REJECTED)


async def test_an_unchanged_page_with_a_garbled_row_appends_nothing(set_up: SetUp) -> None:
    scene = await set_up(Traffic(speed=20, past_calls=40, stop_after=0))
    await scene.relay.start()
    await scene.relay.wait_for(scene.is_told, "told")
    await scene.polled(POLLS)
    before = await appended(scene)

    await scene.polled(POLLS)
    unchanged = await appended(scene)
    await scene.control(garble={"stream": "user_calls", "row": 0})
    await scene.polled(POLLS)
    garbled = await appended(scene)
    await scene.relay.stop()
    await scene.relay.start()
    await scene.polled(POLLS)
    after_restart = await appended(scene)
    await scene.control(garble=None)
    await scene.polled(POLLS)
    put_right = await appended(scene)
    await scene.relay.stop()

    assert [before, (before[0] + 1, before[1] + 1)] == [unchanged, garbled]
    assert [NOTHING, NOTHING] == [after_restart, put_right]
    assert 1 == rejections(scene)
    assert (await scene.audited()).is_clean


async def test_calls_that_ended_before_the_first_start_stay_silent(set_up: SetUp) -> None:
    scene = await set_up(
        Traffic(speed=20, past_calls=PAST_CALLS, stop_after=0), Wishes(publish_from="now"), ONE_PHONE
    )
    await scene.relay.start()
    await scene.polled(3)
    read = await scene.relay.total("relay_poll_records_total", result="new")
    await scene.relay.stop()
    await scene.relay.start()
    await scene.polled(3)
    code = await scene.relay.stop()

    told = [event for event in scene.receiver.events.values() if event["subject"].startswith("call/")]
    assert (0, []) == (code, told)
    assert read > 100
    assert [] == [event for event in await scene.journal_events() if event.subject.startswith("call/")]


async def test_calls_since_a_time_long_ago_are_all_delivered(set_up: SetUp) -> None:
    wishes = Wishes(publish_from=LONG_AGO, events='["call.*"]')
    scene = await set_up(Traffic(speed=20, past_calls=PAST_CALLS, stop_after=0), wishes, ONE_PHONE)
    scene.patterns = ("call.*",)
    await scene.relay.start()

    await scene.polled(1)
    await scene.relay.wait_for(scene.is_told, "told", 80)

    async def has_all() -> bool:
        made = [await scene.relay.total("relay_journal_events_total", type=name) for name in CALL_TYPES]
        return scene.receiver.received == sum(made)

    await scene.relay.wait_for(has_all, "delivered", 60)
    code = await scene.relay.stop()
    result = await scene.audited()

    assert 0 == code
    assert (PAST_CALLS, PAST_CALLS, PAST_CALLS) == (result.calls, result.published, result.delivered)
    assert result.is_clean
    assert 0 == scene.receiver.order_faults
