"""
What the command line does with a journal, or topics, beside a running relay.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final, NamedTuple

from relay.journal.id_key import read_id_key
from relay.journal.postgresql import upgrade_postgresql
from relay.journal.store import open_sqlite
from relay.model.errors import ConfigError, Fault
from relay.model.event import StoredEvent
from relay.sinks.kafka.reader import read_committed
from relay.sinks.kafka.records import JOURNAL_HEADER, SEQ_HEADER
from relay.sinks.kafka.topics import Topics
from relay.system_clock import SystemClock

SQLITE: Final = "sqlite:///"
ONLY_SQLITE: Final = Fault("journal.url", "this version runs on SQLite only: sqlite:///PATH")
EVENTS_AT_ONCE: Final = 1_000
BYTES_AT_ONCE: Final = 4 * 1024 * 1024


class TopicEvent(NamedTuple):
    """
    An event as a reader of the Kafka topics gets it.
    """

    journal_id: str
    seq: int
    body: bytes


async def upgrade(url: str) -> None:
    """
    Bring the journal at `url` to the schema of this version.

    Raises:
        JournalUnusable: in use, newer, or not to be reached.
    """
    if url.startswith(SQLITE):
        async with open_sqlite(path_of(url), owner(), SystemClock().now()):
            return
    await upgrade_postgresql(url)


def journal_id_key(url: str) -> bytes:
    """
    Return the key of a journal's ids; a relay may be using the journal meanwhile.

    Raises:
        ConfigError: no SQLite journal.
        JournalUnusable: there is none at `url`.
    """
    if not url.startswith(SQLITE):
        raise ConfigError([ONLY_SQLITE])
    return read_id_key(path_of(url))


async def journal_events(url: str) -> list[StoredEvent]:
    """
    Return every event of a journal that no relay is using now, in seq order.

    Raises:
        JournalUnusable: in use, newer, or not to be read.
    """
    events: list[StoredEvent] = []
    async with open_sqlite(path_of(url), owner(), SystemClock().now()) as journal:
        while page := await journal.events_after(
            events[-1].seq if events else 0, EVENTS_AT_ONCE, BYTES_AT_ONCE
        ):
            events += page
    return events


async def read_topics(bootstrap_servers: str, topic_prefix: str) -> list[TopicEvent]:
    """
    Return every committed event of the topics that together hold each event once, as often as it is there.

    Raises:
        PublisherLost: Kafka did not answer.
    """
    records = await read_committed(bootstrap_servers, Topics(topic_prefix).events)
    return [
        TopicEvent(
            record.headers[JOURNAL_HEADER].decode(), int(record.headers[SEQ_HEADER]), record.value or b""
        )
        for record in records
    ]


def path_of(url: str) -> Path:
    """
    Return the file of a SQLite journal.
    """
    return Path(url.removeprefix(SQLITE))


def owner() -> str:
    """
    Return how this process calls itself as the owner of a journal.
    """
    return f"{socket.gethostname()}:{os.getpid()}"
