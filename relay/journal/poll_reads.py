"""
What the poll loop reads and keeps between appends: most of `relay.journal.port.PollJournal`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from relay.journal import coverage, polling, source_work, subject_rows, whole_calls
from relay.journal.poll_port import KnownDigests, NearKeys, SourceView, StreamState
from relay.journal.sqlite import SqliteDatabase
from relay.model.change import Neighbourhood, SourceHead
from relay.model.coverage import Gap, Interval, Read
from relay.model.source_work import Allowance, InboxItem, SourceJob, StoredReject
from relay.model.subject_state import SubjectState

T = TypeVar("T")


class PollReads:
    """
    The journal of one deployment as its poll loops read it.

    Args:
        database: where the journal is.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    # sources and streams

    async def register_source(
        self, source_id: str, kind: str, publish_from: datetime, now: datetime
    ) -> SourceHead:
        return await self._database.write(
            lambda conn: polling.register_source(conn, source_id, kind, publish_from, now)
        )

    async def source_head(self, source_id: str) -> SourceHead:
        return await self._database.write(lambda conn: polling.source_head(conn, source_id))

    async def view(self, source_id: str, ended_from: datetime) -> SourceView:
        return await self._read(
            lambda conn: SourceView(
                polling.source_head(conn, source_id),
                coverage.coverage_of(conn, source_id),
                coverage.open_gaps(conn, source_id),
                polling.oldest_open_start(conn, source_id, ended_from),
                whole_calls.oldest_unsettled_start(conn, source_id, ended_from),
            )
        )

    async def stream_states(self, source_id: str) -> dict[str, StreamState]:
        return await self._read(lambda conn: polling.stream_states(conn, source_id))

    async def leg_counts(self, source_id: str, since: datetime) -> dict[str, dict[int, int]]:
        return await self._read(lambda conn: polling.leg_counts(conn, source_id, since))

    async def known_names(self, source_id: str, stream: str, since: datetime) -> list[str]:
        return await self._read(lambda conn: polling.known_names(conn, source_id, stream, since))

    async def allowance(self, source_id: str) -> Allowance | None:
        return await self._read(lambda conn: polling.allowance(conn, source_id))

    async def note_allowance(self, source_id: str, allowance: Allowance | None) -> None:
        await self._database.write(lambda conn: polling.note_allowance(conn, source_id, allowance))

    # rows and calls

    async def known_digests(
        self, source_id: str, stream: str, since: datetime, before: datetime | None = None
    ) -> KnownDigests:
        return await self._read(lambda conn: polling.known_digests(conn, source_id, stream, since, before))

    async def neighbourhood(self, source_id: str, keys: NearKeys) -> Neighbourhood:
        return await self._read(lambda conn: whole_calls.neighbourhood(conn, source_id, keys))

    async def held_calls(self, source_id: str) -> Neighbourhood:
        return await self._read(lambda conn: whole_calls.held_calls(conn, source_id))

    async def provisional_calls(
        self, source_id: str, started_from: datetime, started_before: datetime, limit: int
    ) -> Neighbourhood:
        return await self._read(
            lambda conn: whole_calls.provisional_calls(conn, source_id, started_from, started_before, limit)
        )

    async def oldest_open_start(self, source_id: str) -> datetime | None:
        return await self._read(lambda conn: polling.oldest_open_start(conn, source_id))

    async def oldest_unsettled_start(self, source_id: str, ended_from: datetime) -> datetime | None:
        return await self._read(lambda conn: whole_calls.oldest_unsettled_start(conn, source_id, ended_from))

    async def unsettled_calls(
        self, source_id: str, ended_from: datetime, ended_before: datetime, limit: int
    ) -> Neighbourhood:
        return await self._read(
            lambda conn: whole_calls.unsettled_calls(conn, source_id, ended_from, ended_before, limit)
        )

    async def silent_calls(
        self, source_id: str, started_from: datetime, started_before: datetime, limit: int
    ) -> Neighbourhood:
        return await self._read(
            lambda conn: whole_calls.silent_calls(conn, source_id, started_from, started_before, limit)
        )

    async def calls_between(
        self, source_id: str, started_from: datetime, started_before: datetime
    ) -> Neighbourhood:
        return await self._read(
            lambda conn: whole_calls.calls_between(conn, source_id, started_from, started_before)
        )

    async def aliases(self, source_id: str) -> dict[str, str]:
        return await self._read(lambda conn: source_work.aliases(conn, source_id))

    async def stored_rejects(
        self, source_id: str, stream: str | None, after: bytes, limit: int
    ) -> list[StoredReject]:
        return await self._read(
            lambda conn: source_work.stored_rejects(conn, source_id, stream, after, limit)
        )

    # subjects that are no calls

    async def subjects(self, source_id: str, kinds: Collection[str]) -> list[SubjectState]:
        return await self._read(lambda conn: subject_rows.subjects(conn, source_id, kinds))

    async def subjects_named(self, subjects: Collection[str]) -> dict[str, SubjectState]:
        return await self._read(lambda conn: subject_rows.subjects_named(conn, subjects))

    # what was read

    async def coverage(self, source_id: str) -> dict[str, list[Interval]]:
        return await self._read(lambda conn: coverage.coverage_of(conn, source_id))

    async def reads(
        self,
        source_id: str,
        since: datetime,
        tiers: Collection[str] | None = None,
        touching: Interval | None = None,
    ) -> dict[str, list[Read]]:
        return await self._read(lambda conn: coverage.reads_of(conn, source_id, since, tiers, touching))

    async def open_gaps(self, source_id: str) -> list[Gap]:
        return await self._read(lambda conn: coverage.open_gaps(conn, source_id))

    # what is asked of the owner

    async def inbox(self, source_id: str, limit: int) -> list[InboxItem]:
        return await self._read(lambda conn: source_work.inbox(conn, source_id, limit))

    async def next_job(self, source_id: str) -> SourceJob | None:
        return await self._read(lambda conn: source_work.next_job(conn, source_id))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._database.read(work)
