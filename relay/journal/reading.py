"""
The journal as people look at it: `relay.journal.api_port.ReadingJournal` on a database.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from relay.journal import (
    attempt_lists,
    call_lists,
    coverage_lists,
    delivery_lists,
    endpoint_counts,
    event_lists,
    source_lists,
    subject_lists,
    work_lists,
)
from relay.journal.sqlite import SqliteDatabase
from relay.model.coverage import Read
from relay.model.event import StoredEvent
from relay.model.listing import (
    AttemptItem,
    CallDetail,
    CallFilter,
    CallItem,
    DeliveryFilter,
    DeliveryItem,
    DeliveryKey,
    EndpointCounts,
    EventFilter,
    Page,
    RejectFilter,
    SourceItem,
    StreamCoverage,
    SubjectItem,
)
from relay.model.source_work import Alias, SourceJob, StoredReject

SCANNED_ROWS: Final = 5_000


class SqlReading:
    """
    Looks at the journal in a thread and on a snapshot of its own; implements ReadingJournal.

    Args:
        database: where the journal is.
        scanned_rows: how many rows one page may look at to find those wanted; then it ends short.
    """

    def __init__(self, database: SqliteDatabase, scanned_rows: int = SCANNED_ROWS) -> None:
        self._database = database
        self._scanned_rows = scanned_rows

    async def last_seq(self) -> int:
        return await self._database.look_up(event_lists.last_seq)

    async def list_events(self, wanted: EventFilter, after: str | None, limit: int) -> Page[StoredEvent]:
        return await self._database.look_up(
            lambda look: event_lists.list_events(look, wanted, after, limit, self._scanned_rows)
        )

    async def event(self, event_id: str) -> StoredEvent | None:
        return await self._database.look_up(lambda look: event_lists.event(look, event_id))

    async def list_calls(self, wanted: CallFilter, after: str | None, limit: int) -> Page[CallItem]:
        return await self._database.look_up(
            lambda look: call_lists.list_calls(look, wanted, after, limit, self._scanned_rows)
        )

    async def call(self, call_id: str) -> CallDetail | None:
        return await self._database.look_up(lambda look: call_lists.call(look, call_id))

    async def list_subjects(
        self, kinds: Collection[str], source_id: str | None, after: str | None, limit: int
    ) -> Page[SubjectItem]:
        return await self._database.look_up(
            lambda look: subject_lists.list_subjects(look, kinds, source_id, after, limit)
        )

    async def subject(self, subject: str) -> SubjectItem | None:
        return await self._database.look_up(lambda look: subject_lists.subject(look, subject))

    async def list_deliveries(
        self, wanted: DeliveryFilter, after: str | None, limit: int
    ) -> Page[DeliveryItem]:
        return await self._database.look_up(
            lambda look: delivery_lists.list_deliveries(look, wanted, after, limit, self._scanned_rows)
        )

    async def delivery(self, key: DeliveryKey) -> DeliveryItem | None:
        return await self._database.look_up(lambda look: delivery_lists.delivery(look, key))

    async def attempts(self, key: DeliveryKey) -> list[AttemptItem]:
        return await self._database.look_up(lambda look: attempt_lists.attempts(look, key))

    async def endpoint_counts(self, endpoint_id: str, newest: int) -> EndpointCounts | None:
        return await self._database.look_up(
            lambda look: endpoint_counts.endpoint_counts(look, endpoint_id, newest)
        )

    async def list_sources(self, now: datetime) -> list[SourceItem]:
        return await self._database.look_up(lambda look: source_lists.list_sources(look, now))

    async def stream_coverage(self, source_id: str) -> list[StreamCoverage] | None:
        return await self._database.look_up(lambda look: coverage_lists.stream_coverage(look, source_id))

    async def list_reads(
        self, source_id: str, stream: str | None, after: str | None, limit: int
    ) -> Page[Read]:
        return await self._database.look_up(
            lambda look: coverage_lists.list_reads(look, source_id, stream, after, limit)
        )

    async def list_rejects(self, wanted: RejectFilter, after: str | None, limit: int) -> Page[StoredReject]:
        return await self._database.look_up(
            lambda look: work_lists.list_rejects(look, wanted, after, limit, self._scanned_rows)
        )

    async def list_jobs(self, source_id: str, kind: str, after: str | None, limit: int) -> Page[SourceJob]:
        return await self._database.look_up(
            lambda look: work_lists.list_jobs(look, source_id, kind, after, limit)
        )

    async def job(self, job_id: int) -> SourceJob | None:
        return await self._database.look_up(lambda look: work_lists.job(look, job_id))

    async def list_aliases(self, source_id: str | None, after: str | None, limit: int) -> Page[Alias]:
        return await self._database.look_up(
            lambda look: work_lists.list_aliases(look, source_id, after, limit)
        )
