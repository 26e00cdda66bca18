"""
Events as people look for them: by id, and in seq order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select

from relay.journal import schema
from relay.journal.cursors import LAST, seq_place
from relay.journal.questions import (
    Question,
    Row,
    Snapshot,
    as_text,
    if_given,
    is_of_type,
    is_one_of,
    json_list,
    ms_from,
    type_values,
)
from relay.model.event import StoredEvent
from relay.model.listing import EventFilter, Page
from relay.model.times import from_ms

MAX_PAGE_BYTES: Final = 1 << 20
# How far the clock may once have been set back while events were recorded.
CLOCK_SLACK_MS: Final = timedelta(minutes=10) // timedelta(milliseconds=1)

_e = schema.events
_COLUMNS: Final = (
    _e.c.seq,
    _e.c.id,
    _e.c.type,
    _e.c.source_id,
    _e.c.subject,
    _e.c.revision,
    _e.c.occurred_ms,
    _e.c.recorded_ms,
    as_text(_e.c.body),
)
_OF_SUBJECT: Final = _e.c.subject == bindparam("subject")


def _page_of(query: Select[Any]) -> Question:
    """
    Ask for the wanted ones of some events: at most `limit`, and none after the bytes of a page are full.
    """
    wanted = query.where(
        is_of_type(_e.c.type),
        is_one_of(_e.c.source_id, "source_ids"),
        if_given("recorded_from", _e.c.recorded_ms >= bindparam("recorded_from")),
        if_given("recorded_before", _e.c.recorded_ms < bindparam("recorded_before")),
    )
    inner = wanted.add_columns(func.length(_e.c.body).label("size")).limit(bindparam("limit")).subquery()
    before = func.sum(inner.c.size).over(order_by=inner.c.seq) - inner.c.size
    sized = select(inner, before.label("before")).subquery()
    columns = list(sized.c)[: len(_COLUMNS)]
    return Question(select(*columns).where(sized.c.before < MAX_PAGE_BYTES).order_by(sized.c.seq))


BY_ID: Final = Question(select(*_COLUMNS).where(_e.c.id == bindparam("id")))
OF_SUBJECT: Final = Question(
    select(*_COLUMNS).where(_OF_SUBJECT).order_by(_e.c.revision).limit(bindparam("limit"))
)
LAST_SEQ: Final = Question(select(schema.meta.c.last_seq))
FIRST_AFTER: Final = Question(select(func.min(_e.c.seq)).where(_e.c.seq > bindparam("after")))
RECORDED_FROM: Final = Question(
    select(_e.c.recorded_ms).where(_e.c.seq >= bindparam("seq")).order_by(_e.c.seq).limit(1)
)
REVISIONS: Final = Question(
    select(
        select(func.min(_e.c.revision)).where(_OF_SUBJECT).scalar_subquery(),
        select(func.max(_e.c.revision)).where(_OF_SUBJECT).scalar_subquery(),
    )
)
SEQ_OF_REVISION: Final = Question(
    select(_e.c.seq)
    .where(_OF_SUBJECT, _e.c.revision >= bindparam("revision"))
    .order_by(_e.c.revision)
    .limit(1)
)
PAGE_BY_SEQ: Final = _page_of(
    select(*_COLUMNS).where(_e.c.seq.between(bindparam("first"), bindparam("upto"))).order_by(_e.c.seq)
)
PAGE_BY_REVISION: Final = _page_of(
    select(*_COLUMNS)
    .where(
        _OF_SUBJECT,
        _e.c.revision.between(bindparam("first"), bindparam("upto")),
    )
    .order_by(_e.c.revision)
)


def last_seq(look: Snapshot) -> int:
    """
    Return the seq of the newest event; 0 where there is none.
    """
    return int(look.value(LAST_SEQ))


def event(look: Snapshot, event_id: str) -> StoredEvent | None:
    """
    Return an event by its id.
    """
    row = look.row(BY_ID, id=event_id)
    return event_of(row) if row else None


def events_of_subject(look: Snapshot, subject: str, limit: int = LAST) -> tuple[StoredEvent, ...]:
    """
    Return the events of a subject, by revision.
    """
    return tuple(map(event_of, look.rows(OF_SUBJECT, subject=subject, limit=limit)))


def list_events(
    look: Snapshot, wanted: EventFilter, after: str | None, limit: int, scanned_rows: int
) -> Page[StoredEvent]:
    """
    Return a page of events in seq order; it looks at no more than `scanned_rows` of them.

    Where an instant lies is found by halving, since the clock rises; ten minutes of slack are for one that
    was set back.

    Raises:
        NoSuchPlace: `after` is no seq.
    """
    start, last = seq_place(after), last_seq(look)
    recorded_from = None if wanted.recorded_from is None else ms_from(wanted.recorded_from)
    recorded_before = None if wanted.recorded_before is None else ms_from(wanted.recorded_before)
    if recorded_from is not None:
        start = max(start, seq_recorded_at(look, last, recorded_from - CLOCK_SLACK_MS) - 1)
    if recorded_before is not None:
        last = min(last, seq_recorded_at(look, last, recorded_before + CLOCK_SLACK_MS) - 1)
    filters = {
        **type_values(wanted.types),
        "source_ids": json_list(wanted.source_ids),
        "recorded_from": recorded_from,
        "recorded_before": recorded_before,
        "limit": limit,
    }
    if wanted.subject is None:
        return _list_all(look, filters, start, last, scanned_rows)
    return _list_of_subject(look, filters | {"subject": wanted.subject}, start, last, scanned_rows)


def event_of(row: Row) -> StoredEvent:
    """
    Return the event that a row of an answer holds.
    """
    seq, event_id, type_, source_id, subject, revision, occurred_ms, recorded_ms, body = row
    return StoredEvent(
        seq,
        event_id,
        type_,
        source_id,
        subject,
        revision,
        from_ms(occurred_ms),
        from_ms(recorded_ms),
        body.encode(),
    )


def _list_all(
    look: Snapshot, filters: dict[str, Any], start: int, last: int, scanned_rows: int
) -> Page[StoredEvent]:
    first = look.value(FIRST_AFTER, after=start)
    if first is None or first > last:
        return Page((), None)
    upto = min(first + scanned_rows - 1, last)
    rows = look.rows(PAGE_BY_SEQ, first=first, upto=upto, **filters)
    return _page(rows, filters["limit"], upto, last)


def _list_of_subject(
    look: Snapshot, filters: dict[str, Any], start: int, last: int, scanned_rows: int
) -> Page[StoredEvent]:
    subject = filters["subject"]

    def seq_of(revision: int) -> int:
        seq = look.value(SEQ_OF_REVISION, subject=subject, revision=revision)
        return LAST if seq is None else int(seq)

    lowest, highest = look.rows(REVISIONS, subject=subject)[0]
    if highest is None:
        return Page((), None)
    first = lowest + bisect_right(range(lowest, highest + 1), start, key=seq_of)
    upto = min(first + scanned_rows - 1, highest)
    rows = look.rows(PAGE_BY_REVISION, first=first, upto=upto, **filters)
    return _page(rows, filters["limit"], seq_of(upto + 1) - 1, last)


def _page(rows: list[Row], limit: int, scanned_to: int, last: int) -> Page[StoredEvent]:
    events = tuple(map(event_of, rows))
    is_full = len(events) == limit or sum(len(event.body) for event in events) >= MAX_PAGE_BYTES
    reached = events[-1].seq if is_full else scanned_to
    return Page(events, str(reached) if reached < last else None)


def seq_recorded_at(look: Snapshot, last: int, ms: int) -> int:
    """
    Return the first seq up to `last` that was recorded then or later; the one after `last` where none was.
    """

    def recorded_ms(seq: int) -> int:
        ms_of_event = look.value(RECORDED_FROM, seq=seq)
        return LAST if ms_of_event is None else int(ms_of_event)

    return 1 + bisect_left(range(1, last + 1), ms, key=recorded_ms)
