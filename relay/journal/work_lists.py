"""
Jobs, aliases and rejects of sources as people look at them.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import bindparam, select, tuple_

from relay.journal import schema
from relay.journal.cursors import (
    FIRST_ALIAS,
    NEWEST_JOB,
    NEWEST_REJECT,
    AliasPlace,
    JobPlace,
    RejectPlace,
    bytes_in,
    place_of,
    text_of,
)
from relay.journal.questions import Question, Row, Snapshot, as_hex, as_text, if_given
from relay.journal.source_work import MAX_JOB_ID, job_of, reject_of
from relay.model.listing import Page, RejectFilter
from relay.model.source_work import Alias, SourceJob, StoredReject

_j, _a, _r = schema.source_jobs, schema.aliases, schema.rejects
_JOB: Final = list(_j.columns)
_AGE: Final = ("first_seen_ms", "source_id", "stream", "digest")

JOB: Final = Question(select(*_JOB).where(_j.c.job_id == bindparam("job_id")))
JOBS: Final = Question(
    select(*_JOB)
    .where(
        _j.c.source_id == bindparam("source_id"),
        _j.c.kind == bindparam("kind"),
        _j.c.job_id < bindparam("job_id"),
    )
    .order_by(_j.c.job_id.desc())
    .limit(bindparam("limit"))
)


_ALIAS_KEY: Final = (_a.c.source_id, _a.c.natural_id)
ALIASES: Final = Question(
    select(_a)
    .where(tuple_(*_ALIAS_KEY) > tuple_(bindparam("source_id"), bindparam("natural_id")))
    .order_by(*_ALIAS_KEY)
    .limit(bindparam("limit"))
)
ALIASES_OF_SOURCE: Final = Question(
    select(_a)
    .where(_a.c.source_id == bindparam("source_id"), _a.c.natural_id > bindparam("natural_id"))
    .order_by(*_ALIAS_KEY)
    .limit(bindparam("limit"))
)

_before: Final = (
    select(*(_r.c[name] for name in _AGE))
    .where(tuple_(*(_r.c[name] for name in _AGE)) < tuple_(*map(bindparam, _AGE)))
    .order_by(*(_r.c[name].desc() for name in _AGE))
)
_scanned = _before.limit(bindparam("scanned")).subquery("scanned")
# Until where a page looks, where that is not the end of the list.
LAST_SCANNED: Final = Question(
    _before.with_only_columns(_r.c.first_seen_ms, _r.c.source_id, _r.c.stream, as_hex(_r.c.digest))
    .offset(bindparam("skipped"))
    .limit(1)
)
REJECTS: Final = Question(
    select(
        _scanned.c.first_seen_ms,
        _scanned.c.source_id,
        _scanned.c.stream,
        as_hex(_scanned.c.digest),
        as_text(_r.c.row),
        _r.c.why,
    )
    .join_from(
        _scanned,
        _r,
        (_r.c.source_id == _scanned.c.source_id)
        & (_r.c.stream == _scanned.c.stream)
        & (_r.c.digest == _scanned.c.digest),
    )
    .where(
        if_given("wanted_source", _scanned.c.source_id == bindparam("wanted_source")),
        if_given("wanted_stream", _scanned.c.stream == bindparam("wanted_stream")),
    )
    .order_by(*(_scanned.c[name].desc() for name in _AGE))
    .limit(bindparam("limit"))
)


def job(look: Snapshot, job_id: int) -> SourceJob | None:
    """
    Return a job.
    """
    row = look.row(JOB, job_id=job_id) if 0 < job_id <= MAX_JOB_ID else None
    return None if row is None else _job(row)


def list_jobs(look: Snapshot, source_id: str, kind: str, after: str | None, limit: int) -> Page[SourceJob]:
    """
    Return a page of jobs of a kind, newest first.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, NEWEST_JOB)
    rows = look.rows(JOBS, source_id=source_id, kind=kind, job_id=place.job_id, limit=limit + 1)
    jobs = tuple(map(_job, rows[:limit]))
    return Page(jobs, text_of(JobPlace(jobs[-1].job_id)) if len(rows) > limit else None)


def list_aliases(look: Snapshot, source_id: str | None, after: str | None, limit: int) -> Page[Alias]:
    """
    Return a page of aliases by source and natural id.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, FIRST_ALIAS)
    question = ALIASES if source_id is None else ALIASES_OF_SOURCE
    rows = look.rows(
        question,
        source_id=place.source_id if source_id is None else source_id,
        natural_id=place.natural_id,
        limit=limit + 1,
    )
    found = tuple(Alias(*row) for row in rows[:limit])
    return Page(found, text_of(AliasPlace(*rows[limit - 1][:2])) if len(rows) > limit else None)


def list_rejects(
    look: Snapshot, wanted: RejectFilter, after: str | None, limit: int, scanned_rows: int
) -> Page[StoredReject]:
    """
    Return a page of rejects, newest first; it looks at `scanned_rows` of them at the most.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, NEWEST_REJECT)
    before = {**place._asdict(), "digest": bytes_in(place.digest)}
    scanned = scanned_rows if wanted != RejectFilter() else limit + 1
    rows = look.rows(
        REJECTS,
        **before,
        scanned=scanned,
        wanted_source=wanted.source_id,
        wanted_stream=wanted.stream,
        limit=limit + 1,
    )
    rejects = tuple(map(_reject, rows[:limit]))
    last = rows[limit - 1] if len(rows) > limit else look.row(LAST_SCANNED, **before, skipped=scanned - 1)
    return Page(rejects, None if last is None else text_of(RejectPlace(*last[:4])))


def _job(row: Row) -> SourceJob:
    named: Any = SimpleNamespace(**dict(zip((column.name for column in _JOB), row, strict=True)))
    return job_of(named)


def _reject(row: Row) -> StoredReject:
    first_seen_ms, source_id, stream, digest, given, why = row
    named: Any = SimpleNamespace(
        first_seen_ms=first_seen_ms,
        source_id=source_id,
        stream=stream,
        digest=bytes.fromhex(digest),
        row=given,
        why=why,
    )
    return reject_of(named)
