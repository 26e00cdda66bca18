"""
A consumer in a process of its own that keeps when it saw each event first.

`python -m bench.kafka_reader BOOTSTRAP PREFIX EVENTS SECONDS` prints `ready` once it reads, and at the end,
after so many events or seconds, the times by event id as one line of JSON.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Final

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from relay.sinks.kafka.clients import READ_COMMITTED, open_consumer
from relay.sinks.kafka.settings import KafkaSettings
from relay.sinks.kafka.topics import Topics, ensure_topics

POLL_MS: Final = 200
ID_HEADER: Final = "ce_id"


async def main() -> None:
    """
    Make the topics where they are missing, and read all that is committed to them.
    """
    bootstrap, prefix, events, seconds = sys.argv[1:]
    # Brokers take a moment to lead new topics, and the client calls that errors; what it never finds is told.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    settings = KafkaSettings(bootstrap, prefix, create_topics=True)
    topics = Topics(prefix)
    await ensure_topics(settings, topics)
    async with open_consumer(settings, READ_COMMITTED) as consumer:
        consumer.assign(
            [TopicPartition(name, place) for name in topics.events for place in range(settings.partitions)]
        )
        _write("ready")
        seen = await _seen(consumer, int(events), float(seconds))
    _write(orjson.dumps(seen).decode())


async def _seen(consumer: AIOKafkaConsumer, events: int, seconds: float) -> dict[str, float]:
    seen: dict[str, float] = {}
    deadline = time.monotonic() + seconds
    while len(seen) < events and time.monotonic() < deadline:
        batches = await consumer.getmany(timeout_ms=POLL_MS)
        now = time.monotonic()
        for records in batches.values():
            for record in records:
                seen.setdefault(dict(record.headers)[ID_HEADER].decode(), now)
    return seen


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
