"""
What was read of a source and what was not, as people look at it.
"""

from __future__ import annotations

from dataclasses import replace

from relay.journal.port import Append, StreamState
from relay.journal.store import SqlJournal
from relay.model.change import SourceChange
from relay.model.coverage import DEEP, HEAD, Gap, Interval, Read
from relay.model.listing import MAX_GAPS_SHOWN, MAX_INTERVALS_SHOWN, Page, StreamCoverage
from tests.journal.looking import walk
from tests.journal.making import NOW, SECOND, read_of

POLLED = Append("pbx", "user_calls", NOW)


def gap_at(start: float, stream: str = "user_calls", *, closed: bool = False) -> Gap:
    """
    Make a gap that begins so many seconds after NOW.
    """
    at = NOW + start * SECOND
    if not closed:
        return Gap(stream, at, None, "unreachable", at)
    return Gap(stream, at, at + SECOND, "unreachable", at, at + 9 * SECOND, 3)


async def test_a_stream_shows_what_was_read_and_what_was_not(journal: SqlJournal) -> None:
    await journal.register_source("pbx", "voipcloud", NOW, NOW)
    reads = [read_of(0, 10), read_of(30, 40), read_of(35, 38, tier=HEAD)]
    gaps = (gap_at(11, closed=True), gap_at(12), gap_at(13), gap_at(14, closed=True))
    for read in reads:
        await journal.append(replace(POLLED, read=read))
    measured = {"class": "finish"}
    await journal.append(
        replace(POLLED, gaps=gaps, stream_state=StreamState("degraded", visibility=measured))
    )

    found = await journal.reading.stream_coverage("pbx")

    intervals = (Interval(NOW, NOW + 10 * SECOND), Interval(NOW + 30 * SECOND, NOW + 40 * SECOND))
    shown = (gaps[2], gaps[1], gaps[3], gaps[0])
    assert [StreamCoverage("user_calls", "degraded", intervals, shown, reads[1], measured)] == found


async def test_streams_come_by_name_however_little_is_known_of_them(journal: SqlJournal) -> None:
    await journal.register_source("pbx", "voipcloud", NOW, NOW)
    await journal.register_source("new", "voipcloud", NOW, NOW)
    read, gap = read_of(0, 9), gap_at(1, "queue_calls")
    await journal.append(replace(POLLED, read=read))
    await journal.append(replace(POLLED, gaps=(gap,)))
    await journal.append(replace(POLLED, stream="ringgroup_calls", stream_state=StreamState("absent")))
    await journal.append(replace(POLLED, source_id="new", read=read))

    found = await journal.reading.stream_coverage("pbx")

    assert [
        StreamCoverage("queue_calls", "up", (), (gap,), None, {}),
        StreamCoverage("ringgroup_calls", "absent", (), (), None, {}),
        StreamCoverage("user_calls", "up", (read.covered,), (), read, {}),
    ] == found


async def test_a_source_that_is_not_there_has_no_coverage_and_a_new_one_no_streams(
    journal: SqlJournal,
) -> None:
    await journal.register_source("pbx", "voipcloud", NOW, NOW)

    assert [None, []] == [await journal.reading.stream_coverage(name) for name in ("nowhere", "pbx")]


async def test_of_many_gaps_and_intervals_the_newest_are_shown(journal: SqlJournal) -> None:
    await journal.register_source("pbx", "voipcloud", NOW, NOW)
    gaps = [gap_at(n, closed=n != 7) for n in range(MAX_GAPS_SHOWN + 20)]
    await journal.append(replace(POLLED, gaps=tuple(gaps)))
    for n in range(MAX_INTERVALS_SHOWN + 2):
        await journal.append(replace(POLLED, read=read_of(2 * n, 2 * n + 1)))

    (found,) = await journal.reading.stream_coverage("pbx") or []

    assert (gaps[7], *gaps[:-MAX_GAPS_SHOWN:-1]) == found.gaps
    assert MAX_INTERVALS_SHOWN == len(found.intervals)
    assert NOW + 4 * SECOND == found.intervals[0].start


async def test_reads_come_newest_first_page_by_page(journal: SqlJournal) -> None:
    """
    Two of one instant are two.
    """
    reads = [read_of(0, end, stream) for end in (10, 20, 20, 30) for stream in ("user_calls", "queue_calls")]
    for read in reads:
        await journal.append(replace(POLLED, stream=read.stream, read=read))
    await journal.append(replace(POLLED, source_id="other", read=read_of(0, 25)))
    reading = journal.reading

    async def list_reads(stream: str | None, after: str | None, limit: int) -> Page[Read]:
        return await reading.list_reads("pbx", stream, after, limit)

    assert reads[::-1] == await walk(list_reads, None, 3)
    assert [read for read in reads[::-1] if read.stream == "queue_calls"] == await walk(
        list_reads, "queue_calls", 2
    )
    assert () == (await reading.list_reads("nowhere", None, None, 9)).items


async def test_a_source_shows_its_watermark(journal: SqlJournal) -> None:
    head = await journal.register_source("pbx", "voipcloud", NOW, NOW)
    await journal.append(
        replace(POLLED, source=SourceChange(replace(head, watermark=NOW + 3 * SECOND), (), 0))
    )

    (found,) = await journal.reading.list_sources(NOW)

    assert NOW + 3 * SECOND == found.watermark


async def test_a_deep_read_is_told_from_others(journal: SqlJournal) -> None:
    await journal.append(replace(POLLED, read=read_of(0, 9)))

    page = await journal.reading.list_reads("pbx", None, None, 9)

    assert ([DEEP], None) == ([read.tier for read in page.items], page.next)
