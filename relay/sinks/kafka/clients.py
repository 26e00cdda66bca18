"""
Kafka clients that are always let go of, also while the broker hangs.

The client's own `stop()` waits for what may never come: unsent batches, replies, socket buffers.  So
nothing here flushes.  That is safe because an unfinished transaction is aborted by the broker or by the next
publisher.
"""

from __future__ import annotations

import asyncio
from asyncio import Future, Task
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiokafka import AIOKafkaClient, AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from relay.sinks.kafka.settings import MAX_BATCH_BYTES, NONE, KafkaSettings

READ_COMMITTED: Final = "read_committed"
READ_UNCOMMITTED: Final = "read_uncommitted"


def new_producer(settings: KafkaSettings) -> AIOKafkaProducer:
    """
    Return a transactional producer that is not started yet.
    """
    return AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id=settings.transactional_id,
        acks="all",
        enable_idempotence=True,
        compression_type=None if settings.compression == NONE else settings.compression,
        max_batch_size=MAX_BATCH_BYTES,
        linger_ms=0,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        request_timeout_ms=settings.request_timeout_ms,
    )


async def drop_producer(producer: AIOKafkaProducer, timeout_s: float) -> None:
    """
    Throw a producer away within `timeout_s`: nothing is flushed, committed or aborted.
    """
    producer._closed = True  # as stop() does first; without it the garbage collector complains
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    tasks = _tasks_of(producer)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=timeout_s)
    _abort_connections(producer.client)
    with suppress(TimeoutError):  # its sockets are gone already; whatever it still waits for does not matter
        async with asyncio.timeout_at(deadline):
            await producer.client.close()
    for future in _futures_of(producer):
        if future.done() and not future.cancelled():
            future.exception()  # seen; otherwise asyncio reports it as never retrieved


@asynccontextmanager
async def open_consumer(settings: KafkaSettings, isolation_level: str) -> AsyncIterator[AIOKafkaConsumer]:
    """
    Give a consumer without a group; it commits no offsets and takes no part in any rebalance.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=isolation_level,
        request_timeout_ms=settings.request_timeout_ms,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        try:
            async with asyncio.timeout(settings.close_timeout_s):
                await consumer.stop()
        except TimeoutError:
            _abort_connections(consumer._client)


@asynccontextmanager
async def open_admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """
    Give a client for topics.
    """
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.bootstrap_servers, request_timeout_ms=settings.request_timeout_ms
    )
    try:
        await admin.start()
        yield admin
    finally:
        try:
            async with asyncio.timeout(settings.close_timeout_s):
                await admin.close()
        except TimeoutError:
            _abort_connections(admin._client)


def _tasks_of(producer: AIOKafkaProducer) -> list[Task[Any]]:
    # The sender waits for its own requests when it is cancelled, and those retry for ever: end them as well.
    # It keeps them in a local variable, so they are known only by whose method they run.
    return [task for task in asyncio.all_tasks() if _runs_method_of(task, producer._sender)]


def _runs_method_of(task: Task[Any], owner: object) -> bool:
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame is not None and frame.f_locals.get("self") is owner


def _futures_of(producer: AIOKafkaProducer) -> list[Future[Any]]:
    # A failed sender puts its error also into futures that only it would have waited for.
    unsent = producer._message_accumulator._batches.values()
    futures = [
        future for batches in unsent for batch in batches for future in (batch.future, batch._drain_waiter)
    ]
    waiter = producer._txn_manager._transaction_waiter
    return futures if waiter is None else [*futures, waiter]


def _abort_connections(client: AIOKafkaClient) -> None:
    # A polite close waits until the peer has read what was written.
    for connection in list(client._conns.values()):
        if connection._writer is not None:
            connection._writer.transport.abort()
