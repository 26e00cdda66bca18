"""
Reads topics from their start to where they ended when asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from relay.model.errors import PublisherLost
from relay.sinks.kafka.clients import READ_COMMITTED, READ_UNCOMMITTED, open_admin, open_consumer
from relay.sinks.kafka.failures import FAILURES, reason_of
from relay.sinks.kafka.settings import KafkaSettings

POLL_MS: Final = 200


@dataclass(frozen=True, slots=True)
class PublishedRecord:
    """
    A record as consumers get it.
    """

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: dict[str, bytes]
    timestamp_ms: int


async def read_committed(
    bootstrap_servers: str, topics: Iterable[str], timeout_s: float = 60.0
) -> list[PublishedRecord]:
    """
    Return every committed record of `topics`, in the order of each partition.

    A topic that does not exist holds nothing.  Reads to the high watermark, so it waits for a transaction
    that is still open.

    Raises:
        PublisherLost: Kafka did not answer, or not within `timeout_s`.
    """
    settings = KafkaSettings(bootstrap_servers)
    try:
        async with asyncio.timeout(timeout_s):
            partitions = await _partitions(settings, set(topics))
            if not partitions:
                return []
            ends = await high_watermarks(settings, partitions)
            async with open_consumer(settings, READ_COMMITTED) as consumer:
                consumer.assign(partitions)
                return [_published(record) async for record in read_on(consumer, ends)]
    except FAILURES as error:
        raise PublisherLost(reason_of(error), f"Kafka could not be read: {error!r}") from error


async def high_watermarks(
    settings: KafkaSettings, partitions: Iterable[TopicPartition]
) -> Mapping[TopicPartition, int]:
    """
    Return the end of each partition, open transactions included.

    A consumer that reads only what is committed would answer with the last stable offset instead.
    """
    async with open_consumer(settings, READ_UNCOMMITTED) as consumer:
        return await consumer.end_offsets(partitions)


async def read_on(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
) -> AsyncIterator[ConsumerRecord]:
    """
    Give records from where the consumer stands until every partition is read to its end.

    Positions move over commit markers too, so a partition that ends with one is not waited for.
    """
    while [partition for partition, end in ends.items() if await consumer.position(partition) < end]:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                yield record


async def _partitions(settings: KafkaSettings, topics: set[str]) -> list[TopicPartition]:
    async with open_admin(settings) as admin:
        # All topics are asked for: asking for one by name can create it.
        descriptions = await admin.describe_topics()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in descriptions
        if topic["topic"] in topics
        for partition in topic["partitions"]
    ]


def _published(record: ConsumerRecord) -> PublishedRecord:
    return PublishedRecord(
        record.topic, record.partition, record.offset, record.key or b"", record.value,
        dict(record.headers), record.timestamp,
    )  # fmt: skip
