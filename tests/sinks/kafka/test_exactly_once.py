"""
Whatever interrupts a publisher, consumers get every event once, and those of a subject in order.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Sequence

import pytest

from relay.model.errors import PublisherLost
from relay.model.event import StoredEvent
from relay.sinks.kafka.publisher import KafkaPublisher
from tests.sinks.kafka.scene import ListJournal, keys_out_of_order, read_events, seqs, settings_for

pytestmark = pytest.mark.kafka

EVENTS = 400
PAUSES_S = (0.0, 0.001, 0.003, 0.006, 0.01, 0.02, 0.03, None)  # None: not interrupted


async def test_every_event_arrives_once_and_in_order(kafka: str) -> None:
    journal, settings = ListJournal(), settings_for(kafka)
    journal.fill(5_000, subjects=50)
    publisher = journal.publisher(settings)
    await publisher.open()
    for seq in range(0, 5_000, 2_000):
        await publisher.publish(journal.after(seq))
    await publisher.close()

    records = await read_events(settings)

    assert list(range(1, 5_001)) == sorted(seqs(records))
    assert [] == keys_out_of_order(records)
    assert {event.id: event.body for event in journal.events} == {
        record.headers["ce_id"].decode(): record.value for record in records
    }


async def test_a_publisher_opened_again_goes_on_behind_the_last_committed_event(kafka: str) -> None:
    journal, settings = ListJournal(), settings_for(kafka)
    journal.fill(30)
    first = journal.publisher(settings)
    fresh = await first.open()
    await first.publish(journal.after(0, 20))
    await first.publish([])
    await first.close()
    await first.close()

    second = journal.publisher(settings)
    resumed = await second.open()
    await second.close()

    assert (0, 20) == (fresh, resumed)


@pytest.mark.parametrize("seed", [1, 2])
async def test_interrupted_publishers_and_zombies_neither_lose_nor_repeat_an_event(
    kafka: str, seed: int
) -> None:
    chance = random.Random(seed)
    journal, settings = ListJournal(), settings_for(kafka)
    journal.fill(EVENTS, subjects=20)
    zombies: list[KafkaPublisher] = []
    publisher, seq = journal.publisher(settings), 0
    while seq < EVENTS:
        seq = await publisher.open()
        while seq < EVENTS:
            batch = journal.after(seq, chance.randint(1, 60))
            if not await _is_published(publisher, batch, chance.choice(PAUSES_S)):
                break
            seq = batch[-1].seq
            if chance.random() < 0.1:
                break
        if chance.random() < 0.5:  # dropped without a word: its producer lives on, perhaps in a transaction
            zombies.append(publisher)
            publisher = journal.publisher(settings)
    await publisher.open()
    for zombie in zombies:
        with pytest.raises(PublisherLost):
            await zombie.publish(journal.after(0, 10))
    await publisher.close()

    records = await read_events(settings)

    assert zombies
    assert list(range(1, EVENTS + 1)) == sorted(seqs(records))
    assert [] == keys_out_of_order(records)


async def _is_published(
    publisher: KafkaPublisher, batch: Sequence[StoredEvent], pause_s: float | None
) -> bool:
    publishing = asyncio.create_task(publisher.publish(batch))
    done, _ = await asyncio.wait({publishing}, timeout=pause_s)
    if not done:
        publishing.cancel()
        await asyncio.wait({publishing})
        return False
    publishing.result()
    return True


async def test_a_second_publisher_of_the_deployment_fences_the_first(
    kafka: str, caplog: pytest.LogCaptureFixture
) -> None:
    journal, settings = ListJournal(), settings_for(kafka)
    journal.fill(4)
    first, second = journal.publisher(settings), journal.publisher(settings)
    await first.open()
    await first.publish(journal.after(0, 2))
    await second.open()

    with pytest.raises(PublisherLost) as lost:
        await first.publish(journal.after(2))
    await second.publish(journal.after(2))
    await second.close()
    gc.collect()  # forgotten futures speak up when they go

    assert "fenced" == lost.value.reason
    assert [] == [line for line in caplog.messages if "never retrieved" in line]
    assert [1, 2, 3, 4] == sorted(seqs(await read_events(settings)))


async def test_nothing_can_be_published_before_it_is_open_or_after_a_loss(kafka: str) -> None:
    journal = ListJournal()
    journal.fill(1)
    publisher = journal.publisher(settings_for(kafka))

    with pytest.raises(PublisherLost) as lost:
        await publisher.publish(journal.events)

    assert "closed" == lost.value.reason
