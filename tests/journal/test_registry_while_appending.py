"""
An endpoint registered while events flow gets every matching event after its `start_seq` and none before.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from relay.journal.store import SqlJournal
from relay.model.endpoint import RegisteredEndpoint
from relay.model.event import StoredEvent
from tests.journal.making import NOW, append_of, call_change, endpoint_spec
from tests.journal.registry import query

ROUNDS = 120
AT_ONCE = 3
TYPES = ("call.started", "call.updated", "agent.logged_in")
FILTERS = (("*",), ("call.*",), ("call.updated",), ("agent.*", "call.started"), ("lead.*",))


async def test_two_writers_agree_from_which_event_on_an_endpoint_gets_everything(
    journal: SqlJournal, journal_path: Path
) -> None:
    """
    One task appends, several appends at once, and one registers: neither waits for the other.
    """
    rng = random.Random(4)
    await asyncio.gather(_append(journal, rng), _register(journal, random.Random(5)))

    endpoints = await journal.registry.registered(NOW)
    events = await journal.events_after(0, 10**6, 10**9)

    wanted = {(one.endpoint.no, event.seq) for one in endpoints for event in _due_to(one, events)}
    assert wanted == set(query(journal_path, "SELECT endpoint_no, seq FROM deliveries"))
    # and it was no race won by one of them: they began all along the way
    starts = {one.start_seq for one in endpoints}
    assert ROUNDS == len(endpoints)
    assert len(starts) > ROUNDS // 4
    assert max(starts) > 0


async def _append(journal: SqlJournal, rng: random.Random) -> None:
    for number in range(ROUNDS):
        changes = []
        for one in range(AT_ONCE):
            change = call_change(f"c{number}-{one}", events=rng.randint(1, 4))
            events = tuple(event._replace(type=rng.choice(TYPES)) for event in change.events)
            changes.append(append_of(replace(change, events=events)))
        await asyncio.gather(*map(journal.append, changes))


async def _register(journal: SqlJournal, rng: random.Random) -> None:
    for number in range(ROUNDS):
        spec = replace(endpoint_spec(f"e{number}"), events=rng.choice(FILTERS))
        if rng.random() < 0.3:
            spec = replace(spec, sources=(rng.choice(("pbx", "elsewhere")),))
        await journal.registry.create_endpoint(spec, lambda made: str(made.start_seq).encode(), NOW, None)
        if rng.random() < 0.5:
            await asyncio.sleep(0)


def _due_to(one: RegisteredEndpoint, events: Iterable[StoredEvent]) -> Iterable[StoredEvent]:
    return (
        event
        for event in events
        if event.seq > one.start_seq and one.endpoint.matches(event.type, event.source_id)
    )
