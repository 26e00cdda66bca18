"""
The loop of a dialer that shows only lists, and commands that any dialer's loop tells of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from relay.model import catalogue
from relay.model.command import SUCCEEDED, Command
from relay.model.mapping import AgentMapping, LeadStatus
from relay.model.source_work import COMMAND_DONE
from relay.sources.port import POLL, Answered, FunctionSource
from relay.sources.vicidial.config import ElisionConfig
from relay.sources.vicidial.wire import read_answer
from tests.dialer.floor import SOURCE
from tests.dialer.story import Story

ONE = b'{"success":true,"message":"lists are listed successfully","data":[%s]}'
LIST = b'"TESTCAMP-%d-List %d"'


def lists(*numbers: int) -> bytes:
    """
    Return the answer that shows some lists.
    """
    return ONE % b",".join(LIST % (number, number) for number in numbers)


@dataclass
class SaidSource:
    """
    A source that says what it was told to say.
    """

    story: Story
    source_id: str = "lists"
    body: bytes = field(default_factory=lists)
    asked: int = 0

    async def call(
        self, function: str, params: Mapping[str, str], *, purpose: str = POLL, is_write: bool = False
    ) -> Answered:
        """
        Answer.
        """
        self.asked += 1
        now = self.story.clock.now()
        answer = read_answer(function, self.body, http_status=200, version=None, stage="pipe", secrets=())
        return Answered(answer, now, now)


@dataclass
class ListStory(Story):
    """
    An Elision dialer.
    """

    def config(self) -> ElisionConfig:
        """
        Return relay's configuration of it.
        """
        return ElisionConfig.model_validate(
            {
                "id": SOURCE, "kind": "elision", "base_url": "http://127.0.0.1:1/api", "user": "api",
                "password": "twin", "timezone": "UTC", "country": "US", "lists_every_s": 30.0,
            }
        )  # fmt: skip

    def watched(self, source: FunctionSource) -> FunctionSource:
        """
        Return the source that says what it was told to.
        """
        self.said = SaidSource(self, source.source_id)
        return self.said


async def test_lists_are_told_and_survive_a_restart_and_garbage(tmp_path: Path) -> None:
    async with ListStory.of(tmp_path) as story:
        story.said.body = lists(101, 102)
        await story.run_for(40)
        for garbage in (b"", b"<html></html>", b'{"success":true', b"[]", b"null"):
            story.said.body = garbage
            await story.run_for(700)
        await story.restart()
        story.said.body = lists(102)
        await story.run_for(700)
        events = [event for event in await story.check() if event["type"] == "list.changed"]
        states = await story.states()

    assert [("101", True), ("102", True), ("101", False)] == [
        (event["data"]["list_id"], event["data"]["active"]) for event in events
    ]
    assert ["degraded", "up"] == states


async def test_a_command_is_told_once_in_the_words_of_the_crm(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        await story.run_for(5)
        now = story.clock.now()
        await story.journal.mappings.put_lead_status(LeadStatus(SOURCE, "fresh", "NEW"), is_new=None)
        await story.journal.mappings.put_agent_mapping(AgentMapping(SOURCE, "1001", "crm-417"), is_new=None)
        data = {"details": {"lead_id": "122"}, "rows": [], "notices": [], "rejected": 0}
        result = {"status": SUCCEEDED, "message": "", "data": data, "events": [catalogue.LEAD_CREATED]}
        params = {"phone_number": "7275551212", "status": "NEW"}
        done = Command("cmd_1", SOURCE, "add_lead", params, True, "crm", now, SUCCEEDED, now, result)
        await story.journal.work.put_down(SOURCE, COMMAND_DONE, done.as_json(), lambda _: b"", now)
        story.poll.wake()
        await story.run_for(5)
        await story.restart()
        await story.run_for(5)
        story.script.put("1001", "INCALL")
        await story.run_for(5)
        events = await story.check()

    told = [event for event in events if event["type"].startswith(("lead.", "command."))]
    assert ["lead.created", "command.succeeded"] == [event["type"] for event in told]
    assert "fresh" == told[0]["data"]["status_mapped"]
    (answered,) = [event["data"] for event in events if event["type"] == "call.answered"]
    assert "crm-417" == answered["agent_external_id"]
