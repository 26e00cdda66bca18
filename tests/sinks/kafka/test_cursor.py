"""
The cursor in Kafka is believed only where it speaks of this journal.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.model.errors import JournalUnusable
from relay.sinks.kafka.clients import drop_producer, new_producer
from relay.sinks.kafka.cursor import Cursor, read_cursor
from relay.sinks.kafka.reader import read_committed
from relay.sinks.kafka.settings import KafkaSettings
from tests.sinks.kafka.scene import ListJournal, read_events, seqs, settings_for


async def _published(kafka: str, count: int = 3) -> tuple[ListJournal, KafkaSettings]:
    journal, settings = ListJournal(), settings_for(kafka)
    journal.fill(count)
    publisher = journal.publisher(settings)
    await publisher.open()
    await publisher.publish(journal.events)
    await publisher.close()
    return journal, settings


@pytest.mark.kafka
async def test_the_cursor_names_the_journal_the_event_and_the_publisher(kafka: str) -> None:
    journal, settings = await _published(kafka)

    [record] = await read_committed(kafka, [f"{settings.topic_prefix}.cursors"])

    assert f"relay.{settings.topic_prefix}".encode() == record.key
    assert Cursor.behind("journal-a", journal.events) == Cursor.from_json(record.value or b"")
    assert (3, journal.events[-1].id, 3) == (
        (cursor := Cursor.from_json(record.value or b"")).seq, cursor.event_id, cursor.count,
    )  # fmt: skip


@pytest.mark.kafka
async def test_the_cursor_of_another_journal_is_refused(kafka: str) -> None:
    _, settings = await _published(kafka)
    other = ListJournal("journal-b")
    other.fill(3)

    with pytest.raises(JournalUnusable, match=r"journal-a, this one is journal-b.*another topic_prefix"):
        await other.publisher(settings).open()


@pytest.mark.kafka
@pytest.mark.parametrize("kept", [0, 2])
async def test_an_older_copy_of_the_journal_is_refused(kafka: str, kept: int) -> None:
    journal, settings = await _published(kafka)
    del journal.events[kept:]

    with pytest.raises(
        JournalUnusable, match="seq 3 is evt_journal_a_000000000003, but the journal has no event"
    ):
        await journal.publisher(settings).open()


@pytest.mark.kafka
async def test_a_journal_that_took_another_way_is_refused_and_nothing_is_published(kafka: str) -> None:
    journal, settings = await _published(kafka)
    fork = ListJournal("journal_a")
    fork.journal_id = journal.journal_id
    fork.fill(2)
    fork.append("call/pbx/other")
    fork.events[2] = journal.append("call/pbx/other")
    publisher = fork.publisher(settings)

    with pytest.raises(JournalUnusable, match="but the journal has evt_journal_a_000000000004"):
        await publisher.open()

    assert [1, 2, 3] == sorted(seqs(await read_events(settings)))


@pytest.mark.kafka
async def test_the_cursor_is_found_behind_many_of_other_publishers(kafka: str) -> None:
    journal, settings = await _published(kafka)
    neighbour = KafkaSettings(kafka, settings.topic_prefix, deployment="neighbour")
    busy = journal.publisher(neighbour)
    await busy.open()
    for _ in range(10):
        await busy.publish(journal.events[:1])
    await busy.close()

    cursor = await read_cursor(settings, f"{settings.topic_prefix}.cursors", look_back=[1, 2, 5])

    assert Cursor.behind("journal-a", journal.events) == cursor


@pytest.mark.kafka
async def test_the_cursor_is_found_behind_the_open_transaction_of_another_publisher(kafka: str) -> None:
    journal, settings = await _published(kafka, 1)
    neighbour = new_producer(replace(settings, deployment="neighbour", transaction_timeout_ms=1_000))
    await neighbour.start()
    await neighbour.begin_transaction()
    await (await neighbour.send(f"{settings.topic_prefix}.cursors", b"{}", b"neighbour", 0))
    journal.fill(1)
    publisher = journal.publisher(settings)
    await publisher.open()
    await publisher.publish(journal.after(1))

    seq = await publisher.open()
    await publisher.close()
    await drop_producer(neighbour, 1.0)

    assert 2 == seq


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"seq": 1}', b"\xff"])
def test_a_cursor_that_is_none_of_ours_is_refused(value: bytes) -> None:
    with pytest.raises(JournalUnusable, match="cannot be read"):
        Cursor.from_json(value)
