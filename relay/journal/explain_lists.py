"""
The parts of the account of one call: its rows with the reads that showed them, its events, their deliveries.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import bindparam, select

from relay.journal import schema
from relay.journal.attempt_lists import attempts
from relay.journal.coverage import read_of
from relay.journal.delivery_lists import list_deliveries
from relay.journal.questions import Question, Row, Snapshot
from relay.model.call import Leg
from relay.model.coverage import Read
from relay.model.explanation import ExplainedDelivery, RowProof
from relay.model.listing import DeliveryFilter, DeliveryItem
from relay.model.times import to_ms

MAX_DELIVERIES: Final = 1_000  # of one event
MAX_ATTEMPTS: Final = 20  # of one delivery: the newest
NEWEST_READS: Final = 3
BEFORE_SEEN_MS: Final = timedelta(hours=1) // timedelta(milliseconds=1)
AFTER_SEEN_MS: Final = timedelta(hours=6) // timedelta(milliseconds=1)

_r = schema.reads
_READ: Final = [column for column in _r.columns if column.name != "source_id"]
_SHOWING: Final = (
    select(*_READ)
    .where(
        _r.c.source_id == bindparam("source_id"),
        _r.c.stream == bindparam("stream"),
        _r.c.as_of_ms.between(bindparam("low"), bindparam("high")),
        _r.c.from_ms <= bindparam("started_ms"),
        _r.c.to_ms >= bindparam("started_ms"),
    )
    .order_by(_r.c.as_of_ms.desc(), _r.c.read_id.desc())
    .limit(bindparam("limit"))
)
SHOWN_FIRST: Final = Question(_SHOWING.where(_r.c.requested_ms <= bindparam("seen_ms")))
SHOWN: Final = Question(_SHOWING)


def proof_of(look: Snapshot, leg: Leg) -> RowProof:
    """
    Return a row with the reads that showed it: of the hour before it was first seen, and the hours after.
    """
    seen_ms = to_ms(leg.first_seen_at)
    where: dict[str, Any] = {
        "source_id": leg.facts.source_id,
        "stream": leg.facts.stream,
        "started_ms": to_ms(leg.facts.started_at),
        "low": seen_ms - BEFORE_SEEN_MS,
        "high": seen_ms + AFTER_SEEN_MS,
    }
    first = look.rows(SHOWN_FIRST, **where, seen_ms=seen_ms, limit=1)
    newest = look.rows(SHOWN, **where, limit=NEWEST_READS)
    rows = {row[0]: row for row in (*first, *reversed(newest))}
    return RowProof(leg, tuple(_read(row) for row in rows.values()))


def deliveries_of(look: Snapshot, event_id: str) -> tuple[list[ExplainedDelivery], bool, bool]:
    """
    Return the deliveries of an event by endpoint and job, and whether there are more of them or of their
    attempts.
    """
    page = list_deliveries(look, DeliveryFilter(event_id=event_id), None, MAX_DELIVERIES, MAX_DELIVERIES)
    explained = [_explained(look, item) for item in sorted(page.items, key=lambda item: item.key)]
    return (
        [one for one, _ in explained],
        page.next is not None,
        any(is_cut for _, is_cut in explained),
    )


def _explained(look: Snapshot, item: DeliveryItem) -> tuple[ExplainedDelivery, bool]:
    made = attempts(look, item.key)
    return ExplainedDelivery(item, tuple(made[-MAX_ATTEMPTS:])), len(made) > MAX_ATTEMPTS


def _read(row: Row) -> Read:
    named: Any = SimpleNamespace(**dict(zip((column.name for column in _READ), row, strict=True)))
    return read_of(named)
