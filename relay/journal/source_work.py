"""
What is asked of a source's owner, and what it keeps for later: inbox, jobs, aliases, rejects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, case, delete, insert, select, update

from relay.journal import schema
from relay.journal.api_port import MAX_INBOX, MAX_WAITING_JOBS
from relay.journal.rows import ms_or_null, slices, time_or_null
from relay.journal.source_schema import HAS_NOT_ENDED
from relay.journal.statements import insert_new
from relay.model.errors import Conflict, NotFound
from relay.model.source_work import CANCELLED, RUNNING, WAITING, Alias, InboxItem, SourceJob, StoredReject
from relay.model.times import from_ms, to_ms

_inbox, _jobs, _aliases, _rejects = schema.inbox, schema.source_jobs, schema.aliases, schema.rejects
_NOT_ENDED: Final = (WAITING, RUNNING)
MAX_JOB_ID: Final = 2**62  # no larger number is ever given


def put_down(conn: Connection, source_id: str, kind: str, body: Mapping[str, Any], now: datetime) -> int:
    """
    Put an item into an inbox; return its number.
    """
    require_source(conn, source_id)
    last = select(_inbox.c.item_id).where(_inbox.c.source_id == source_id).offset(MAX_INBOX - 1).limit(1)
    if conn.execute(last).scalar() is not None:
        raise Conflict(f"{MAX_INBOX} items wait for the owner of {source_id} already, which is the most")
    return enter_item(conn, source_id, kind, body, now)


def enter_item(conn: Connection, source_id: str, kind: str, body: Mapping[str, Any], now: datetime) -> int:
    """
    Put an item into the inbox of a source that is there, however full it is; return its number.
    """
    values = {"source_id": source_id, "kind": kind, "body": orjson.dumps(body), "received_ms": to_ms(now)}
    return _new_number(conn.execute(insert(_inbox).values(values)).inserted_primary_key)


def inbox(conn: Connection, source_id: str, limit: int) -> list[InboxItem]:
    """
    Return what was put down, oldest first.
    """
    query = select(_inbox).where(_inbox.c.source_id == source_id).order_by(_inbox.c.item_id).limit(limit)
    return [
        InboxItem(row.item_id, row.source_id, row.kind, orjson.loads(row.body), from_ms(row.received_ms))
        for row in conn.execute(query)
    ]


def take_items(conn: Connection, source_id: str, item_ids: Sequence[int]) -> None:
    """
    Take items out of an inbox.
    """
    for some in slices(item_ids):
        conn.execute(delete(_inbox).where(_inbox.c.item_id.in_(some), _inbox.c.source_id == source_id))


def make_job(
    conn: Connection, source_id: str, kind: str, start: datetime, end: datetime, now: datetime
) -> SourceJob:
    """
    Make a job that waits.
    """
    require_source(conn, source_id)
    waiting = select(_jobs.c.job_id).where(_jobs.c.source_id == source_id, HAS_NOT_ENDED)
    if conn.execute(waiting.offset(MAX_WAITING_JOBS - 1).limit(1)).scalar() is not None:
        raise Conflict(f"{MAX_WAITING_JOBS} jobs of {source_id} wait already, which is the most")
    job = SourceJob(0, source_id, kind, start, end, WAITING, now)
    values = _progress(job) | {
        "source_id": source_id,
        "kind": kind,
        "from_ms": to_ms(start),
        "to_ms": to_ms(end),
        "state": WAITING,
        "made_ms": to_ms(now),
    }
    return one_job(conn, _new_number(conn.execute(insert(_jobs).values(values)).inserted_primary_key))


def cancel_job(conn: Connection, job_id: int, now: datetime) -> SourceJob:
    """
    Cancel a job; one that has ended stays as it is.
    """
    if not 0 < job_id <= MAX_JOB_ID:
        raise NotFound(f"there is no job {job_id}")
    conn.execute(
        update(_jobs)
        .where(_jobs.c.job_id == job_id, _jobs.c.state.in_(_NOT_ENDED))
        .values(state=CANCELLED, finished_ms=to_ms(now))
    )
    return one_job(conn, job_id)


def one_job(conn: Connection, job_id: int) -> SourceJob:
    """
    Return a job.

    Raises:
        NotFound: there is none of that number.
    """
    row = conn.execute(select(_jobs).where(_jobs.c.job_id == job_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no job {job_id}")
    return job_of(row)


def next_job(conn: Connection, source_id: str) -> SourceJob | None:
    """
    Return the job under way, or the oldest that waits.
    """
    query = select(_jobs).where(_jobs.c.source_id == source_id, HAS_NOT_ENDED)
    # "running" comes before "waiting".
    row = conn.execute(query.order_by(_jobs.c.state, _jobs.c.job_id).limit(1)).one_or_none()
    return None if row is None else job_of(row)


def note_job(conn: Connection, job: SourceJob) -> None:
    """
    Keep how far a job has come; one that was cancelled meanwhile stays so.
    """
    is_cancelled = _jobs.c.state == CANCELLED
    conn.execute(
        update(_jobs)
        .where(_jobs.c.job_id == job.job_id)
        .values(
            _progress(job)
            | {
                "state": case((is_cancelled, CANCELLED), else_=job.state),
                "finished_ms": case((is_cancelled, _jobs.c.finished_ms), else_=ms_or_null(job.finished_at)),
                "reason": case((is_cancelled, _jobs.c.reason), else_=job.reason),
            }
        )
    )


def job_of(row: Row[Any]) -> SourceJob:
    """
    Return the job that a row of `source_jobs` holds.
    """
    return SourceJob(
        job_id=row.job_id,
        source_id=row.source_id,
        kind=row.kind,
        start=from_ms(row.from_ms),
        end=from_ms(row.to_ms),
        state=row.state,
        made_at=from_ms(row.made_ms),
        started_at=time_or_null(row.started_ms),
        finished_at=time_or_null(row.finished_ms),
        read_to={stream: from_ms(ms) for stream, ms in orjson.loads(row.read_to).items()},
        requests=row.requests,
        rows=row.rows,
        events=row.events,
        missing=row.missing,
        reason=row.reason,
    )


def aliases(conn: Connection, source_id: str) -> dict[str, str]:
    """
    Return published call ids by the id that a rebuild would choose.
    """
    query = select(_aliases.c.natural_id, _aliases.c.call_id).where(_aliases.c.source_id == source_id)
    return {row.natural_id: row.call_id for row in conn.execute(query)}


def keep_aliases(conn: Connection, made: Sequence[Alias]) -> None:
    """
    Keep aliases; of one natural id the first.
    """
    rows = [
        {"source_id": one.source_id, "natural_id": one.natural_id, "call_id": one.call_id} for one in made
    ]
    conn.execute(insert_new(conn.dialect.name, _aliases), rows)


def import_aliases(conn: Connection, given: Sequence[Alias]) -> int:
    """
    Keep aliases; return how many were new.

    Raises:
        Conflict: a natural id would stand for two calls.
    """
    known = {source_id: aliases(conn, source_id) for source_id in {one.source_id for one in given}}
    new: list[Alias] = []
    for one in given:
        of_source = known[one.source_id]
        if one.natural_id not in of_source:
            of_source[one.natural_id] = one.call_id
            new.append(one)
        elif of_source[one.natural_id] != one.call_id:
            stored = of_source[one.natural_id]
            raise Conflict(f"{one.natural_id} of {one.source_id} stands for {stored} already")
    if new:
        keep_aliases(conn, new)
    return len(new)


def stored_rejects(
    conn: Connection, source_id: str, stream: str | None, after: bytes, limit: int
) -> list[StoredReject]:
    """
    Return rejects in the order of their digests; all of the last digest, though they be more than `limit`.
    """
    of_source = select(_rejects).where(_rejects.c.source_id == source_id)
    if stream is not None:
        of_source = of_source.where(_rejects.c.stream == stream)
    query = of_source.where(_rejects.c.digest > after).order_by(_rejects.c.digest, _rejects.c.stream)
    rows = list(conn.execute(query.limit(limit)))
    if len(rows) == limit and stream is None:
        of_last = of_source.where(_rejects.c.digest == rows[-1].digest, _rejects.c.stream > rows[-1].stream)
        rows += conn.execute(of_last.order_by(_rejects.c.stream))
    return [reject_of(row) for row in rows]


def reject_of(row: Row[Any]) -> StoredReject:
    """
    Return the reject that a row of `rejects` holds.
    """
    return StoredReject(
        source_id=row.source_id,
        stream=row.stream,
        digest=row.digest,
        row=orjson.loads(row.row),
        why=row.why,
        first_seen_at=from_ms(row.first_seen_ms),
    )


def require_source(conn: Connection, source_id: str) -> None:
    """
    Check that there is a source.

    Raises:
        NotFound: there is none.
    """
    query = select(schema.sources.c.source_id).where(schema.sources.c.source_id == source_id)
    if conn.execute(query).scalar() is None:
        raise NotFound(f"there is no source {source_id}")


def _progress(job: SourceJob) -> dict[str, Any]:
    return {
        "started_ms": ms_or_null(job.started_at),
        "read_to": orjson.dumps({stream: to_ms(at) for stream, at in job.read_to.items()}).decode(),
        "requests": job.requests,
        "rows": job.rows,
        "events": job.events,
        "missing": job.missing,
    }


def _new_number(key: Row[Any] | None) -> int:
    if key is None:
        raise AssertionError("an insert of one row returns its key")
    return int(key[0])
