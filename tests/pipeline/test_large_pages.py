"""
Pages that go in by several transactions: while one is written the next is made.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from relay.journal.port import StreamState
from relay.model.call import USER_CALLS
from relay.model.event import StoredEvent
from relay.normalise.calls import CallAssembler
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.grouping import LARGEST_GROUP, ROWS_IN_A_TRANSACTION
from relay.pipeline.ingest import Ingest
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from tests.journal.making import IDS
from tests.pipeline.gated_journal import SlowToAnswer
from tests.pipeline.polling import SECOND, Polling, nothing_else, page_of, polling, query, user_row

MANY = 3 * ROWS_IN_A_TRANSACTION


def many_rows() -> list[dict[str, Any]]:
    """
    Make rows of so many numbers, newest first.
    """
    starts = [DEFAULT_START - (60 + place) * SECOND for place in range(MANY)]
    return [user_row(start, from_number=f"04{place:08d}") for place, start in enumerate(starts)]


async def all_events(running: Polling) -> list[StoredEvent]:
    """
    Return every event of the journal.
    """
    return await running.journal.events_after(0, 10_000, 10**9)


async def test_a_page_of_many_calls_gives_what_small_pages_give(tmp_path: Path, clock: ManualClock) -> None:
    rows = many_rows()
    async with polling(tmp_path / "whole.db", clock) as whole:
        whole.source.show(USER_CALLS, rows)
        await whole.polls(1)
        at_once = await all_events(whole)
    async with polling(tmp_path / "small.db", clock) as small:
        for end in range(50, MANY + 50, 50):
            small.source.show(USER_CALLS, rows[-end:])
            await small.polls(3)
        bit_by_bit = await all_events(small)

    assert 3 * MANY == len(at_once)
    assert {(event.id, event.revision) for event in at_once} == {
        (event.id, event.revision) for event in bit_by_bit
    }
    assert list(range(1, 3 * MANY + 1)) == [event.seq for event in at_once]


async def test_phones_of_two_transactions_ring_for_one_call(journal_path: Path, clock: ManualClock) -> None:
    ringing = [
        user_row(
            DEFAULT_START - (60 - turn) * SECOND, user_name=f"phone {turn} {number}", conversation_duration=0
        )
        for turn in (0, 1)
        for number in range(LARGEST_GROUP)
    ]
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, ringing)
        await running.polls(1)

    assert [(1,)] == query(journal_path, "SELECT count(*) FROM calls")
    assert [(2 * LARGEST_GROUP,)] == query(journal_path, "SELECT count(*) FROM legs")


async def test_what_is_durable_is_handed_on_although_polling_was_told_to_stop(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        opened = running.journal
        slow = SlowToAnswer(opened._database, opened.identity, opened._epoch, 0, opened.seal)
        rules = CallRules("pbx", ZoneInfo("Australia/Sydney"), "AU", DEFAULT_START - 3600 * SECOND)
        reader, assembler = VoipcloudRows(rules, IDS), CallAssembler(rules, IDS)
        ingest = Ingest(slow, reader, assembler, clock, running.metrics, running.appended.append)
        page = page_of(many_rows(), clock.now())
        taking = asyncio.create_task(ingest.take("pbx", page, StreamState(), nothing_else))
        async with asyncio.timeout(20):
            await slow.has_appended.wait()
            taking.cancel()
            slow.gate.set()
            await asyncio.wait({taking})
        stored = await all_events(running)

    assert taking.cancelled()
    assert 0 < len(stored) < 3 * MANY
    assert stored == sorted(event for one in running.appended for event in one.events)
