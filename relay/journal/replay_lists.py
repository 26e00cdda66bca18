"""
Replays as people look at them, how they stand, and the events whose turn is next.
"""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from relay.journal import replay_rows, schema
from relay.journal.cursors import NEWEST_JOB, JobPlace, place_of, text_of
from relay.journal.questions import (
    Question,
    Row,
    Snapshot,
    if_given,
    is_of_type,
    is_one_of,
    json_list,
    type_values,
)
from relay.journal.source_work import MAX_JOB_ID
from relay.journal.wanted_events import IN_STRETCH, IS_RECORDED, IS_TAKEN, Stretch, Taker
from relay.model.errors import NotFound
from relay.model.listing import Page
from relay.model.replay import Chosen, Replay, ReplayFilter, ReplayStand
from relay.model.times import to_ms

_j, _d, _e, _n, _c = schema.jobs, schema.deliveries, schema.events, schema.endpoints, schema.calls
_JOB: Final = list(_j.columns)
_DATA_FIELDS: Final = ("agent_id", "agent_name", "queue", "outcome")
_OF_JOB: Final = (_d.c.job == bindparam("job_id"), schema.IS_OF_JOB)

REPLAY: Final = Question(select(*_JOB).where(_j.c.job_id == bindparam("job_id"), schema.IS_REPLAY))
REPLAYS: Final = Question(
    select(*_JOB)
    .where(
        schema.IS_REPLAY,
        _j.c.job_id < bindparam("job_id"),
        if_given("endpoint_id", _j.c.about == bindparam("endpoint_id")),
    )
    .order_by(_j.c.job_id.desc())
    .limit(bindparam("limit"))
)
BY_STATUS: Final = Question(select(_d.c.status, func.count()).where(*_OF_JOB).group_by(_d.c.status))
UNFINISHED: Final = Question(
    select(*_JOB).where(schema.IS_UNFINISHED, _j.c.kind == replay_rows.REPLAY).order_by(_j.c.job_id)
)
_pending: Final = (
    select(_d.c.due_ms).where(*_OF_JOB, _d.c.status == literal_column("'pending'")).subquery("pending")
)
STAND: Final = Question(
    select(
        _n.c.state,
        _n.c.deleted_ms,
        select(func.count()).select_from(_pending).scalar_subquery(),
        select(func.count()).where(_pending.c.due_ms <= bindparam("now_ms")).scalar_subquery(),
    ).where(_n.c.no == bindparam("endpoint_no"))
)
CALL: Final = Question(select(_c.c.subject).where(_c.c.call_id == bindparam("call_id")))


def _field_is(name: str) -> ColumnElement[bool]:
    return if_given(name, func.json_extract(cast(_e.c.body, Text), f"$.data.{name}") == bindparam(name))


def _wanted(events: Select[Any]) -> Select[Any]:
    has_or_gets_it = exists(
        select(_d.c.seq).where(
            _d.c.endpoint_no == bindparam("endpoint_no"),
            _d.c.seq == _e.c.seq,
            _d.c.status.in_([literal_column("'delivered'"), literal_column("'pending'")]),
        )
    )
    return events.where(
        IN_STRETCH,
        *IS_TAKEN,
        *IS_RECORDED,
        is_of_type(_e.c.type),
        is_one_of(_e.c.source_id, "source_ids"),
        or_(bindparam("only_missing") == literal_column("0"), ~has_or_gets_it),
        *map(_field_is, _DATA_FIELDS),  # last: they read the whole event
    )


_keys = _wanted(select(_e.c.seq, _e.c.id)).limit(bindparam("limit"))
_of_subject: Final = _e.c.subject == bindparam("subject")
CHOSEN: Final = Question(_keys.order_by(_e.c.seq))
CHOSEN_OF_SUBJECT: Final = Question(_keys.where(_of_subject).order_by(_e.c.revision))
COUNTED: Final = Question(_wanted(select(func.count()).select_from(_e)))
COUNTED_OF_SUBJECT: Final = Question(_wanted(select(func.count()).select_from(_e)).where(_of_subject))


def replay(look: Snapshot, job_id: int) -> tuple[Replay, dict[str, int]] | None:
    """
    Return a replay with the number of its deliveries by status.
    """
    row = look.row(REPLAY, job_id=job_id) if 0 < job_id <= MAX_JOB_ID else None
    if row is None:
        return None
    counted: dict[str, int] = dict(map(tuple, look.rows(BY_STATUS, job_id=job_id)))
    return _replay(row), counted


def list_replays(look: Snapshot, endpoint_id: str | None, after: str | None, limit: int) -> Page[Replay]:
    """
    Return a page of replays, newest first.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, NEWEST_JOB)
    rows = look.rows(REPLAYS, job_id=place.job_id, endpoint_id=endpoint_id, limit=limit + 1)
    found = tuple(map(_replay, rows[:limit]))
    return Page(found, text_of(JobPlace(found[-1].job_id)) if len(rows) > limit else None)


def unfinished(look: Snapshot, now: datetime) -> list[ReplayStand]:
    """
    Return how the replays stand that have not ended, oldest first.
    """
    return [_stand(look, row, now) for row in look.rows(UNFINISHED)]


def require_call(look: Snapshot, call_id: str | None) -> None:
    """
    Check that there is a call, where one is named.

    Raises:
        NotFound: there is none with this id.
    """
    if call_id is not None and look.row(CALL, call_id=call_id) is None:
        raise NotFound(f"there is no call `{call_id}`")


def choose(
    look: Snapshot, taker: Taker, wanted: ReplayFilter, part: Stretch, limit: int, scanned_rows: int
) -> Chosen:
    """
    Return the first `limit` events of a stretch that a replay sends; it looks at `scanned_rows` at the most.
    """
    where = _where(look, taker, wanted, part, scanned_rows)
    if where is None:
        return Chosen((), part.to_seq)
    question = CHOSEN if wanted.call_id is None else CHOSEN_OF_SUBJECT
    return _as_chosen(look.rows(question, **where, limit=limit), limit, where["upto"])


def count(
    look: Snapshot, taker: Taker, wanted: ReplayFilter, part: Stretch, scanned_rows: int
) -> tuple[int, int]:
    """
    Return how many of the next events of a stretch a replay sends, and up to which seq it looked.
    """
    where = _where(look, taker, wanted, part, scanned_rows)
    if where is None:
        return 0, part.to_seq
    question = COUNTED if wanted.call_id is None else COUNTED_OF_SUBJECT
    return int(look.value(question, **where)), where["upto"]


def _where(
    look: Snapshot, taker: Taker, wanted: ReplayFilter, part: Stretch, scanned_rows: int
) -> dict[str, Any] | None:
    """
    Return the parameters of the next events of a stretch; None where there are no more.
    """
    step: dict[str, Any] | None = {"first": part.from_seq + 1, "upto": part.to_seq}
    if wanted.call_id is None:
        begin = part.since(taker) if wanted.only_missing else part
        step = part.step(look, begin.from_seq, scanned_rows)
    if step is None:
        return None
    return {
        **taker.values(),
        **part.values(),
        **type_values(wanted.types),
        **{name: getattr(wanted, name) for name in _DATA_FIELDS},
        **step,
        "source_ids": json_list(wanted.source_ids),
        "only_missing": int(wanted.only_missing),
        # None: it was forgotten, as its events were.
        "subject": None if wanted.call_id is None else look.value(CALL, call_id=wanted.call_id),
    }


def _as_chosen(rows: list[Row], limit: int, looked_to: int) -> Chosen:
    events = tuple((seq, event_id) for seq, event_id in rows)
    return Chosen(events, events[-1][0] if len(events) == limit else looked_to)


def _stand(look: Snapshot, row: Row, now: datetime) -> ReplayStand:
    job = _named(row)
    where = {"job_id": job.job_id, "endpoint_no": job.endpoint_no, "now_ms": to_ms(now)}
    state, deleted_ms, pending, due = look.rows(STAND, **where)[0]
    return ReplayStand(replay_rows.replay_of(job), state, deleted_ms is not None, pending, due)


def _replay(row: Row) -> Replay:
    return replay_rows.replay_of(_named(row))


def _named(row: Row) -> Any:
    return SimpleNamespace(**dict(zip((column.name for column in _JOB), row, strict=True)))
