"""
What relay told of calls, and how its ids compare with what another relay told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from relay.twin.published import PublishedCall, published_calls, survivors
from tests.ingest.world import LOOKBACK, WINDOW_S, World

Calls = Mapping[str, PublishedCall]


def surviving(events: Sequence[Mapping[str, Any]]) -> dict[str, PublishedCall]:
    """
    Return each call that stands, by its subject.
    """
    return {call.subject: call for call in survivors(published_calls(events))}


def answered_after_the_end(calls: Calls) -> set[str]:
    """
    Return the calls whose answer was seen after their end was told: a leg that joins then makes an update,
    and a rebuild, which sees all legs at once, says call.answered.
    """
    return {
        subject
        for subject, call in calls.items()
        if call.record["answered_at"] is not None and "answered" not in call.milestones
    }


def milestones(
    calls: Calls, subjects: Collection[str], without_answer: Collection[str]
) -> dict[str, dict[str, Sequence[str]]]:
    """
    Return the ids of the milestones of some calls, for some without the answer.
    """
    return {
        subject: {
            name: ids
            for name, ids in calls[subject].milestones.items()
            if name != "answered" or subject not in without_answer
        }
        for subject in subjects
    }


async def settle(world: World) -> None:
    """
    Wait until everything that happened so far is proven to be told.
    """
    await world.pass_time((LOOKBACK + timedelta(seconds=3 * WINDOW_S)).total_seconds())
