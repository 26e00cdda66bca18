"""
What Kafka, or this sink, refuses: missing topics, records that are too large, settings that cannot work.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from relay.model.errors import ConfigError, PublisherLost
from relay.sinks.kafka.failures import REASONS, reason_of
from relay.sinks.kafka.publisher import KafkaPublisher
from relay.sinks.kafka.reader import read_committed
from relay.sinks.kafka.settings import KafkaSettings
from relay.sinks.kafka.topics import Topics
from tests.sinks.kafka.scene import ListJournal, read_events, seqs, settings_for


@pytest.mark.kafka
async def test_missing_topics_are_named_with_the_setting_that_makes_them(kafka: str) -> None:
    settings = settings_for(kafka, create_topics=False)

    with pytest.raises(PublisherLost) as lost:
        await ListJournal().publisher(settings).open()

    names = [spec.name for spec in Topics(settings.topic_prefix).specs(1)]
    assert "topic_missing" == lost.value.reason
    assert [] == [name for name in names if name not in str(lost.value)]
    assert "create_topics = true" in str(lost.value)


@pytest.mark.kafka
async def test_topics_are_made_as_their_table_says(kafka: str) -> None:
    settings = settings_for(kafka, partitions=4, replication_factor=1)
    prefix = settings.topic_prefix
    publisher = ListJournal().publisher(settings)

    await publisher.open()
    await publisher.close()

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    made = {
        topic["topic"].removeprefix(prefix): len(topic["partitions"])
        for topic in await admin.describe_topics()
        if topic["topic"].startswith(prefix)
    }
    await admin.close()
    assert {
        ".calls.v1": 4, ".agents.v1": 4, ".groups.v1": 4, ".ops.v1": 4, ".calls.state.v1": 4,
        ".agents.state.v1": 4, ".groups.state.v1": 4, ".cursors": 1,
    } == made  # fmt: skip


@pytest.mark.kafka
async def test_topics_that_exist_are_left_as_they_are(kafka: str) -> None:
    settings = settings_for(kafka)
    publisher = ListJournal().publisher(settings)
    await publisher.open()
    await publisher.close()
    later = ListJournal().publisher(replace(settings, create_topics=False, partitions=50))

    seq = await later.open()
    await later.close()

    assert 0 == seq


@pytest.mark.kafka
async def test_a_topic_that_cannot_be_made_is_named(kafka: str) -> None:
    settings = settings_for(kafka, replication_factor=3)

    with pytest.raises(PublisherLost, match=r"Kafka topic t\w+\.\S+ cannot be made: .*replication factor"):
        await ListJournal().publisher(settings).open()


@pytest.mark.kafka
async def test_a_record_too_large_for_its_topic_takes_the_whole_transaction_with_it(kafka: str) -> None:
    journal, settings = ListJournal(), settings_for(kafka)
    await _make_topic(
        kafka, NewTopic(f"{settings.topic_prefix}.ops.v1", 1, 1, topic_configs={"max.message.bytes": "900"})
    )
    journal.append("call/pbx/c1")
    journal.append("source/pbx", "source.state_changed", note="".join(map(str, range(2_000))))
    journal.append("call/pbx/c2")
    publisher = journal.publisher(settings)
    await publisher.open()

    with pytest.raises(PublisherLost) as lost:
        await publisher.publish(journal.events)
    seq = await publisher.open()
    await publisher.close()

    assert ("oversize", 0) == (lost.value.reason, seq)
    topics = Topics(settings.topic_prefix)
    assert [] == await read_committed(kafka, [*topics.events, *topics.states, topics.cursors])


@pytest.mark.kafka
async def test_a_record_larger_than_a_batch_is_published(kafka: str) -> None:
    journal, settings = ListJournal(), settings_for(kafka, compression="none")
    journal.fill(4, subjects=1, note="x" * 300_000)
    publisher = journal.publisher(settings)
    await publisher.open()
    await publisher.publish(journal.events)
    await publisher.close()

    assert [1, 2, 3, 4] == seqs(await read_events(settings))


async def test_a_broker_that_is_not_there_is_a_loss_with_a_reason(unused_tcp_port: int) -> None:
    publisher = ListJournal().publisher(KafkaSettings(f"127.0.0.1:{unused_tcp_port}"))

    with pytest.raises(PublisherLost) as lost:
        await publisher.open()
    with pytest.raises(PublisherLost) as unread:
        await read_committed(f"127.0.0.1:{unused_tcp_port}", ["relay.calls.v1"])

    assert ("unreachable", "unreachable") == (lost.value.reason, unread.value.reason)


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"kafka\.compression: must be one of zstd, none"):
        ListJournal().publisher(KafkaSettings("127.0.0.1:9092", compression="lz4"))


def test_python_without_assertions_is_refused() -> None:
    module = KafkaPublisher.__module__
    code = (
        f"from {module} import KafkaPublisher, KafkaSettings\n"
        "KafkaPublisher(KafkaSettings('127.0.0.1:9092'), 'journal', None)"
    )

    command = [sys.executable, "-O", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own code

    assert "ConfigError: kafka: cannot run without assertions: start Python without -O" in done.stderr


@pytest.mark.parametrize(
    ("error", "reason"),
    [(TimeoutError(), "timeout"), (OSError(), "unreachable"), (AssertionError(), "error")],
)
def test_every_failure_has_a_word_of_the_closed_set(error: Exception, reason: str) -> None:
    assert reason == reason_of(error)
    assert reason in REASONS


async def _make_topic(kafka: str, topic: NewTopic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([topic])
    await admin.close()
