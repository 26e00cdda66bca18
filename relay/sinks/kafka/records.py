"""
From a stored event to a Kafka record.

Pure, and on the hot path: no body is parsed but for the last state of a subject in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from relay.model.catalogue import AGENT_LOGGED_OUT, AGENT_STATS, CALL_MERGED
from relay.model.event import CONTENT_TYPE, StoredEvent, schema_uri, source_uri
from relay.model.times import rfc3339, to_ms
from relay.sinks.kafka.topics import Topics

Headers = list[tuple[str, bytes]]

SEQ_HEADER: Final = "relay-seq"
JOURNAL_HEADER: Final = "relay-journal"
RECORDED_AT_HEADER: Final = "relay-recorded-at"
_SPEC_VERSION: Final = ("ce_specversion", b"1.0")
_STRUCTURED: Final = ("content-type", CONTENT_TYPE.encode())
_BINARY: Final = ("content-type", b"application/json")


class Record(NamedTuple):
    """
    What one record of a topic holds; `value` None is a tombstone.
    """

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None


class RecordMaker:
    """
    Makes the records of one journal.
    """

    def __init__(self, topics: Topics, journal_id: str) -> None:
        self._topics = topics
        self._journal = (JOURNAL_HEADER, journal_id.encode())

    def event_record(self, event: StoredEvent) -> Record:
        """
        Return the event as webhooks get it, with its attributes as headers for those who do not parse.
        """
        key = event.subject.encode()
        headers = _attributes(event, key)
        headers += (
            _STRUCTURED,
            (SEQ_HEADER, b"%d" % event.seq),
            self._journal,
            (RECORDED_AT_HEADER, rfc3339(event.recorded_at).encode()),
        )
        topic = self._topics.event_topic(event.subject)
        return Record(topic, key, event.body, headers, to_ms(event.recorded_at))

    def state_records(self, events: Sequence[StoredEvent]) -> list[Record]:
        """
        Return the last state of every subject in a batch, for its compacted topic; a tombstone for an agent
        who logged out and a call that became part of another.

        Binary mode, since a structured event cannot be a tombstone; without `relay-seq`, so that the event
        topics alone are contiguous.
        """
        last = {event.subject: event for event in events if event.type != AGENT_STATS}  # no state of an agent
        records = []
        for event in last.values():
            topic = self._topics.state_topic(event.subject)
            if topic is not None:
                records.append(_state_record(topic, event))
        return records


def _state_record(topic: str, event: StoredEvent) -> Record:
    key = event.subject.encode()
    data = orjson.loads(event.body)["data"]
    is_over = event.type == AGENT_LOGGED_OUT or (
        event.type == CALL_MERGED and data["absorbed_into"] is not None
    )
    value = None if is_over else orjson.dumps(data)
    return Record(topic, key, value, [*_attributes(event, key), _BINARY], to_ms(event.recorded_at))


def _attributes(event: StoredEvent, key: bytes) -> Headers:
    return [
        _SPEC_VERSION,
        ("ce_id", event.id.encode()),
        ("ce_source", source_uri(event.source_id, event.subject).encode()),
        *_type_headers(event.type),
        ("ce_subject", key),
        ("ce_time", rfc3339(event.occurred_at).encode()),
        ("ce_partitionkey", key),
    ]


@lru_cache(maxsize=1_000)
def _type_headers(event_type: str) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    return ("ce_type", event_type.encode()), ("ce_dataschema", schema_uri(event_type).encode())
