"""
What an endpoint should have and what it has acknowledged: counted, and one by one what is missing, which is
neither acknowledged nor about to be sent.

Of several deliveries of an event the best counts: a delivered one, else one that waits, else the newest.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, case, func, literal_column, or_, select

from relay.journal import schema
from relay.journal.questions import Question, Row, Snapshot
from relay.journal.wanted_events import IN_STRETCH, IS_RECORDED, IS_TAKEN, Stretch, Taker
from relay.model.listing import Page
from relay.model.replay import BEFORE_START, NONE, NOT_MADE, MissingItem
from relay.model.times import from_ms

_d, _e = schema.deliveries, schema.events
_each = schema.deliveries.alias("each_delivery")
_is_delivered = _each.c.status == literal_column("'delivered'")
_is_pending = _each.c.status == literal_column("'pending'")
_best_job = (
    select(_each.c.job)
    .where(_each.c.endpoint_no == bindparam("endpoint_no"), _each.c.seq == _e.c.seq)
    .order_by(case((_is_delivered, 0), (_is_pending, 1), else_=2), _each.c.job.desc())
    .limit(1)
    .scalar_subquery()
)
_HAS_OR_GETS_IT: Final[tuple[Any, ...]] = (literal_column("'delivered'"), literal_column("'pending'"))
_STATUS: Final = func.coalesce(_d.c.status, literal_column(f"'{NONE}'"))


def _compared(*columns: Any) -> Select[Any]:
    """
    Select wanted events of a stretch, each with its best delivery.
    """
    is_best = and_(_d.c.endpoint_no == bindparam("endpoint_no"), _d.c.seq == _e.c.seq, _d.c.job == _best_job)
    return (
        select(*columns).join_from(_e, _d, is_best, isouter=True).where(IN_STRETCH, *IS_TAKEN, *IS_RECORDED)
    )


BY_STATUS: Final = Question(_compared(_STATUS.label("status"), func.count()).group_by(_STATUS))
MISSING: Final = Question(
    _compared(
        _e.c.seq, _e.c.id, _e.c.type, _e.c.subject, _e.c.recorded_ms, _STATUS.label("status"), _d.c.reason
    )
    .where(or_(_d.c.status.is_(None), _d.c.status.not_in(_HAS_OR_GETS_IT)))
    .order_by(_e.c.seq)
    .limit(bindparam("limit"))
)


def count(
    look: Snapshot, taker: Taker, part: Stretch, after: int, scanned_rows: int
) -> tuple[Counter[str], int | None]:
    """
    Count the next events of a stretch by status, and return until where; None where it was the end.
    """
    step = part.step(look, max(after, part.since(taker).from_seq), scanned_rows)
    if step is None:
        return Counter(), None
    counted = Counter(dict(look.rows(BY_STATUS, **taker.values(), **part.values(), **step)))
    return counted, step["upto"] if step["upto"] < part.to_seq else None


def list_missing(
    look: Snapshot, taker: Taker, part: Stretch, limit: int, scanned_rows: int
) -> Page[MissingItem]:
    """
    Return a page of the events of a stretch that are missing, by seq; it looks at `scanned_rows` at the most.
    """
    step = part.step(look, part.since(taker).from_seq, scanned_rows)
    if step is None:
        return Page((), None)
    rows = look.rows(MISSING, **taker.values(), **part.values(), **step, limit=limit)
    items = tuple(_item(row, taker.start_seq) for row in rows)
    reached = items[-1].seq if len(items) == limit else step["upto"]
    return Page(items, str(reached) if reached < part.to_seq else None)


def _item(row: Row, start_seq: int) -> MissingItem:
    seq, event_id, event_type, subject, recorded_ms, status, reason = row
    if status == NONE:
        reason = BEFORE_START if seq <= start_seq else NOT_MADE
    return MissingItem(seq, event_id, event_type, subject, from_ms(recorded_ms), status, reason)
