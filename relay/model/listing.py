"""
What people may ask of the journal, and what they get: filters, pages and items.

Lists are read in bounded steps: a page may hold fewer items than asked for, even none, and still name
a `next`; only a page without one is the last.  Empty filters let everything through.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

from relay.model.call import Leg
from relay.model.coverage import Gap, Interval, Read
from relay.model.event import StoredEvent

T = TypeVar("T")

MAX_INTERVALS_SHOWN: Final = 1_000
MAX_GAPS_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """
    Some items, and the opaque place after them (None: there are no more).
    """

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """
    `types` are patterns (`call.*`); an event must be of one of them, and match the rest.
    """

    types: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    subject: str | None = None
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallFilter:
    """
    `number` is E.164 or as the vendor wrote it, on either side of the call.
    """

    source_id: str | None = None
    state: str | None = None
    outcome: str | None = None
    direction: str | None = None
    agent_name: str | None = None
    queue: str | None = None
    number: str | None = None
    started_from: datetime | None = None
    started_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallItem:
    """
    A call as last published; `record` is the data of its events, `revision` 0 where it had none.
    """

    call_id: str
    source_id: str
    subject: str
    revision: int
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallDetail:
    """
    A call with its legs, oldest first, and its events, by revision.

    One that was `absorbed_into` another has no legs any more: they are of that one.
    """

    item: CallItem
    legs: tuple[Leg, ...]
    events: tuple[StoredEvent, ...]
    absorbed_into: str | None = None


@dataclass(frozen=True, slots=True)
class SubjectItem:
    """
    An agent, a group, a list, … as last published; `record` is the data of its last event, `revision` 0 where
    it had none.
    """

    subject: str
    source_id: str
    kind: str
    name: str
    revision: int
    record: dict[str, Any]
    changed_at: datetime


class DeliveryKey(NamedTuple):
    """
    What names a delivery to people; as text `<endpoint id>.<event id>.<job>`.
    """

    endpoint_id: str
    event_id: str
    job: int

    def __str__(self) -> str:
        return f"{self.endpoint_id}.{self.event_id}.{self.job}"

    @classmethod
    def of_text(cls, text: str) -> DeliveryKey | None:
        """
        Read what `str` gives; None for anything else.
        """
        parts = text.split(".")
        if len(parts) != 3 or not all(parts) or not (parts[2].isascii() and parts[2].isdigit()):
            return None
        return cls(parts[0], parts[1], int(parts[2])) if len(parts[2]) <= 18 else None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """
    `statuses` are pending, delivered, exhausted, expired or discarded.
    """

    endpoint_id: str | None = None
    statuses: tuple[str, ...] = ()
    event_id: str | None = None
    types: tuple[str, ...] = ()


class DeliveryItem(NamedTuple):
    """
    One event for one endpoint, with its last outcome.

    `attempts` counts those that used one up; `due_at` is when a waiting one is tried next (None while an
    earlier event of its subject is unsettled).
    """

    key: DeliveryKey
    seq: int
    event_type: str
    subject: str
    status: str
    attempts: int
    http_status: int | None
    reason: str | None
    latency_ms: int | None
    recorded_at: datetime
    due_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptItem:
    """
    One HTTP request of a delivery; `answer` begins what came back.
    """

    attempt: int
    made_at: datetime
    latency_ms: int
    reason: str
    http_status: int | None
    answer: bytes


@dataclass(frozen=True, slots=True)
class EndpointCounts:
    """
    What waits for an endpoint, and what became of its newest deliveries (`of` at most, all jobs).

    `oldest_pending_at` is when the oldest event that waits was recorded.
    """

    pending: int
    oldest_pending_at: datetime | None
    of: int
    by_status: dict[str, int]
    by_reason: dict[str, int]
    latency_ms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StreamItem:
    """
    A stream of a source: until when it was read completely, as visible then (None: never yet).
    """

    stream: str
    state: str
    covered_from: datetime | None
    covered_to: datetime | None


@dataclass(frozen=True, slots=True)
class SourceItem:
    """
    A source as the journal knows it; `in_window` counts the requests that hold a place of its budget, and
    everything that started before `watermark` was read completely and is final (None: nothing yet).
    """

    source_id: str
    kind: str
    state: str
    system_status: Any
    publish_from: datetime
    streams: tuple[StreamItem, ...]
    in_window: int
    watermark: datetime | None = None


@dataclass(frozen=True, slots=True)
class StreamCoverage:
    """
    What is proven of one stream: the newest intervals read completely (`MAX_INTERVALS_SHOWN` at most),
    oldest first, the newest read of all, and the gaps, newest first, those still open before the others
    (`MAX_GAPS_SHOWN` at most).
    """

    stream: str
    state: str
    intervals: tuple[Interval, ...]
    gaps: tuple[Gap, ...]
    last_read: Read | None
    visibility: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """
    Which rows that could not be read.
    """

    source_id: str | None = None
    stream: str | None = None
