"""
A broker that hangs holds nothing up: every call returns by its deadline, and nothing is lost or repeated.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from os import urandom

import pytest

from relay.model.errors import PublisherLost
from relay.sinks.kafka.clients import drop_producer, new_producer
from relay.sinks.kafka.publisher import KafkaPublisher
from relay.sinks.kafka.settings import KafkaSettings
from tests.services.kafka import Broker
from tests.sinks.kafka.detour import Detour
from tests.sinks.kafka.scene import ListJournal, read_events, seqs, settings_for

pytestmark = pytest.mark.kafka

HUNG_S = 60.0  # a call that takes longer would have hung for ever


def _quick(address: str) -> KafkaSettings:
    return settings_for(
        address, send_timeout_s=0.5, commit_timeout_s=0.5, close_timeout_s=0.5, request_timeout_ms=3_000,
        compression="none",
    )  # fmt: skip


async def _tasks_left() -> set[str]:
    await asyncio.sleep(0)
    names = {repr(task.get_coro()) for task in asyncio.all_tasks()}
    return {name for name in names if "Sender" in name or "AIOKafka" in name}


async def _resume(publisher: KafkaPublisher, journal: ListJournal) -> None:
    await publisher.publish(journal.after(await publisher.open()))
    await publisher.close()


async def test_publishing_to_a_frozen_broker_is_given_up_and_made_good_later(kafka_broker: Broker) -> None:
    journal = ListJournal()
    journal.fill(40)
    async with Detour(kafka_broker) as detour, asyncio.timeout(HUNG_S):
        settings = _quick(detour.address)
        publisher = journal.publisher(settings)
        await publisher.open()
        await publisher.publish(journal.after(0, 20))
        detour.freeze()
        with pytest.raises(PublisherLost) as lost:
            await publisher.publish(journal.after(20))
        left = await _tasks_left()
        detour.thaw()
        await _resume(publisher, journal)

    assert ("timeout", set()) == (lost.value.reason, left)
    assert list(range(1, 41)) == sorted(
        seqs(await read_events(replace(settings, bootstrap_servers=kafka_broker.bootstrap)))
    )


async def test_a_commit_whose_answer_never_came_is_neither_lost_nor_repeated(kafka_broker: Broker) -> None:
    journal = ListJournal()
    journal.fill(40)
    async with Detour(kafka_broker) as detour, asyncio.timeout(HUNG_S):
        settings = _quick(detour.address)
        publisher = journal.publisher(settings)
        seq = await publisher.open()
        for pause_s in (0.002, 0.005, 0.01, 0.02):
            publishing = asyncio.create_task(publisher.publish(journal.after(seq, 10)))
            await asyncio.wait({publishing}, timeout=pause_s)
            detour.freeze()
            await asyncio.wait({publishing})
            detour.thaw()
            assert publishing.exception() is None or isinstance(publishing.exception(), PublisherLost)
            seq = await publisher.open()
        await publisher.publish(journal.after(seq))
        await publisher.close()

    assert list(range(1, 41)) == sorted(
        seqs(await read_events(replace(settings, bootstrap_servers=kafka_broker.bootstrap)))
    )


async def test_closing_returns_while_the_broker_is_frozen(kafka_broker: Broker) -> None:
    journal = ListJournal()
    journal.fill(2_000, note="x" * 2_000)
    async with Detour(kafka_broker) as detour, asyncio.timeout(HUNG_S):
        idle, busy = (journal.publisher(_quick(detour.address)) for _ in range(2))
        await idle.open()
        await busy.open()
        detour.freeze()
        publishing = asyncio.create_task(busy.publish(journal.events))
        await asyncio.wait({publishing}, timeout=0.2)
        publishing.cancel()
        await asyncio.wait({publishing})
        await idle.close()
        await busy.close()
        left = await _tasks_left()

    assert set() == left


async def test_a_dropped_producer_keeps_no_connection_for_what_was_never_read(kafka_broker: Broker) -> None:
    async with Detour(kafka_broker) as detour, asyncio.timeout(HUNG_S):
        settings = replace(_quick(detour.address), partitions=12)
        publisher = ListJournal().publisher(settings)
        await publisher.open()
        await publisher.close()
        producer = new_producer(settings)
        await producer.start()
        topic = f"{settings.topic_prefix}.ops.v1"
        await producer.begin_transaction()
        for partition in range(12):  # all of them belong to the transaction before the broker freezes
            await (await producer.send(topic, b"first", partition=partition))
        sockets = [
            connection._writer.get_extra_info("socket")
            for connection in producer.client._conns.values()
            if connection._writer is not None
        ]
        detour.freeze()
        for partition in range(12):
            await producer.send(topic, urandom(1_000_000), partition=partition)
        await _turns(20)
        await drop_producer(producer, 0.5)
        await _turns(2)
        numbers = {held.fileno() for held in sockets}

    assert {-1} == numbers


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_opening_returns_while_the_broker_is_frozen(kafka_broker: Broker) -> None:
    journal = ListJournal()
    async with Detour(kafka_broker) as detour, asyncio.timeout(HUNG_S):
        detour.freeze()
        publisher = journal.publisher(replace(_quick(detour.address), request_timeout_ms=500))
        with pytest.raises(PublisherLost) as lost:
            await publisher.open()
        detour.thaw()

    assert "unreachable" == lost.value.reason
