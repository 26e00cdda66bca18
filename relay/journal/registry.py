"""
Registering endpoints on a database: `relay.journal.api_port.RegistryJournal`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from relay.journal import changing, deleting, idempotency, registering, resending
from relay.journal.api_port import Once
from relay.journal.fence import Fence
from relay.journal.registered import registered, registered_as
from relay.journal.sealing import Seal, is_sealed
from relay.journal.secrets_of_endpoints import NewSecret
from relay.journal.sqlite import SqliteDatabase
from relay.model.delivery_options import V1
from relay.model.endpoint import EndpointSpec, RegisteredEndpoint
from relay.model.errors import Conflict
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
        seal: seals what is secret there.
    """

    def __init__(self, database: SqliteDatabase, fence: Fence, seal: Seal) -> None:
        self._database = database
        self._fence = fence
        self._seal = seal

    async def recall(self, once: Once, now: datetime) -> bytes | None:
        reply = await self._database.read(lambda conn: idempotency.recall(conn, once, now))
        return None if reply is None else self._opened(once, reply)

    async def remember(self, once: Once, reply: bytes, now: datetime) -> bytes:
        return await self._fence.write(lambda conn, _: idempotency.done_once(conn, once, lambda: reply, now))

    async def registered(self, now: datetime) -> list[RegisteredEndpoint]:
        return await self._database.read(lambda conn: registered(conn, self._seal, now))

    async def registered_as(self, endpoint_id: str, now: datetime) -> RegisteredEndpoint | None:
        return await self._database.read(lambda conn: registered_as(conn, self._seal, endpoint_id, now))

    async def create_endpoint(
        self,
        spec: EndpointSpec,
        answer: Callable[[RegisteredEndpoint], bytes],
        now: datetime,
        once: Once | None,
    ) -> bytes:
        return await self._sealed_once(
            once,
            now,
            lambda conn, last_seq: answer(changing.create_endpoint(conn, self._seal, last_seq, spec, now)),
        )

    async def change_registered(self, spec: EndpointSpec, now: datetime) -> RegisteredEndpoint:
        made, has_moved = await self._fence.write(
            lambda conn, _: changing.change_endpoint(conn, self._seal, spec, now)
        )
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
        *,
        scheme: str = V1,
        starts_at: datetime | None = None,
    ) -> bytes:
        new = NewSecret(key, old_until, scheme, starts_at)
        return await self._sealed_once(
            once, now, lambda conn, _: answer(changing.add_secret(conn, self._seal, endpoint_id, new, now))
        )

    async def delete_endpoint(self, endpoint_id: str, now: datetime) -> None:
        await self._fence.write(lambda conn, _: deleting.delete_endpoint(conn, endpoint_id, now))

    async def resend(
        self, key: DeliveryKey, answer: Callable[[DeliveryItem], bytes], now: datetime, once: Once | None
    ) -> bytes:
        return await self._fence.write_once(
            once, now, lambda conn, _: answer(resending.resend(conn, key, now))
        )

    async def _sealed_once(
        self, once: Once | None, now: datetime, work: Callable[[Connection, int], bytes]
    ) -> bytes:
        """
        Do what `Fence.write_once` does, with a reply that holds a secret.
        """
        if once is None:
            return await self._fence.write_once(None, now, work)
        about = _about(once)
        reply = await self._fence.write_once(
            once, now, lambda conn, last_seq: self._seal.seal(work(conn, last_seq), about)
        )
        return self._opened(once, reply)

    def _opened(self, once: Once, reply: bytes) -> bytes:
        if not is_sealed(reply):
            return reply
        opened = self._seal.open(reply, _about(once))
        if opened is None:
            raise Conflict(
                "the reply to this Idempotency-Key holds a secret, and the journal's secrets key is another:"
                " use a new one"
            )
        return opened


def _about(once: Once) -> str:
    return f"reply {once.owner} {once.key}"
