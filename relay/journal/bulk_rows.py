"""
Bulk jobs worked off: whose turn it is, rows without a verdict, verdicts counted, the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, bindparam, func, select, update

from relay.journal import schema
from relay.journal.command_schema import IS_UNFINISHED, LOADING
from relay.journal.rows import slices, time_or_null
from relay.model.command import (
    BULK_CANCELLED,
    BULK_DONE,
    BULK_RUNNING,
    BULK_WAITING,
    FAILED,
    SUCCEEDED,
    UNKNOWN,
    BulkJob,
    BulkRow,
)
from relay.model.errors import NotFound
from relay.model.times import from_ms, to_ms

_NOT_ENDED: Final = (BULK_RUNNING, BULK_WAITING)

_j, _r = schema.bulk_jobs, schema.bulk_rows
_given_row = (_r.c.bulk_id == bindparam("of_bulk"), _r.c.row_no == bindparam("of_row"))
VERDICT: Final = update(_r).where(*_given_row)


def next_bulk(conn: Connection, source_id: str) -> BulkJob | None:
    """
    Return the job under way, or the oldest that waits.
    """
    query = select(_j).where(_j.c.source_id == source_id, IS_UNFINISHED, _j.c.state.in_(_NOT_ENDED))
    # "running" comes before "waiting".
    in_turn = query.order_by(_j.c.state, _j.c.requested_ms, _j.c.bulk_id).limit(1)
    row = conn.execute(in_turn).one_or_none()
    return None if row is None else bulk_of(row)


def open_rows(conn: Connection, bulk_id: str, limit: int) -> list[BulkRow]:
    """
    Return the first rows without a verdict.
    """
    query = select(_r).where(_r.c.bulk_id == bulk_id, _r.c.state.is_(None))
    return list(map(row_of, conn.execute(query.order_by(_r.c.row_no).limit(limit))))


def note_rows(conn: Connection, rows: Sequence[BulkRow], now: datetime) -> BulkJob:
    """
    Keep verdicts of rows of one job, the first of each; with the last it is done.

    Raises:
        ValueError: no rows, rows of several jobs, or one without a verdict.
        NotFound: there is no such job.
    """
    bulk_ids = {row.bulk_id for row in rows}
    if len(bulk_ids) != 1 or any(row.state is None for row in rows):
        raise ValueError("verdicts come for rows of one job")
    bulk_id = bulk_ids.pop()
    fresh = {row.row_no: row for row in reversed(rows)}
    open_ = [no for some in slices(sorted(fresh)) for no in _open_among(conn, bulk_id, some)]
    if open_:
        conn.execute(VERDICT, [_verdict(fresh[no]) for no in open_])
        _count(conn, bulk_id, [fresh[no].state for no in open_], now)
    return one_bulk(conn, bulk_id)


def cancel_bulk(conn: Connection, bulk_id: str, now: datetime) -> BulkJob:
    """
    Let the rows without a verdict be; a job that has ended stays as it is.

    Raises:
        NotFound: there is no such job.
    """
    has_not_ended = (_j.c.bulk_id == bulk_id, _j.c.state.in_(_NOT_ENDED))
    conn.execute(update(_j).where(*has_not_ended).values(state=BULK_CANCELLED, finished_ms=to_ms(now)))
    return one_bulk(conn, bulk_id)


def one_bulk(conn: Connection, bulk_id: str) -> BulkJob:
    """
    Return a job.

    Raises:
        NotFound: there is none.
    """
    row = conn.execute(select(_j).where(_j.c.bulk_id == bulk_id, _j.c.state != LOADING)).one_or_none()
    if row is None:
        raise NotFound(f"there is no bulk job {bulk_id}")
    return bulk_of(row)


def bulk_of(row: Row[Any]) -> BulkJob:
    """
    Return the job that a row of `bulk_jobs` holds.
    """
    return BulkJob(
        bulk_id=row.bulk_id,
        source_id=row.source_id,
        function=row.function,
        requested_by=row.requested_by,
        requested_at=from_ms(row.requested_ms),
        state=row.state,
        total=row.total,
        defaults=orjson.loads(row.defaults),
        started_at=time_or_null(row.started_ms),
        finished_at=time_or_null(row.finished_ms),
        done=row.done,
        succeeded=row.succeeded,
        failed=row.failed,
        unknown=row.unknown,
    )


def row_of(row: Row[Any]) -> BulkRow:
    """
    Return the row that a row of `bulk_rows` holds.
    """
    return BulkRow(
        bulk_id=row.bulk_id,
        row_no=row.row_no,
        params=orjson.loads(row.params),
        state=row.state,
        command_id=row.command_id,
        message=row.message,
        data=None if row.data is None else orjson.loads(row.data),
    )


def _open_among(conn: Connection, bulk_id: str, row_nos: Sequence[int]) -> Sequence[int]:
    query = select(_r.c.row_no).where(_r.c.bulk_id == bulk_id, _r.c.state.is_(None), _r.c.row_no.in_(row_nos))
    return conn.execute(query.order_by(_r.c.row_no)).scalars().all()


def _verdict(row: BulkRow) -> dict[str, Any]:
    return {
        "of_bulk": row.bulk_id,
        "of_row": row.row_no,
        "state": row.state,
        "command_id": row.command_id,
        "message": row.message,
        "data": None if row.data is None else orjson.dumps(row.data),
    }


def _count(conn: Connection, bulk_id: str, states: Sequence[str | None], now: datetime) -> None:
    this = _j.c.bulk_id == bulk_id
    conn.execute(
        update(_j)
        .where(this)
        .values(
            done=_j.c.done + len(states),
            succeeded=_j.c.succeeded + states.count(SUCCEEDED),
            failed=_j.c.failed + states.count(FAILED),
            unknown=_j.c.unknown + states.count(UNKNOWN),
            started_ms=func.coalesce(_j.c.started_ms, to_ms(now)),
        )
    )
    conn.execute(update(_j).where(this, _j.c.state == BULK_WAITING).values(state=BULK_RUNNING))
    is_done = (this, _j.c.state == BULK_RUNNING, _j.c.done >= _j.c.total)
    conn.execute(update(_j).where(*is_done).values(state=BULK_DONE, finished_ms=to_ms(now)))
