"""
A real journal whose answers come when a test says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from relay.journal.port import Append, Appended, Identity, LanePage
from relay.journal.sealing import Seal
from relay.journal.sqlite import SqliteDatabase
from relay.journal.store import SqlJournal


class GatedJournal(SqlJournal):
    """
    Hands a page over once `gate` is open; `is_paging` is set while one that was read is kept back.
    """

    def __init__(
        self, database: SqliteDatabase, identity: Identity, epoch: int, last_seq: int, seal: Seal
    ) -> None:
        super().__init__(database, identity, epoch, last_seq, seal)
        self.gate = asyncio.Event()
        self.is_paging = asyncio.Event()

    async def page_in(
        self,
        endpoint_no: int,
        now_ms: int,
        limit: int,
        waiting_limit: int,
        *,
        resends: bool = False,
        busy: Collection[int] = (),
        follow: int = 0,
    ) -> LanePage:
        page = await super().page_in(
            endpoint_no, now_ms, limit, waiting_limit, resends=resends, busy=busy, follow=follow
        )
        if not resends and page.due:
            self.is_paging.set()
            await self.gate.wait()
        return page


class SlowToAnswer(SqlJournal):
    """
    Tells that it has appended once `gate` is open; `has_appended` is set as soon as something is durable.
    """

    def __init__(
        self, database: SqliteDatabase, identity: Identity, epoch: int, last_seq: int, seal: Seal
    ) -> None:
        super().__init__(database, identity, epoch, last_seq, seal)
        self.gate = asyncio.Event()
        self.has_appended = asyncio.Event()

    async def append(self, change: Append) -> Appended:
        appended = await super().append(change)
        self.has_appended.set()
        await self.gate.wait()
        return appended
