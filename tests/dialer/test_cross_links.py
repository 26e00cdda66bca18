"""
A dialer beside a PBX: its calls name those of the PBX that are the same conversations.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from relay.journal.port import Append
from relay.model.call import Call
from relay.model.change import CallChange
from relay.model.ids import subject
from relay.model.numbers import link_key
from tests.dialer.story import Story
from tests.journal.making import leg_of


async def pbx_call(story: Story, phone: str) -> str:
    """
    Let the PBX have had a call with a number, from 4 s before now until 20 s after.
    """
    at = story.clock.now() - timedelta(seconds=4)
    end = at + timedelta(seconds=24)
    leg = leg_of("pbxcall", link_key=link_key(phone, "US"), started_at=at, answered_at=None, ended_at=end)
    call = Call(
        "pbxcall",
        "pbx",
        subject("call", "pbx", "pbxcall"),
        "ended",
        at,
        end,
        end,
        False,
        False,
        True,
        0,
        None,
        {},
    )
    await story.journal.register_source("pbx", "voipcloud", at, at)
    change = CallChange(call, (leg._replace(leg_id="pbxleg"),), (), 0)
    await story.journal.append(Append("pbx", "user_calls", at, (change,)))
    return "pbxcall"


async def test_the_call_of_the_pbx_is_named_once(tmp_path: Path) -> None:
    async with Story.of(tmp_path, link_with=["pbx"]) as story:
        await story.run_for(2)
        story.script.put("1001", "INCALL")
        phone = story.twin.world.truth()["calls"][0]["phone"]
        await pbx_call(story, phone)
        await story.run_for(20)
        story.script.dispose("1001", "SALE")
        await story.run_for(150)
        events = await story.check()

    linked = [event for event in events if "linked_call_ids" in event["data"].get("changed", ())]
    assert [["pbxcall"]] == [event["data"]["linked_call_ids"] for event in linked]
    assert [True] == [event["type"] == "call.updated" for event in linked]


async def test_without_being_asked_to_nothing_is_linked(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(2)
        story.script.put("1001", "INCALL")
        await pbx_call(story, story.twin.world.truth()["calls"][0]["phone"])
        await story.run_for(20)
        story.script.dispose("1001", "SALE")
        await story.run_for(150)

        assert all([] == event["data"].get("linked_call_ids", []) for event in await story.check())
