"""
The past of a dialer: days read again by the logs of numbers, each call once and under the name that it has.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from relay.model.source_work import BACKFILL, DONE, RECONCILE, SourceJob
from relay.twin.vicidial.calls import INBOUND
from tests.dialer.floor import SOURCE
from tests.dialer.story import DID, Story


async def past(story: Story, kind: str = BACKFILL, hours: float = 12.0) -> SourceJob:
    """
    Have the last hours read again, and wait for it.
    """
    made: list[SourceJob] = []

    def keep(job: SourceJob) -> bytes:
        made.append(job)
        return b""

    end = story.clock.now() - timedelta(seconds=1)
    await story.journal.work.make_job(
        SOURCE, kind, end - timedelta(hours=hours), end, keep, story.clock.now()
    )
    story.poll.wake()
    for _ in range(60):
        await story.run_for(2)
        job = await story.journal.reading.job(made[0].job_id)
        assert job is not None
        if job.state == DONE:
            return job
    raise AssertionError(f"it was not done: {job}")


async def live_untaken_call(story: Story) -> None:
    """
    Let a caller wait in vain.
    """
    call = story.script.incoming(INBOUND)
    await story.run_for(20)
    story.script.give_up(call)
    await story.run_for(60)


async def ends(story: Story) -> list[dict[str, Any]]:
    """
    Return the ends of calls that were told.
    """
    types = ("call.finished", "call.abandoned", "call.timed_out", "call.missed")
    return [event for event in await story.check() if event["type"] in types]


async def test_a_backfill_tells_of_calls_that_no_agent_took_before_relay_came(tmp_path: Path) -> None:
    async with Story.of(tmp_path, dids=[DID], did_every_s=3_600, publish_from="now") as story:
        await story.stop_relay()
        await _clock_only(story, 1)
        call = story.script.incoming(INBOUND)
        await _clock_only(story, 15)
        story.script.give_up(call)
        await _clock_only(story, 120)
        for file in tmp_path.iterdir():  # relay comes only now
            file.unlink()
        await story.start_relay()
        await story.run_for(10)
        assert [] == await ends(story)

        job = await past(story)
        (end,) = await ends(story)

        assert ("call.abandoned", "backfill") == (end["type"], end["data"]["origin"])
        assert call.phone == end["data"]["from_raw"]
        assert job.events >= 2


async def test_what_is_known_is_told_once(tmp_path: Path) -> None:
    async with Story.of(tmp_path, dids=[DID], did_every_s=5) as story:
        await story.run_for(2)
        story.script.put("1001", "INCALL")
        await story.run_for(10)
        story.script.put("1001", "PAUSED", "DISPO")
        await story.run_for(3)
        story.script.dispose("1001", "SALE")
        await live_untaken_call(story)
        before = [end["subject"] for end in await ends(story)]

        await past(story)
        again = await past(story, RECONCILE)

        assert sorted(before) == sorted(end["subject"] for end in await ends(story))
        assert 2 == len(before)
        assert 0 == again.missing


async def test_the_log_of_a_number_adds_why_a_call_ended(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(2)
        story.script.put("1001", "INCALL")
        await story.run_for(10)
        story.script.put("1001", "PAUSED", "DISPO")
        await story.run_for(3)
        story.script.dispose("1001", "SALE")
        await story.run_for(60)

        await past(story)
        events = await story.check()
        (call,) = story.twin.world.truth()["calls"]

        last = [event["data"] for event in events if event["type"] == "call.updated"][-1]
        assert call["hangup_reason"] == last["hangup_reason"]


async def _clock_only(story: Story, seconds: float) -> None:
    story.clock.advance(seconds)
    story.twin.twin.bring_up()
