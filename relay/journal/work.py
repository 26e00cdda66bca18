"""
Asking something of the owner of a source on a database: `relay.journal.api_port.SourceWorkJournal`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from relay.journal import source_work
from relay.journal.api_port import Once
from relay.journal.fence import Fence
from relay.model.source_work import Alias, SourceJob


class SqlSourceWork:
    """
    The inboxes, jobs and aliases of the sources of one journal.

    `answer` runs on the thread of the writer: it may not wait for anything.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def put_down(
        self,
        source_id: str,
        kind: str,
        body: Mapping[str, Any],
        answer: Callable[[int], bytes],
        now: datetime,
        once: Once | None = None,
    ) -> bytes:
        return await self._fence.write_once(
            once, now, lambda conn, _: answer(source_work.put_down(conn, source_id, kind, body, now))
        )

    async def make_job(
        self,
        source_id: str,
        kind: str,
        start: datetime,
        end: datetime,
        answer: Callable[[SourceJob], bytes],
        now: datetime,
        once: Once | None = None,
    ) -> bytes:
        return await self._fence.write_once(
            once, now, lambda conn, _: answer(source_work.make_job(conn, source_id, kind, start, end, now))
        )

    async def cancel_job(self, job_id: int, now: datetime) -> SourceJob:
        return await self._fence.write(lambda conn, _: source_work.cancel_job(conn, job_id, now))

    async def import_aliases(self, aliases: Sequence[Alias]) -> int:
        return await self._fence.write(lambda conn, _: source_work.import_aliases(conn, aliases))
