"""
The CRM's words for agents and dispositions: in every event after a mapping was made, and in none before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from relay.model.mapping import AgentMapping, LeadStatus
from relay.twin.vicidial.settings import DialerTwinSettings
from tests.dialer.floor import SOURCE, DialerFloor

OF_CALLS = ("call.dispositioned",)
OF_AGENTS = ("agent.status_changed", "agent.logged_in")


def words(events: list[dict[str, Any]], name: str, mapped: str) -> list[tuple[str, str | None]]:
    """
    Return what events say in the dialer's word and in the CRM's.
    """
    return [(event["data"][name], event["data"][mapped]) for event in events if event["data"][name]]


async def test_events_speak_the_crms_words_from_the_change_on(tmp_path: Path) -> None:
    async with DialerFloor(tmp_path, DialerTwinSettings(5)) as floor:
        await floor.run_for(90)
        calls, agents = await floor.events(*OF_CALLS), await floor.events(*OF_AGENTS)
        statuses = {status for status, _ in words(calls, "disposition", "disposition_mapped")}
        names = {name for name, _ in words(agents, "agent_id", "agent_external_id")}
        for status in statuses:
            await floor.journal.mappings.put_lead_status(
                LeadStatus(SOURCE, f"crm {status}", status), is_new=True
            )
        for name in names:
            await floor.journal.mappings.put_agent_mapping(
                AgentMapping(SOURCE, name, f"{name}@crm"), is_new=True
            )
        floor.poll.wake()
        await floor.run_for(0)  # it wakes up: what it slept until is no time of its own any more
        await floor.run_for(90)
        later_calls = (await floor.events(*OF_CALLS))[len(calls) :]
        later_agents = (await floor.events(*OF_AGENTS))[len(agents) :]

    before = words(calls, "disposition", "disposition_mapped")
    before += words(agents, "agent_id", "agent_external_id")
    told = words(later_calls, "disposition", "disposition_mapped")
    told_agents = words(later_agents, "agent_id", "agent_external_id")
    assert {None} == {mapped for _, mapped in before}
    assert len(told) > 5
    assert [(word, f"crm {word}" if word in statuses else None) for word, _ in told] == told
    assert len(told_agents) > 20
    assert [(name, f"{name}@crm" if name in names else None) for name, _ in told_agents] == told_agents
