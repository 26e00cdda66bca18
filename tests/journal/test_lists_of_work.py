"""
Jobs, aliases and rejects of sources as people look at them, page by page.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relay.journal.port import Append
from relay.journal.store import SqlJournal
from relay.model.change import Reject
from relay.model.errors import NoSuchPlace
from relay.model.listing import Page, RejectFilter
from relay.model.source_work import BACKFILL, RECONCILE, Alias, SourceJob, StoredReject
from tests.journal.looking import pages_of, reading_of, walk
from tests.journal.making import NOW, SECOND

POLLED = Append("pbx", "user_calls", NOW)


async def test_jobs_of_a_kind_come_newest_first(journal: SqlJournal) -> None:
    for source_id in ("pbx", "other"):
        await journal.register_source(source_id, "voipcloud", NOW, NOW)
    for n in range(8):
        source_id, kind = ("pbx", "other")[n == 3], (BACKFILL, RECONCILE)[n == 5]
        await journal.work.make_job(source_id, kind, NOW, NOW + SECOND, lambda job: b"", NOW)

    async def list_jobs(kind: str, after: str | None, limit: int) -> Page[SourceJob]:
        return await journal.reading.list_jobs("pbx", kind, after, limit)

    assert [[8, 7, 5], [3, 2, 1]] == [
        [job.job_id for job in page] for page in await pages_of(list_jobs, BACKFILL, 3)
    ]
    assert [6] == [job.job_id for job in await walk(list_jobs, RECONCILE, 3)]


async def test_aliases_come_by_source_and_natural_id(journal: SqlJournal) -> None:
    made = [Alias(source_id, f"n{n}", f"c{n}") for source_id in ("dialer", "pbx") for n in range(5)]
    await journal.work.import_aliases(made[::-1])

    async def list_aliases(source_id: str | None, after: str | None, limit: int) -> Page[Alias]:
        return await journal.reading.list_aliases(source_id, after, limit)

    assert made == await walk(list_aliases, None, 3)
    assert made[5:] == await walk(list_aliases, "pbx", 5)
    assert [made[:2], made[2:4], made[4:5]] == [
        list(page) for page in await pages_of(list_aliases, "dialer", 2)
    ]


async def rejected(journal: SqlJournal) -> list[StoredReject]:
    """
    Store rejects of three places, two each second, and return them newest first.
    """
    found = []
    for n in range(12):
        source_id, stream = (("pbx", "user_calls"), ("pbx", "queue_calls"), ("other", "user_calls"))[n % 3]
        at = NOW + (n // 2) * SECOND
        reject = Reject(b"\x00%d" % n, {"n": n}, f"why {n}")
        await journal.append(
            replace(POLLED, source_id=source_id, stream=stream, recorded_at=at, rejects=(reject,))
        )
        found.append(StoredReject(source_id, stream, reject.digest, reject.row, reject.why, at))
    return sorted(
        found, key=lambda one: (one.first_seen_at, one.source_id, one.stream, one.digest), reverse=True
    )


@pytest.mark.parametrize("limit", [1, 5, 100])
@pytest.mark.parametrize(
    "wanted",
    [
        RejectFilter(),
        RejectFilter("pbx"),
        RejectFilter("pbx", "queue_calls"),
        RejectFilter(stream="user_calls"),
    ],
)
@pytest.mark.parametrize("scanned_rows", [2, 5_000])
async def test_rejects_come_newest_first(
    journal: SqlJournal, journal_path: Path, wanted: RejectFilter, limit: int, scanned_rows: int
) -> None:
    made = await rejected(journal)

    async with reading_of(journal_path, scanned_rows) as reading:
        found = await walk(reading.list_rejects, wanted, limit)

    assert [
        one
        for one in made
        if wanted.source_id in (None, one.source_id) and wanted.stream in (None, one.stream)
    ] == found


async def test_a_page_of_rejects_looks_at_so_many_rows(journal: SqlJournal, journal_path: Path) -> None:
    await rejected(journal)

    async with reading_of(journal_path, 5) as reading:
        pages = await pages_of(reading.list_rejects, RejectFilter("nowhere"))

    assert [0, 0, 0] == [len(page) for page in pages]


async def test_a_place_of_another_list_is_none(journal: SqlJournal) -> None:
    await journal.work.import_aliases([Alias("pbx", f"n{n}", "c") for n in range(2)])
    place = (await journal.reading.list_aliases(None, None, 1)).next

    with pytest.raises(NoSuchPlace):
        await journal.reading.list_jobs("pbx", BACKFILL, place, 1)
    with pytest.raises(NoSuchPlace):
        await journal.reading.list_rejects(RejectFilter(), place, 1)
