"""
What a dialer pushes: told at once, and confirmed by asking.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from relay.model.command import SUCCEEDED
from relay.model.source_work import COMMAND_DONE, REPLAY_REJECTS
from relay.pipeline.dialer.dialer_inbox import PUSHES
from relay.twin.vicidial.calls import INBOUND
from tests.dialer.floor import SOURCE
from tests.dialer.story import ENDS, Story

MILESTONES = ["call.started", "call.answered", "call.finished"]


def pushes_of(story: Story, number: int = 0) -> dict[str, dict[str, str]]:
    """
    Return the pushes about a call that is over, by event.
    """
    call = story.twin.world.exchange.calls[number]
    body = {
        "call_id": call.call_id, "user": call.user, "phone_number": call.phone,
        "lead_id": str(call.lead.lead_id), "fullname": "--A--fullname--B--",
    }  # fmt: skip
    return {
        "start": body | {"event": "start", "dispo": "INCALL"},
        "dead": body | {"event": "dead"},
        "dispo": body | {"event": "dispo", "dispo": call.status, "talk_time": str(call.talk_s)},
    }


async def one_short_call(story: Story) -> dict[str, dict[str, str]]:
    """
    Let a call come and go between two polls; return its pushes.
    """
    await story.run_for(5)
    story.script.put("1001", "READY")
    await story.run_for(5)
    story.script.put("1001", "INCALL")
    story.clock.advance(0.9)
    story.script.dispose("1001", "SALE")
    story.script.put("1001", "READY")
    return pushes_of(story)


def calls_of(events: list[dict[str, Any]], *types: str) -> list[str]:
    """
    Return the types of the events of calls, or of those of some types.
    """
    kinds = [event["type"] for event in events if event["type"].startswith("call.")]
    return [kind for kind in kinds if not types or kind in types]


@pytest.mark.parametrize(
    "order",
    [("start", "dispo"), ("dispo", "start"), ("dispo",), ("start", "dead", "dispo", "dispo", "start")],
)
async def test_a_call_that_no_poll_saw_is_told_and_confirmed(tmp_path: Path, order: tuple[str, ...]) -> None:
    async with Story.of(tmp_path) as story:
        pushes = await one_short_call(story)
        for event in order:
            await story.push(pushes[event])
        await story.run_for(40)
        events = await story.check()
        inbox = await story.journal.inbox(SOURCE, 10)

    assert (MILESTONES, []) == (calls_of(events, *MILESTONES), inbox)
    last = next(event["data"] for event in reversed(events) if event["type"].startswith("call."))
    assert ("SALE", "answered", "1001") == (last["disposition"], last["outcome"], last["agent_id"])
    assert last["recording_url"] is not None


async def test_a_call_of_which_only_the_start_was_pushed_ends_all_the_same(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        pushes = await one_short_call(story)
        await story.push(pushes["start"])
        await story.run_for(20)
        assert ["call.started", "call.answered"] == calls_of(await story.events())
        await story.restart()
        await story.run_for(60)
        events = await story.check()

    assert MILESTONES == calls_of(events, *MILESTONES)
    assert "call.dispositioned" in calls_of(events)


async def test_a_pushed_call_that_the_dialer_does_not_know_is_closed(tmp_path: Path) -> None:
    async with Story.of(tmp_path, end_hold_s=60) as story:
        await story.run_for(5)
        await story.push({"call_id": "Y3012000060000009999", "user": "1001", "event": "start"})
        await story.run_for(300)
        events = await story.check()

    assert MILESTONES == calls_of(events, *MILESTONES)
    (end,) = (event for event in events if event["type"] == "call.finished")
    assert ("unknown", None, None, None) == tuple(
        end["data"][name] for name in ("outcome", "answered_at", "ended_at", "talk_s")
    )
    assert (True, None) == (end["data"]["inferred"], end["data"]["precision_s"])


@pytest.mark.parametrize(
    ("vendor_id", "why"),
    [
        ("Y4312000060000009999", "holds a date that there is not"),
        ("Y2302000060000009999", "is of 2025-12-30 20:00, not of the last day"),  # 2: December, too
        ("Y7012000060000009999", "is of 2026-07-01 20:00, not of the last day"),
    ],
)
async def test_a_push_of_a_date_that_cannot_be_is_rejected(tmp_path: Path, vendor_id: str, why: str) -> None:
    push = {"call_id": vendor_id, "user": "1001", "event": "start"}
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        await story.push(push)
        await story.run_for(5)
        events, inbox = await story.check(), await story.journal.inbox(SOURCE, 10)
        (reject,) = await story.journal.stored_rejects(SOURCE, None, b"", 10)

    assert ([], []) == (calls_of(events), inbox)
    assert (PUSHES, push, f"pushed: call_id {vendor_id} {why}") == (reject.stream, reject.row, reject.why)


async def test_a_push_before_the_first_poll_is_the_same_call(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.stop_relay()
        story.script.put("1001", "INCALL")
        pushes = pushes_of(story)
        await story.start_relay()
        await story.push(pushes["start"])
        await story.run_for(20)
        story.script.put("1001", "PAUSED", "DISPO")
        await story.push(pushes["dead"])
        await story.run_for(20)
        story.script.dispose("1001", "SALE")
        await story.run_for(40)
        events = await story.check()

    assert MILESTONES == calls_of(events, *MILESTONES)
    assert 1 == len({event["subject"] for event in events if event["type"].startswith("call.")})


async def test_a_caller_whom_nobody_took_is_one_call_of_push_and_log(tmp_path: Path) -> None:
    async with Story.of(tmp_path, dids=["3125551212"], did_every_s=10) as story:
        await story.run_for(5)
        call = story.script.incoming(INBOUND)
        await story.run_for(15)
        story.script.give_up(call)
        body = {
            "call_id": call.call_id,
            "user": "VDCL",
            "event": "no_agent",
            "dispo": "DROP",
            "phone": call.phone,
        }
        await story.push(body)
        await story.run_for(120)
        events = await story.check()

    assert ["call.started", "call.abandoned"] == calls_of(events, "call.started", *ENDS)
    (ids,) = ({event["data"]["call_id"] for event in events if event["type"] == "call.started"},)
    assert ids == {e["data"]["call_id"] for e in events if e["type"] == "did.call_logged"} - {None}


async def test_many_pushes_hurry_polls_and_nothing_else_waits(tmp_path: Path) -> None:
    async with Story.of(tmp_path, poll_every_s=5, in_groups=["SUPPORT"], group_every_s=5) as story:
        story.takes_s = 0.02
        await story.run_for(10)
        story.polled.clear()
        for _ in range(100):
            await story.push({"user": "1001", "event": "state_ready", "counter": "1"})
            await story.run_for(0.3)
        polls, groups = len(story.asked("logged_in_agents")), len(story.asked("in_group_status"))

    assert 15 <= polls <= 32
    assert groups >= 5


async def test_what_the_loop_cannot_take_is_rejected_and_goes(tmp_path: Path) -> None:
    rng = random.Random(5)
    odd: list[Any] = [
        None,
        7,
        -1.5,
        True,
        "",
        "x" * 200,
        "\x00",
        "--A--x--B--",
        [],
        {},
        "Y3012000060000009999",
        "1001",
    ]
    names = ("call_id", "user", "event", "dispo", "talk_time", "phone", "lead_id", "counter", "did", "status")
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        for _ in range(150):
            await story.push({name: rng.choice(odd) for name in rng.sample(names, rng.randrange(len(names)))})
        put_down = story.journal.work.put_down
        await put_down(SOURCE, COMMAND_DONE, {"odd": 1}, lambda _: b"", story.clock.now())
        await put_down(SOURCE, COMMAND_DONE, {"state": SUCCEEDED}, lambda _: b"", story.clock.now())
        await put_down(SOURCE, REPLAY_REJECTS, {}, lambda _: b"", story.clock.now())
        await story.run_for(60)

        assert [] == await story.journal.inbox(SOURCE, 10)
        await story.check()


async def test_what_another_process_puts_down_wakes_nobody_and_is_taken(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        pushes = await one_short_call(story)
        await story.journal.work.put_down(SOURCE, "push", pushes["dispo"], lambda _: b"", story.clock.now())
        await story.run_for(5)

        assert MILESTONES == calls_of(await story.events(), *MILESTONES)
