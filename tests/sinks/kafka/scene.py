"""
What the tests of the Kafka sink share: a journal in a list, settings with short names, readings of topics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from relay.model.event import Event, StoredEvent
from relay.sinks.kafka.publisher import KafkaPublisher
from relay.sinks.kafka.reader import PublishedRecord, read_committed
from relay.sinks.kafka.settings import KafkaSettings
from relay.sinks.kafka.topics import Topics


class ListJournal:
    """
    Stored events in a list, seq 1 first.
    """

    def __init__(self, journal_id: str = "journal-a") -> None:
        self.journal_id = journal_id
        self.events: list[StoredEvent] = []
        self._revisions: Counter[str] = Counter()
        self._start = datetime.now(UTC)

    def append(self, subject: str, event_type: str = "call.updated", **data: Any) -> StoredEvent:
        """
        Store one more event of a subject.
        """
        seq = len(self.events) + 1
        self._revisions[subject] += 1
        kind, _, rest = subject.partition("/")
        event = Event(
            id=f"evt_{self.journal_id.replace('-', '_')}_{seq:012d}",
            type=event_type,
            source_id=None if kind == "endpoint" else rest.partition("/")[0] or "pbx",
            subject=subject,
            revision=self._revisions[subject],
            occurred_at=self._start - timedelta(seconds=5),
            observed_at=self._start,
            precision_s=None,
            data=data,
        )
        recorded_at = self._start + timedelta(milliseconds=seq)
        stored = StoredEvent(
            seq, event.id, event.type, event.source_id, event.subject, event.revision, event.occurred_at,
            recorded_at, event.to_json(recorded_at),
        )  # fmt: skip
        self.events.append(stored)
        return stored

    def fill(self, count: int, subjects: int = 7, note: str = "") -> None:
        """
        Store `count` events of calls that take turns.
        """
        for number in range(count):
            self.append(f"call/pbx/c{number % subjects}", note=note, number=number)

    def after(self, seq: int, limit: int = 2_000) -> Sequence[StoredEvent]:
        """
        Return the events behind `seq`.
        """
        return self.events[seq : seq + limit]

    async def event_id_at(self, seq: int) -> str | None:
        """
        Return the id of the event at `seq`.
        """
        return self.events[seq - 1].id if 0 < seq <= len(self.events) else None

    def publisher(self, settings: KafkaSettings) -> KafkaPublisher:
        """
        Return a publisher of this journal.
        """
        return KafkaPublisher(settings, self.journal_id, self.event_id_at)


def settings_for(bootstrap: str, **changes: Any) -> KafkaSettings:
    """
    Return settings with a topic prefix that no other test uses.
    """
    words: dict[str, Any] = {"topic_prefix": f"t{uuid4().hex[:12]}", "create_topics": True, "partitions": 3}
    return KafkaSettings(bootstrap, **{**words, **changes})


async def read_events(settings: KafkaSettings) -> list[PublishedRecord]:
    """
    Return what consumers of the event topics get.
    """
    return await read_committed(settings.bootstrap_servers, Topics(settings.topic_prefix).events)


def seqs(records: Sequence[PublishedRecord]) -> list[int]:
    """
    Return the seq of every record, in the order of the partitions.
    """
    return [int(record.headers["relay-seq"]) for record in records]


def keys_out_of_order(records: Sequence[PublishedRecord]) -> list[bytes]:
    """
    Return the keys whose seqs do not rise.
    """
    last: dict[bytes, int] = {}
    wrong = []
    for record, seq in zip(records, seqs(records), strict=True):
        if seq <= last.get(record.key, 0):
            wrong.append(record.key)
        last[record.key] = seq
    return wrong
