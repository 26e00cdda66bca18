"""
Sources as people look at them: state, coverage of each stream, requests in the window.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from relay.journal.port import Append, StreamState
from relay.journal.store import SqlJournal
from relay.model.change import SourceChange
from relay.model.listing import SourceItem, StreamItem
from relay.sources.port import Share
from tests.journal.looking import reading_of
from tests.journal.making import NOW, SECOND, read_of


async def test_sources_come_by_id_with_what_is_known_of_them(journal: SqlJournal, journal_path: Path) -> None:
    head = await journal.register_source("pbx", "voipcloud", NOW, NOW)
    await journal.register_source("dialer", "dialer360", NOW + SECOND, NOW)
    changed = replace(head, state="degraded", system_status={"status": "busy"}, revision=1)
    await journal.append(Append("pbx", "user_calls", NOW, source=SourceChange(changed, (), 0)))
    for start, end in ((0, 10), (30, 40)):
        await journal.append(Append("pbx", "user_calls", NOW, read=read_of(start, end)))
    await journal.append(Append("pbx", "queue_calls", NOW, stream_state=StreamState(state="absent")))

    async with reading_of(journal_path) as reading:
        found = await reading.list_sources(NOW)

    streams = (
        StreamItem("queue_calls", "absent", None, None),
        StreamItem("user_calls", "up", NOW, NOW + 40 * SECOND),
    )
    assert [
        SourceItem("dialer", "dialer360", "up", None, NOW + SECOND, (), 0),
        SourceItem("pbx", "voipcloud", "degraded", {"status": "busy"}, NOW, streams, 0),
    ] == found


async def test_requests_count_until_their_place_is_free(journal: SqlJournal, journal_path: Path) -> None:
    share = Share(limit=10, own_limit=10, per_s=60.0, deadline_s=10.0)
    for source_id in ("pbx", "dialer"):
        await journal.register_source(source_id, "voipcloud", NOW, NOW)
    for later in (0, 20, 40):
        await journal.reserve("pbx", "poll", share, NOW + later * SECOND)

    async with reading_of(journal_path) as reading:
        counts = [
            [item.in_window for item in await reading.list_sources(NOW + later * SECOND)]
            for later in (60, 70, 90, 111)
        ]

    assert [[0, 3], [0, 2], [0, 1], [0, 0]] == counts


async def test_a_journal_without_sources_has_none(journal: SqlJournal, journal_path: Path) -> None:
    async with reading_of(journal_path) as reading:
        assert [] == await reading.list_sources(NOW)
