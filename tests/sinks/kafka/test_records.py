"""
What a record holds: the event itself, its attributes as headers, and the last state of a call.
"""

from __future__ import annotations

import orjson
import pytest

from relay.model.times import rfc3339, to_ms
from relay.sinks.kafka.reader import read_committed
from relay.sinks.kafka.records import RecordMaker
from relay.sinks.kafka.topics import Topics
from tests.sinks.kafka.scene import ListJournal, read_events, settings_for

ATTRIBUTES = {
    "ce_specversion": "specversion", "ce_id": "id", "ce_source": "source", "ce_type": "type",
    "ce_subject": "subject", "ce_time": "time", "ce_dataschema": "dataschema",
    "ce_partitionkey": "partitionkey",
}  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "event_topic", "state_topic"),
    [
        ("call/pbx/c1", "relay.calls.v1", "relay.calls.state.v1"),
        ("agent/pbx/a1", "relay.agents.v1", "relay.agents.state.v1"),
        ("in_group/pbx/sales", "relay.groups.v1", "relay.groups.state.v1"),
        ("user_group/pbx/sales", "relay.groups.v1", "relay.groups.state.v1"),
        ("source/pbx", "relay.ops.v1", None),
        ("endpoint/crm", "relay.ops.v1", None),
        ("lead/pbx/call", "relay.ops.v1", None),
    ],
)
def test_the_kind_of_the_subject_chooses_the_topic(
    subject: str, event_topic: str, state_topic: str | None
) -> None:
    topics = Topics("relay")

    assert (event_topic, state_topic) == (topics.event_topic(subject), topics.state_topic(subject))


@pytest.mark.parametrize("subject", ["call/pbx-sydney/c%2F1", "source/pbx-sydney", "endpoint/crm"])
def test_the_headers_say_what_the_body_says(subject: str) -> None:
    event = ListJournal().append(subject, "source.state_changed", note="x")

    record = RecordMaker(Topics("relay"), "journal-a").event_record(event)

    envelope, headers = orjson.loads(event.body), dict(record.headers)
    assert {header: envelope[name].encode() for header, name in ATTRIBUTES.items()} == {
        header: headers[header] for header in ATTRIBUTES
    }
    assert {
        "content-type": b"application/cloudevents+json; charset=utf-8",
        "relay-seq": b"1",
        "relay-journal": b"journal-a",
        "relay-recorded-at": rfc3339(event.recorded_at).encode(),
    } == {header: value for header, value in headers.items() if header not in ATTRIBUTES}
    assert (subject.encode(), event.body, to_ms(event.recorded_at)) == (
        record.key, record.value, record.timestamp_ms,
    )  # fmt: skip


def test_only_the_last_state_of_each_subject_in_a_batch_is_kept() -> None:
    journal = ListJournal()
    journal.append("call/pbx/c1", state="ringing")
    last = journal.append("call/pbx/c1", "call.answered", state="answered", text='"data":{}')
    journal.append("call/pbx/c2", state="ringing")
    journal.append("agent/pbx/a1", "agent.status_changed", status="PAUSED")
    journal.append("agent/pbx/a1", "agent.stats", calls=3)
    journal.append("lead/pbx/101", "lead.created")

    records = RecordMaker(Topics("relay"), "journal-a").state_records(journal.events)

    assert [b"call/pbx/c1", b"call/pbx/c2", b"agent/pbx/a1"] == [record.key for record in records]
    assert "PAUSED" == orjson.loads(records[2].value or b"")["status"]
    assert orjson.loads(last.body)["data"] == orjson.loads(records[0].value or b"")
    headers = dict(records[0].headers)
    assert {*ATTRIBUTES, "content-type"} == set(headers)
    assert (b"application/json", b"call.answered") == (headers["content-type"], headers["ce_type"])


def test_a_state_that_is_over_is_a_tombstone() -> None:
    journal = ListJournal()
    journal.append("agent/pbx/a1", "agent.logged_out", status="LOGGED_OUT")
    journal.append("call/pbx/c1", "call.merged", absorbed_into="c2", absorbed_call_id=None)
    journal.append("call/pbx/c2", "call.merged", absorbed_into=None, absorbed_call_id="c1")

    records = RecordMaker(Topics("relay"), "journal-a").state_records(journal.events)

    assert [None, None] == [record.value for record in records[:2]]
    assert records[2].value is not None


@pytest.mark.kafka
async def test_the_state_topic_holds_the_last_state_of_every_call(kafka: str) -> None:
    journal, settings = ListJournal(), settings_for(kafka)
    journal.fill(50, subjects=5)
    journal.append("source/pbx", "source.state_changed", state="reached")
    publisher = journal.publisher(settings)
    await publisher.open()
    for seq in range(0, 51, 17):
        await publisher.publish(journal.after(seq, 17))
    await publisher.close()

    states = await read_committed(kafka, Topics(settings.topic_prefix).states)

    newest = {record.key: orjson.loads(record.value or b"")["number"] for record in states}
    assert {f"call/pbx/c{number % 5}".encode(): number for number in range(45, 50)} == newest
    assert [] == [record for record in states if "relay-seq" in record.headers]
    assert {f"{settings.topic_prefix}.calls.v1", f"{settings.topic_prefix}.ops.v1"} == {
        record.topic for record in await read_events(settings)
    }


@pytest.mark.kafka
async def test_a_subject_is_in_the_partition_that_java_clients_would_choose(kafka: str) -> None:
    java = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    journal, settings = ListJournal(), settings_for(kafka, partitions=5)
    for key in java:
        journal.append(key.decode(), "source.state_changed")
    publisher = journal.publisher(settings)
    await publisher.open()
    await publisher.publish(journal.events)
    await publisher.close()

    records = await read_events(settings)

    assert {key: (murmur2 & 0x7FFFFFFF) % 5 for key, murmur2 in java.items()} == {
        record.key: record.partition for record in records
    }


@pytest.mark.kafka
async def test_consumers_get_the_bytes_the_key_and_the_time_of_recording(kafka: str) -> None:
    journal, settings = ListJournal(), settings_for(kafka, compression="none")
    event = journal.append("agent/pbx/a1", "agent.paused")
    publisher = journal.publisher(settings)
    await publisher.open()
    await publisher.publish([event])
    await publisher.close()

    [record] = await read_events(settings)

    assert (event.body, b"agent/pbx/a1", to_ms(event.recorded_at)) == (
        record.value, record.key, record.timestamp_ms,
    )  # fmt: skip
