"""
Makes replays and walks through them, as the loop does.
"""

from __future__ import annotations

from typing import Any

from relay.journal.store import SqlJournal
from relay.model.replay import Replay, ReplayFilter
from tests.journal.making import NOW


async def make(journal: SqlJournal, endpoint_id: str = "crm", rate: float = 50.0, **wanted: Any) -> Replay:
    """
    Make a replay and return it.
    """
    told: list[Replay] = []

    def answer(made: Replay) -> bytes:
        told.append(made)
        return b"made"

    await journal.operating.make_replay(endpoint_id, ReplayFilter(**wanted), rate, answer, NOW)
    return told[0]


async def again(journal: SqlJournal, replay: Replay) -> Replay:
    """
    Return a replay as it is now.
    """
    found = await journal.operating.replay(replay.job_id)
    assert found is not None
    return found[0]


async def walked(journal: SqlJournal, replay: Replay, limit: int = 1_000) -> list[int]:
    """
    Enter all that a replay chooses, so many at a time; return their seqs.
    """
    seqs: list[int] = []
    while replay.at_seq < replay.to_seq:
        chosen = await journal.operating.choose(replay, limit)
        assert await journal.operating.enter(replay, chosen, NOW)
        seqs += [seq for seq, _ in chosen.events]
        replay = await again(journal, replay)
    return seqs
