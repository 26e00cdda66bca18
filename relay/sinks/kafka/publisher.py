"""
The one publisher of a deployment: exactly once, in seq order.

Why it holds: the broker ends every earlier transaction when a producer of the same transactional id starts;
the cursor is read only after that, and it was committed together with the events it speaks of.  After any
failure the producer is thrown away, and the next cursor tells what became of the transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaProducer

from relay.model.errors import ConfigError, Fault, JournalUnusable, PublisherLost
from relay.model.event import StoredEvent
from relay.sinks.kafka.clients import drop_producer, new_producer
from relay.sinks.kafka.cursor import Cursor, read_cursor
from relay.sinks.kafka.failures import CLOSED, FAILURES, reason_of
from relay.sinks.kafka.records import RecordMaker
from relay.sinks.kafka.settings import CODECS, KafkaSettings
from relay.sinks.kafka.topics import Topics, ensure_topics
from relay.sinks.kafka.transaction import Transaction

WAY_ON = "Start relay with the journal that published here, or publish under another topic_prefix."


class KafkaPublisher:
    """
    Publishes one journal (`relay.sinks.port.EventPublisher`).

    Args:
        settings: brokers, names and deadlines.
        journal_id: the identity of the journal, written with every event and cursor.
        event_id_at: returns the id of the journal's event at a seq, None where there is none.

    Raises:
        ConfigError: settings that cannot work.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        journal_id: str,
        event_id_at: Callable[[int], Awaitable[str | None]],
    ) -> None:
        _check(settings)
        self._settings = settings
        self._journal_id = journal_id
        self._event_id_at = event_id_at
        self._topics = Topics(settings.topic_prefix)
        self._records = RecordMaker(self._topics, journal_id)
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> int:
        """
        Fence every earlier publisher of this deployment; return the last seq that Kafka has (0: none).

        Raises:
            PublisherLost: Kafka did not answer, or topics are missing.
            JournalUnusable: the cursor in Kafka is not of this journal.
        """
        await self.close()
        producer = new_producer(self._settings)
        try:
            seq = await self._admit(await self._fence(producer))
            self._producer = producer
        finally:
            if self._producer is not producer:
                await drop_producer(producer, self._settings.close_timeout_s)
        return seq

    async def publish(self, events: Sequence[StoredEvent]) -> None:
        """
        Commit all of `events` and the cursor behind them, or nothing.

        A cancelled call leaves the outcome unknown, as a failed one does.

        Raises:
            PublisherLost: the outcome is unknown; only `open` tells.
        """
        producer = self._producer
        if producer is None:
            raise PublisherLost(CLOSED, "The Kafka publisher is not open.")
        if not events:
            return
        transaction = Transaction(producer)
        try:
            async with asyncio.timeout(self._settings.send_timeout_s):
                await producer.begin_transaction()
                await self._send(transaction, events)
            async with asyncio.timeout(self._settings.commit_timeout_s):
                await producer.commit_transaction()
        except FAILURES as error:
            lost = _lost(producer, error, f"events {events[0].seq} to {events[-1].seq}")
            await self.close()
            raise lost from error
        finally:
            transaction.dismiss()

    async def close(self) -> None:
        """
        Release everything within about `close_timeout_s`, whatever the brokers do.  Safe twice.
        """
        producer, self._producer = self._producer, None
        if producer is not None:
            await drop_producer(producer, self._settings.close_timeout_s)

    async def _fence(self, producer: AIOKafkaProducer) -> Cursor | None:
        try:
            async with asyncio.timeout(self._settings.open_timeout_s):
                await ensure_topics(self._settings, self._topics)
                await producer.start()
                return await read_cursor(self._settings, self._topics.cursors)
        except FAILURES as error:
            raise _lost(producer, error, "opening") from error

    async def _admit(self, cursor: Cursor | None) -> int:
        # A restored backup, another database or a wrong prefix would publish twice, or leave a hole.
        if cursor is None:
            return 0
        place = f"The cursor of {self._settings.transactional_id} in {self._topics.cursors}"
        if cursor.journal_id != self._journal_id:
            raise JournalUnusable(
                f"{place} is of journal {cursor.journal_id}, this one is {self._journal_id}. {WAY_ON}"
            )
        event_id = await self._event_id_at(cursor.seq)
        if event_id != cursor.event_id:
            raise JournalUnusable(
                f"{place} says that seq {cursor.seq} is {cursor.event_id}, "
                f"but the journal has {event_id or 'no event'} there: an older copy of it? {WAY_ON}"
            )
        return cursor.seq

    async def _send(self, transaction: Transaction, events: Sequence[StoredEvent]) -> None:
        await transaction.add(map(self._records.event_record, events))
        await transaction.add(self._records.state_records(events))
        cursor = Cursor.behind(self._journal_id, events)
        await transaction.add([cursor.record(self._topics.cursors, self._settings.transactional_id)])
        await transaction.flush()


def _check(settings: KafkaSettings) -> None:
    faults = []
    if not __debug__:
        # The client's transaction states are guarded by assertions alone.
        faults.append(Fault("kafka", "cannot run without assertions: start Python without -O"))
    if settings.compression not in CODECS:
        faults.append(Fault("kafka.compression", f"must be one of {', '.join(CODECS)}"))
    if faults:
        raise ConfigError(faults)


def _lost(producer: AIOKafkaProducer, error: BaseException, what: str) -> PublisherLost:
    # Once its background task has failed, the client answers with whatever that led to; the cause is there.
    sender = producer._sender.sender_task
    if sender is not None and sender.done() and not sender.cancelled():
        error = sender.exception() or error
    return PublisherLost(reason_of(error), f"Kafka, {what}: {error!r}")
