"""
The journal on a database: every port of `relay.journal.port`, one transaction a method.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from relay.journal import (
    appending,
    budgeting,
    bulk_loading,
    command_rows,
    deleting,
    delivering,
    expiring,
    idempotency,
    paging,
    publishing,
    registering,
    reordering,
    schema,
    sealed_auth,
    secrets_of_endpoints,
    subject_rows,
)
from relay.journal.api_port import ReadingJournal, RegistryJournal, SourceWorkJournal
from relay.journal.commands import SqlCommands
from relay.journal.commands_port import CommandJournal, MappingJournal
from relay.journal.coverage import forget_reads
from relay.journal.fan_out import FanOut
from relay.journal.fence import Fence
from relay.journal.grants import SqlGrants
from relay.journal.mappings import SqlMappings
from relay.journal.matching import Matcher
from relay.journal.migrate import upgrade
from relay.journal.operating import SqlOperating
from relay.journal.poll_reads import PollReads
from relay.journal.port import (
    Append,
    Appended,
    EndpointChange,
    EndpointHead,
    Identity,
    LanePage,
    OperatingJournal,
)
from relay.journal.preparing import ExpectedSeq, events_of, prepare
from relay.journal.reading import SqlReading
from relay.journal.registry import SqlRegistry
from relay.journal.sealing import Seal, seal_beside
from relay.journal.sqlite import FileLock, SqliteDatabase
from relay.journal.statements import sqlite_driver, upsert
from relay.journal.work import SqlSourceWork
from relay.model.endpoint import Delivery, Endpoint, EndpointSpec
from relay.model.errors import JournalUnusable
from relay.model.event import StoredEvent
from relay.model.journal_stats import Backlog, EndpointBacklog, JournalStats
from relay.model.settlement import Settlement
from relay.model.times import to_ms
from relay.sources.port import NoRoom, Reservation, Share

ID_KEY_BYTES: Final = 32
OWNER_LEASE: Final = "journal"
NEVER_EXPIRES_MS: Final = 2**62


class SqlJournal(PollReads):
    """
    The journal of one deployment.

    Satisfies PollJournal, SendLog, DeliveryJournal, PublishJournal and HousekeepingJournal; `registry` is
    a RegistryJournal, `grants` a GrantBook of the sinks, `work` a SourceWorkJournal, `commands` a
    CommandJournal, `mappings` a MappingJournal, `reading` a ReadingJournal, `operating` an OperatingJournal.
    """

    def __init__(
        self, database: SqliteDatabase, identity: Identity, epoch: int, last_seq: int, seal: Seal
    ) -> None:
        super().__init__(database)
        self._epoch = epoch
        self._expected_seq = ExpectedSeq(last_seq)
        self._matcher = Matcher()
        self._fan_out = FanOut()
        self.identity = identity
        self.seal = seal
        fence = Fence(database, epoch, self._matcher)
        self.grants = SqlGrants(database)
        self.registry: RegistryJournal = SqlRegistry(database, fence, seal)
        self.work: SourceWorkJournal = SqlSourceWork(fence)
        self.commands: CommandJournal = SqlCommands(database, fence)
        self.mappings: MappingJournal = SqlMappings(database, fence)
        self.reading: ReadingJournal = SqlReading(database)
        self.operating: OperatingJournal = SqlOperating(database, fence)

    # the poll loop

    def max_events_per_append(self, source_id: str) -> int:
        return self._fan_out.max_events(self._matcher.current, source_id)

    async def append(self, change: Append) -> Appended:
        events = len(events_of(change))
        prepared = prepare(change, self._expected_seq.begin(events), self._matcher.current)
        appended = None
        try:
            appended = await self._database.write(
                lambda conn: appending.append(conn, self._epoch, self._matcher, prepared)
            )
        finally:
            self._expected_seq.end(events, appended)
        matching, made = self._matcher.current, len(appended.deliveries)
        self._fan_out.learn(matching, change.source_id, len(appended.events), made)
        return appended

    # the budget

    async def reserve(
        self, source_id: str, purpose: str, share: Share, now: datetime
    ) -> Reservation | NoRoom:
        return await self._database.write(
            lambda conn: budgeting.reserve(conn, source_id, purpose, share, now)
        )

    async def note(self, send_id: int, outcome: str, *, per_s: float, now: datetime) -> None:
        await self._database.write(lambda conn: budgeting.note(conn, send_id, outcome, per_s, now))

    async def in_window(self, source_id: str, now: datetime) -> int:
        return await self._database.read(lambda conn: budgeting.in_window(conn, source_id, now))

    # the deliver loop

    async def sync_endpoints(self, specs: Sequence[EndpointSpec], now: datetime) -> list[Endpoint]:
        return await self._database.write(lambda conn: registering.sync_endpoints(conn, specs, now))

    async def endpoint_head(self, endpoint_no: int) -> EndpointHead:
        return await self._database.write(lambda conn: registering.endpoint_head(conn, endpoint_no))

    async def change_endpoint(self, change: EndpointChange, now: datetime) -> Appended:
        events = len(change.events)
        self._expected_seq.begin(events)
        appended = None
        try:
            appended = await self._database.write(
                lambda conn: registering.change_endpoint(conn, self._epoch, self._matcher, change, now)
            )
        finally:
            self._expected_seq.end(events, appended)
        return appended

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
        # On the write thread on purpose: its answers reach the loop in the order of the commits, so a
        # delivery that a lane has just settled cannot come back as due from an older snapshot.
        return await self._database.write(
            lambda conn: paging.page_in(
                conn, endpoint_no, now_ms, limit, waiting_limit, resends=resends, busy=busy, follow=follow
            )
        )

    async def hold_endpoint(self, endpoint_no: int, not_before_ms: int | None) -> None:
        await self._database.write(lambda conn: registering.hold_endpoint(conn, endpoint_no, not_before_ms))

    async def make_due(self, endpoint_no: int, now_ms: int, limit: int) -> int:
        return await self._database.write(lambda conn: registering.make_due(conn, endpoint_no, now_ms, limit))

    async def settle(self, batch: Sequence[Settlement]) -> None:
        outcomes = delivering.prepare_outcomes(batch)
        await self._database.write(lambda conn: delivering.settle(conn, outcomes))

    async def reorder(self, endpoint_no: int, after: int | None, now_ms: int) -> int | None:
        return await self._database.write(lambda conn: reordering.reorder(conn, endpoint_no, after, now_ms))

    async def backlogs(self) -> dict[int, EndpointBacklog]:
        return await self._database.read(expiring.backlogs)

    async def last_before(self, before_ms: int) -> int:
        return await self._database.read(lambda conn: expiring.last_before(conn, before_ms))

    async def waiting_longest(
        self, endpoint_no: int, from_seq: int, to_seq: int, limit: int
    ) -> list[Delivery]:
        return await self._database.read(
            lambda conn: expiring.waiting_longest(conn, endpoint_no, from_seq, to_seq, limit)
        )

    # the publish loop

    async def events_after(self, seq: int, limit: int, max_bytes: int) -> list[StoredEvent]:
        return await self._database.read(lambda conn: publishing.events_after(conn, seq, limit, max_bytes))

    async def event_id_at(self, seq: int) -> str | None:
        return await self._database.read(lambda conn: publishing.event_id_at(conn, seq))

    async def note_publication(self, name: str, seq: int, event_id: str, now: datetime) -> None:
        await self._database.write(lambda conn: publishing.note_publication(conn, name, seq, event_id, now))

    # housekeeping

    async def stats(self) -> JournalStats:
        size_bytes, wal_bytes = self._database.size_bytes()
        return await self._database.read(lambda conn: publishing.stats(conn, size_bytes, wal_bytes))

    async def backlog(self, publication: str) -> Backlog:
        return await self._database.read(lambda conn: publishing.backlog(conn, publication))

    async def forget_sends(self, before: datetime) -> int:
        return await self._database.write(lambda conn: budgeting.forget_sends(conn, before))

    async def forget_replies(self, before: datetime) -> int:
        return await self._database.write(lambda conn: idempotency.forget_replies(conn, before))

    async def forget_reads(self, before_head: datetime, before: datetime) -> int:
        return await self._database.write(lambda conn: forget_reads(conn, before_head, before))

    async def forget_subjects(self, before: datetime) -> int:
        return await self._database.write(lambda conn: subject_rows.forget_subjects(conn, before))

    async def forget_commands(self, before: datetime) -> int:
        return await self._database.write(lambda conn: command_rows.forget_commands(conn, before))

    async def forget_bulks(self, before: datetime, loading_before: datetime) -> int:
        return await self._database.write(
            lambda conn: bulk_loading.forget_bulks(conn, before, loading_before)
        )

    async def discard_of_deleted(self, limit: int, now: datetime) -> int:
        return await self._database.write(lambda conn: deleting.discard_of_deleted(conn, limit, now))


@asynccontextmanager
async def open_sqlite(
    path: Path,
    owner: str,
    now: datetime,
    id_key: bytes | None = None,
    secrets_key: bytes | None = None,
) -> AsyncIterator[SqlJournal]:
    """
    Open the journal file as its only owner, bring it to this version's schema, and close it at the end.

    Args:
        path: the file; made where it is missing.
        owner: who owns it from now on, for people.
        now: the present.
        id_key: what ids are keyed with, where the configuration says so; else the journal's own.
        secrets_key: what secrets are sealed with, where the configuration says so; else the key file beside
            the journal, which is made where it is missing.

    Raises:
        JournalUnusable: in use, newer, read-only, or made with another id key; or its key file is garbled.
    """
    lock = FileLock(path)
    try:
        _make_private(path)
        seal = seal_beside(path, secrets_key)
        database = SqliteDatabase(path)
        try:
            taken = await database.write(lambda conn: _take_over(conn, owner, now, id_key))
            await database.write(lambda conn: _seal_anew(conn, seal))
            yield SqlJournal(database, *taken, seal)
        finally:
            await database.close()
    finally:
        lock.close()


def _make_private(path: Path) -> None:
    """
    Make a new journal for its owner's eyes only, since it holds secrets; SQLite makes its -wal alike.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise JournalUnusable(f"the journal {path} cannot be made: {error.strerror}") from error


def _seal_anew(conn: Connection, seal: Seal) -> None:
    """
    Leave nothing of what earlier versions kept unsealed: SQLite is to overwrite what it gives free.
    """
    driver = sqlite_driver(conn)
    driver.execute("PRAGMA secure_delete=ON")
    try:
        sealed_auth.seal_anew(conn, seal)
        if secrets_of_endpoints.seal_anew(conn, seal):
            idempotency.forget_replies_with_secrets(conn)
    finally:
        driver.execute("PRAGMA secure_delete=OFF")


def _take_over(
    conn: Connection, owner: str, now: datetime, id_key: bytes | None
) -> tuple[Identity, int, int]:
    upgrade(conn)
    row = conn.execute(select(schema.meta)).one_or_none()
    if row is None:
        conn.execute(
            insert(schema.meta).values(
                singleton=1,
                journal_id=uuid4().hex,
                id_key=id_key or secrets.token_bytes(ID_KEY_BYTES),
                last_seq=0,
                endpoints_version=0,
                epoch=0,
                created_ms=to_ms(now),
            )
        )
        row = conn.execute(select(schema.meta)).one()
    if id_key is not None and id_key != row.id_key:
        raise JournalUnusable(
            "the journal was made with another id_key: its ids would change; restore the key it was made with"
        )
    epoch = row.epoch + 1
    conn.execute(update(schema.meta).values(epoch=epoch))
    lease = {"name": OWNER_LEASE, "owner": owner, "epoch": epoch, "expires_ms": NEVER_EXPIRES_MS}
    conn.execute(upsert(conn.dialect.name, schema.leases), [lease])
    return Identity(row.journal_id, row.id_key), epoch, row.last_seq
