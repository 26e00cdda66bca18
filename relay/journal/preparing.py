"""
Make the rows of an append before it has the database: the writer's thread should only write.

Python run there competes with the event loop for the interpreter, and both lose more by taking turns than
the work costs.  What the rows need to know of the journal, the last seq and the endpoints, is taken as it is
expected to be; the append compares, and has them made again where it is otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.journal.matching import Matching
from relay.journal.port import Append, Appended
from relay.journal.rows import call_values, leg_values
from relay.journal.subject_rows import subject_values
from relay.model.change import CallChange
from relay.model.delivery_options import ONE_FOR_ALL, ORDER_ENDPOINT
from relay.model.endpoint import Delivery
from relay.model.event import Event, StoredEvent, to_bytes
from relay.model.ids import subject_key
from relay.model.times import to_ms

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class PreparedEvents:
    """
    Rows for `events`, made for a journal whose last seq is `last_seq` and whose endpoints are `matching`.
    """

    events: tuple[Event, ...]
    last_seq: int
    matching: Matching
    event_rows: Rows
    delivery_rows: Rows
    appended: Appended

    def fits(self, events: Sequence[Event], last_seq: int, matching: Matching) -> bool:
        """
        Tell whether these are the rows for what is there to append.
        """
        return self.last_seq == last_seq and self.matching is matching and len(self.events) == len(events)


@dataclass(frozen=True, slots=True)
class PreparedAppend:
    """
    A change with all its rows; `calls` are its changes of calls and those that go with them.
    """

    change: Append
    calls: tuple[CallChange, ...]
    events: PreparedEvents
    call_rows: Rows
    leg_rows: Rows
    subject_rows: Rows


def events_of(change: Append) -> list[Event]:
    """
    Return the events of a change in the order in which they are appended.
    """
    events = list(change.source.events) if change.source else []
    for subject in change.subjects:
        events += subject.events
    for call in _with_also(change.calls):
        events += call.events
    return events


def prepare(change: Append, last_seq: int, matching: Matching) -> PreparedAppend:
    """
    Make the rows of a change.
    """
    calls = tuple(_with_also(change.calls))
    return PreparedAppend(
        change,
        calls,
        prepare_events(events_of(change), last_seq, matching, change.recorded_at),
        [call_values(one.call) for one in calls],
        [leg_values(leg) for one in calls for leg in one.legs],
        [subject_values(one.state) for one in change.subjects],
    )


def prepare_events(
    events: Sequence[Event], last_seq: int, matching: Matching, recorded_at: datetime
) -> PreparedEvents:
    """
    Give events their seq, and make their rows and the delivery rows of every endpoint that wants them.

    What waits for what follows from a delivery's `subject_key`, as its endpoint's order mode wants it now:
    the key of the subject, one for all events, or the seq, which no other event has.
    """
    recorded_ms, orders = to_ms(recorded_at), matching.orders
    event_rows: Rows = []
    delivery_rows: Rows = []
    stored: list[StoredEvent] = []
    deliveries: list[Delivery] = []
    heads: set[tuple[int, int]] = set()
    for seq, event in enumerate(events, last_seq + 1):
        document, subject = event.document(recorded_at), event.subject
        body = to_bytes(document)
        key, occurred_ms = subject_key(subject), to_ms(event.occurred_at)
        named = (seq, event.id, event.type, event.source_id, subject)
        event_rows.append((*named, key, event.revision, occurred_ms, recorded_ms, body))
        stored.append(StoredEvent(*named, event.revision, event.occurred_at, recorded_at, body))
        for endpoint_no in matching.endpoints_for(event.type, event.source_id, subject, document):
            own = key if endpoint_no not in orders else _own_key(orders[endpoint_no], seq)
            # Only the first of its key here can be a head; the statement looks at those of before.
            is_first = (endpoint_no, own) not in heads
            heads.add((endpoint_no, own))
            delivery_rows.append((endpoint_no, seq, own, recorded_ms if is_first else None))
            deliveries.append(Delivery(endpoint_no, seq, 0, own, event.id, 0, occurred_ms, recorded_ms, body))
    appended = Appended(tuple(stored), tuple(deliveries))
    return PreparedEvents(tuple(events), last_seq, matching, event_rows, delivery_rows, appended)


def _own_key(order: str, seq: int) -> int:
    return ONE_FOR_ALL if order == ORDER_ENDPOINT else seq


def _with_also(changes: Sequence[CallChange]) -> Iterator[CallChange]:
    """
    Yield changes, each followed by those that must be written with it.
    """
    for change in changes:
        yield change
        if change.also:
            yield from _with_also(change.also)


class ExpectedSeq:
    """
    What the last seq will be once the appends under way are done.
    """

    def __init__(self, last_seq: int) -> None:
        self._last_seq = last_seq
        self._under_way = 0

    def begin(self, events: int) -> int:
        """
        Note that so many events are on their way, and return the last seq they will find.
        """
        expected = self._last_seq + self._under_way
        self._under_way += events
        return expected

    def end(self, events: int, appended: Appended | None) -> None:
        """
        Note what became of them (None: nothing was appended).
        """
        self._under_way -= events
        if appended is not None and appended.events:
            self._last_seq = appended.events[-1].seq
