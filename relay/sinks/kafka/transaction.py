"""
Fills and sends the batches of one transaction.

The client's batch interface is used instead of its `send`: one future a batch rather than one a record is
less work in Python.  Where a record goes is the same.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from relay.sinks.kafka.records import Record

# After so many records other work gets its turn: about 3 ms.
TURN: Final = 256


class Transaction:
    """
    Takes records in order; whatever it took is at the brokers once `flush` has returned.

    Of one key, later records come behind earlier ones.  Call `dismiss` after any failure.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._filling: dict[tuple[str, int], BatchBuilder] = {}
        self._sent: list[Future[object]] = []
        self._partitions: dict[str, list[int]] = {}

    async def add(self, records: Iterable[Record]) -> None:
        """
        Take records; those of full batches are on their way when this returns.
        """
        for count, record in enumerate(records, start=1):
            partitions = self._partitions.get(record.topic) or await self._partitions_of(record.topic)
            place = record.topic, partitions[_hash(record.key) % len(partitions)]
            if not self._fits(place, record):
                await self._hand_over(place)
                self._fits(place, record)  # the first record of a batch always does
            if count == TURN:
                # Small first batches: the broker takes the partitions into the transaction meanwhile.
                await self._hand_over_all()
            if count % TURN == 0:
                await asyncio.sleep(0)

    async def flush(self) -> None:
        """
        Hand over every batch and wait for all of them.

        A commit succeeds even where a record was refused, so nothing may be committed before this returned.
        """
        await self._hand_over_all()
        await asyncio.gather(*self._sent)
        self._sent.clear()

    def dismiss(self) -> None:
        """
        Want no answer any more.
        """
        for future in self._sent:
            if not future.cancel() and not future.cancelled():
                future.exception()  # seen; otherwise asyncio reports it as never retrieved

    async def _partitions_of(self, topic: str) -> list[int]:
        partitions = sorted(await self._producer.partitions_for(topic))
        self._partitions[topic] = partitions
        return partitions

    def _fits(self, place: tuple[str, int], record: Record) -> bool:
        batch = self._filling.get(place)
        if batch is None:
            batch = self._filling[place] = self._producer.create_batch()
        taken = batch.append(
            timestamp=record.timestamp_ms, key=record.key, value=record.value, headers=record.headers
        )
        return taken is not None

    async def _hand_over_all(self) -> None:
        for place in list(self._filling):
            await self._hand_over(place)

    async def _hand_over(self, place: tuple[str, int]) -> None:
        batch = self._filling.pop(place)
        topic, partition = place
        self._sent.append(await self._producer.send_batch(batch, topic, partition=partition))


@lru_cache(maxsize=16_384)
def _hash(key: bytes) -> int:
    # As Java's default partitioner, so that other producers' topics join; in pure Python, hence remembered.
    return murmur2(key) & 0x7FFFFFFF
