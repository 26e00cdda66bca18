"""
Journal to Kafka, exactly once, and the bare idempotent producer that it is compared with.

Both send the same records with the same batch size, codec and linger to a broker of the same make; the bare
one has no journal, no transactions, no cursor and no topic of last states.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from bench.child import BenchFailed
from bench.events import EVENTS_PER_CALL, call_changes
from bench.house import House, open_house
from bench.paced import WARM_UP_S, Timetable
from relay.pipeline.publish import Publish
from relay.sinks.kafka.reader import read_committed
from relay.sinks.kafka.records import Record, RecordMaker
from relay.sinks.kafka.settings import MAX_BATCH_BYTES, KafkaSettings
from relay.sinks.kafka.topics import Topics, ensure_topics

WARM_UP_CALLS: Final = 100
AT_ONCE: Final = 1_000
AT_ONCE_BYTES: Final = 4 * 1024 * 1024


async def bare(params: dict[str, Any]) -> dict[str, float]:
    """
    Send the events of `calls` calls; return how many a second were acknowledged.
    """
    settings = settings_of(params)
    topics = Topics(settings.topic_prefix)
    await ensure_topics(settings, topics)
    async with open_house([]) as house:
        await house.append_all(call_changes(house.ids, WARM_UP_CALLS + params["calls"]))
        records = await _records(house, topics)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        enable_idempotence=True,
        acks="all",
        compression_type=settings.compression,
        max_batch_size=MAX_BATCH_BYTES,
        linger_ms=0,
        request_timeout_ms=settings.request_timeout_ms,
    )
    await producer.start()
    try:
        warm_up = WARM_UP_CALLS * EVENTS_PER_CALL
        await _send(producer, records[:warm_up])
        gc.collect()
        gc.freeze()
        started = time.perf_counter()
        await _send(producer, records[warm_up:])
        took_s = time.perf_counter() - started
    finally:
        await producer.stop()
    return {"per_s": (len(records) - warm_up) / took_s}


async def exactly_once(params: dict[str, Any]) -> dict[str, float]:
    """
    Publish a journal with the events of `calls` calls; return how many a second were committed.
    """
    settings = settings_of(params)
    async with open_house([], settings) as house:
        publish, stop = _publish_of(house), asyncio.Event()
        await house.append_all(call_changes(house.ids, WARM_UP_CALLS + params["calls"]))
        events = (WARM_UP_CALLS + params["calls"]) * EVENTS_PER_CALL
        try:
            await publish.step(stop)  # opens, and publishes a first transaction
            warm_up = house.published
            gc.collect()
            gc.freeze()
            started = time.perf_counter()
            while (published := house.published) < events:
                await publish.step(stop)
                if house.published == published:
                    raise BenchFailed("a transaction failed; its time would say nothing")
            took_s = time.perf_counter() - started
        finally:
            stop.set()
            await publish.run(stop)  # told to stop, it only closes
    await _check(settings, events)
    return {"per_s": (events - warm_up) / took_s}


async def paced(params: dict[str, Any]) -> dict[str, Any]:
    """
    Append `per_s` events a second for `seconds` and publish them; return when each append was called.
    """
    async with open_house([], settings_of(params)) as house:
        publish, stop = _publish_of(house), asyncio.Event()
        timetable = Timetable(house, params["per_s"], at_once=1)
        async with asyncio.TaskGroup() as group:
            group.create_task(publish.run(stop), name="publish")
            timetable.prepare(WARM_UP_S)
            await timetable.run()
            warm_up = len(timetable.called)
            await house.all_published(warm_up)
            timetable.prepare(params["seconds"])
            await timetable.run()
            await house.all_published(warm_up + len(timetable.called))
            stop.set()
    return {"called": timetable.called}


def settings_of(params: dict[str, Any]) -> KafkaSettings:
    """
    Return the settings of a side: topics of its own, made where they are missing.
    """
    return KafkaSettings(params["bootstrap"], params["prefix"], create_topics=True)


def _publish_of(house: House) -> Publish:
    if house.publish is None:
        raise AssertionError("the house was opened with Kafka")
    return house.publish


async def _records(house: House, topics: Topics) -> list[Record]:
    maker, seq = RecordMaker(topics, house.journal.identity.journal_id), 0
    records: list[Record] = []
    while events := await house.journal.events_after(seq, AT_ONCE, AT_ONCE_BYTES):
        records += map(maker.event_record, events)
        seq = events[-1].seq
    return records


async def _send(producer: AIOKafkaProducer, records: list[Record]) -> None:
    sent = [
        await producer.send(
            record.topic,
            record.value,
            key=record.key,
            headers=record.headers,
            timestamp_ms=record.timestamp_ms,
        )
        for record in records
    ]
    await asyncio.gather(*sent)


async def _check(settings: KafkaSettings, expected: int) -> None:
    records = await read_committed(settings.bootstrap_servers, Topics(settings.topic_prefix).events)
    ids = {record.headers["ce_id"] for record in records}
    if not len(records) == len(ids) == expected:
        raise BenchFailed(f"{len(records)} records, {len(ids)} of them different, of {expected} are in Kafka")
