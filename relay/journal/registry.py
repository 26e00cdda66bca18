"""
Registering endpoints on a database: `relay.journal.api_port.RegistryJournal`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from relay.journal import changing, deleting, idempotency, registering, resending
from relay.journal.api_port import Once
from relay.journal.fence import Fence
from relay.journal.registered import registered, registered_as
from relay.journal.sqlite import SqliteDatabase
from relay.model.endpoint import EndpointSpec, RegisteredEndpoint
from relay.model.listing import DeliveryItem, DeliveryKey
from relay.model.times import to_ms

DUE_AT_ONCE: Final = 2_000


class SqlRegistry:
    """
    The registered endpoints of one journal.

    `answer` and what is made of it run on the thread of the writer: they may not wait for anything.

    Args:
        database: where the journal is.
        fence: writes there.
    """

    def __init__(self, database: SqliteDatabase, fence: Fence) -> None:
        self._database = database
        self._fence = fence

    async def recall(self, once: Once, now: datetime) -> bytes | None:
        return await self._database.read(lambda conn: idempotency.recall(conn, once, now))

    async def remember(self, once: Once, reply: bytes, now: datetime) -> bytes:
        return await self._fence.write(lambda conn, _: idempotency.done_once(conn, once, lambda: reply, now))

    async def registered(self, now: datetime) -> list[RegisteredEndpoint]:
        return await self._database.read(lambda conn: registered(conn, now))

    async def registered_as(self, endpoint_id: str, now: datetime) -> RegisteredEndpoint | None:
        return await self._database.read(lambda conn: registered_as(conn, endpoint_id, now))

    async def create_endpoint(
        self,
        spec: EndpointSpec,
        answer: Callable[[RegisteredEndpoint], bytes],
        now: datetime,
        once: Once | None,
    ) -> bytes:
        return await self._fence.write_once(
            once, now, lambda conn, last_seq: answer(changing.create_endpoint(conn, last_seq, spec, now))
        )

    async def change_registered(self, spec: EndpointSpec, now: datetime) -> RegisteredEndpoint:
        made, has_moved = await self._fence.write(lambda conn, _: changing.change_endpoint(conn, spec, now))
        # What waits may be very much: in steps, or nobody else could write for as long.
        while has_moved:
            made_due = await self._fence.write(
                lambda conn, _: registering.make_due(conn, made.endpoint.no, to_ms(now), DUE_AT_ONCE)
            )
            has_moved = made_due == DUE_AT_ONCE
        return made

    async def add_secret(
        self,
        endpoint_id: str,
        key: bytes,
        old_until: datetime,
        answer: Callable[[RegisteredEndpoint], bytes],
        now: datetime,
        once: Once | None,
    ) -> bytes:
        return await self._fence.write_once(
            once, now, lambda conn, _: answer(changing.add_secret(conn, endpoint_id, key, old_until, now))
        )

    async def delete_endpoint(self, endpoint_id: str, now: datetime) -> None:
        await self._fence.write(lambda conn, _: deleting.delete_endpoint(conn, endpoint_id, now))

    async def resend(
        self, key: DeliveryKey, answer: Callable[[DeliveryItem], bytes], now: datetime, once: Once | None
    ) -> bytes:
        return await self._fence.write_once(
            once, now, lambda conn, _: answer(resending.resend(conn, key, now))
        )
