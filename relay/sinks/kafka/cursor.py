"""
How far Kafka has the journal: the last record of every transaction says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from relay.model.errors import JournalUnusable
from relay.model.event import StoredEvent
from relay.model.times import rfc3339
from relay.sinks.kafka.clients import READ_COMMITTED, open_consumer
from relay.sinks.kafka.reader import high_watermarks, read_on
from relay.sinks.kafka.records import Record
from relay.sinks.kafka.settings import KafkaSettings

PARTITION: Final = 0
LOOK_BACK: Final = (1_000, 50_000)  # records from the end, before all of the topic


@dataclass(frozen=True, slots=True)
class Cursor:
    """
    A place in a journal: `event_id` is the event at `seq`, the last of a transaction of `count` events.

    `ts` is when that event was recorded.
    """

    journal_id: str
    seq: int
    event_id: str
    count: int
    ts: str

    @classmethod
    def behind(cls, journal_id: str, events: Sequence[StoredEvent]) -> Self:
        """
        Return the cursor that says that all of `events` are there.
        """
        last = events[-1]
        return cls(journal_id, last.seq, last.id, len(events), rfc3339(last.recorded_at))

    @classmethod
    def from_json(cls, value: bytes) -> Self:
        """
        Read back a cursor.

        Raises:
            JournalUnusable: it is none of ours.
        """
        try:
            fields = orjson.loads(value)
            return cls(**fields)
        except (TypeError, ValueError) as error:
            raise JournalUnusable(f"The cursor in Kafka cannot be read: {value[:200]!r}") from error

    def record(self, topic: str, transactional_id: str) -> Record:
        """
        Return the record to write.
        """
        return Record(topic, transactional_id.encode(), orjson.dumps(asdict(self)), [], None)


async def read_cursor(
    settings: KafkaSettings, topic: str, look_back: Sequence[int] = LOOK_BACK
) -> Cursor | None:
    """
    Return the last committed cursor of this deployment, None where there is none.

    Call it after the producer has started: only then has every earlier transaction ended.  It reads to the
    high watermark: the last stable offset would hide a committed cursor behind another's open transaction.
    """
    partition = TopicPartition(topic, PARTITION)
    end = (await high_watermarks(settings, [partition]))[partition]
    async with open_consumer(settings, READ_COMMITTED) as consumer:
        consumer.assign([partition])
        beginning = (await consumer.beginning_offsets([partition]))[partition]
        for count in (*look_back, end):
            start = max(beginning, end - count)
            value = await _last_value(consumer, partition, start, end, settings.transactional_id.encode())
            if value is not None:
                return Cursor.from_json(value)
            if start == beginning:
                break
    return None


async def _last_value(
    consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int, key: bytes
) -> bytes | None:
    last: ConsumerRecord | None = None
    consumer.seek(partition, start)
    async for record in read_on(consumer, {partition: end}):
        if record.key == key:
            last = record
    return None if last is None else last.value
