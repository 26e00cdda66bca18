"""
Bulk jobs entered, and removed again.

A job is `loading` until all its rows are there: they come in slices, each a transaction of its own, so that
the write lock is never held for long.  Nobody sees it before; what a crash left is removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from relay.journal import schema
from relay.journal.bulk_rows import one_bulk
from relay.journal.command_schema import IS_UNFINISHED, LOADING
from relay.journal.commands_port import MAX_WAITING_BULKS
from relay.journal.source_work import require_source
from relay.journal.statements import HotStatement, hot_insert
from relay.model.command import BULK_CANCELLED, BULK_DONE, BULK_WAITING, BulkJob
from relay.model.errors import Conflict
from relay.model.times import to_ms

ROWS_OF_A_SLICE: Final = 500
_ENDED: Final = (BULK_DONE, BULK_CANCELLED)

_j, _r = schema.bulk_jobs, schema.bulk_rows
INSERT_ROW: Final[HotStatement] = hot_insert(_r, insert(_r))


def begin_bulk(conn: Connection, job: BulkJob, total: int) -> None:
    """
    Enter a job whose rows are still to come.

    Raises:
        NotFound: there is no such source.
        Conflict: too many wait.
    """
    require_source(conn, job.source_id)
    waiting = select(_j.c.bulk_id).where(_j.c.source_id == job.source_id, IS_UNFINISHED)
    if conn.execute(waiting.offset(MAX_WAITING_BULKS - 1).limit(1)).scalar() is not None:
        raise Conflict(f"{MAX_WAITING_BULKS} bulk jobs of {job.source_id} wait already, which is the most")
    conn.execute(
        insert(_j).values(
            bulk_id=job.bulk_id,
            source_id=job.source_id,
            function=job.function,
            requested_by=job.requested_by,
            requested_ms=to_ms(job.requested_at),
            state=LOADING,
            total=total,
            defaults=orjson.dumps(job.defaults),
            started_ms=None,
            finished_ms=None,
            done=0,
            succeeded=0,
            failed=0,
            unknown=0,
        )
    )


def row_values(bulk_id: str, rows: Sequence[Mapping[str, Any]], first_no: int) -> list[tuple[Any, ...]]:
    """
    Return rows of `bulk_rows` without a verdict, numbered from `first_no`, in the order of its columns.
    """
    return [
        (bulk_id, row_no, orjson.dumps(params), None, None, None, None)
        for row_no, params in enumerate(rows, first_no)
    ]


def enter_bulk(conn: Connection, bulk_id: str, now: datetime) -> BulkJob:
    """
    Let a job begin all of whose rows are there; one without any is done.
    """
    this = _j.c.bulk_id == bulk_id
    conn.execute(update(_j).where(this).values(state=BULK_WAITING))
    conn.execute(update(_j).where(this, _j.c.total == 0).values(state=BULK_DONE, finished_ms=to_ms(now)))
    return one_bulk(conn, bulk_id)


def drop_loading(conn: Connection, bulk_id: str) -> int:
    """
    Remove some rows of a job, and at last the job, unless it was entered; return how many of both.
    """
    is_loading = select(_j.c.bulk_id).where(_j.c.bulk_id == bulk_id, _j.c.state == LOADING)
    return 0 if conn.execute(is_loading).scalar() is None else drop_rows(conn, bulk_id)


def drop_rows(conn: Connection, bulk_id: str) -> int:
    """
    Remove some rows of a job, and once there are none the job; return how many of both.
    """
    some = select(_r.c.row_no).where(_r.c.bulk_id == bulk_id).limit(ROWS_OF_A_SLICE)
    rows = conn.execute(delete(_r).where(_r.c.bulk_id == bulk_id, _r.c.row_no.in_(some))).rowcount
    if rows == ROWS_OF_A_SLICE:
        return int(rows)
    return int(rows + conn.execute(delete(_j).where(_j.c.bulk_id == bulk_id)).rowcount)


def forget_bulks(conn: Connection, before: datetime, loading_before: datetime) -> int:
    """
    Remove some of the jobs requested before an instant that have ended, and of those that a crash left
    loading, with their rows; return how many of both.
    """
    of_source = _j.c.source_id.in_(select(schema.sources.c.source_id))  # few: each has its part of an index
    ended = (_j.c.state.in_(_ENDED), _j.c.requested_ms < to_ms(before))
    torn = (IS_UNFINISHED, _j.c.state == LOADING, _j.c.requested_ms < to_ms(loading_before))
    for is_over in (ended, torn):
        bulk_id = conn.execute(select(_j.c.bulk_id).where(of_source, *is_over).limit(1)).scalar()
        if bulk_id is not None:
            return drop_rows(conn, bulk_id)
    return 0
