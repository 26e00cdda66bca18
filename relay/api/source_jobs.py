"""
`/v1/sources/{id}/backfill` and `/v1/sources/{id}/reconcile`: stretches of the past that are read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from relay.api import shown, source_shown
from relay.api.bodies import Reconciliation, Stretch
from relay.api.operation import Answer, Asked, Reach
from relay.api.problems import FieldError, invalid
from relay.api.queries import ListQuery
from relay.api.sources import covered_streams
from relay.config.schema import MAX_BACK_DAYS
from relay.model.coverage import Interval
from relay.model.errors import Conflict, NotFound
from relay.model.source_work import BACKFILL, RECONCILE, SourceJob
from relay.model.times import to_ms

MAX_BACK: Final = timedelta(days=MAX_BACK_DAYS)
_DAY: Final = timedelta(days=1)


async def start_backfill(reach: Reach, asked: Asked) -> Answer:
    """
    Have a stretch of the past read, and what was never published of it published.
    """
    body = asked.body_as(Stretch)
    return await _started(reach, asked, BACKFILL, checked_stretch(body.from_, body.to, reach.clock.now()))


async def start_reconciliation(reach: Reach, asked: Asked) -> Answer:
    """
    Have a closed day read again, and what is missing of it published.
    """
    body, now = asked.body_as(Reconciliation), reach.clock.now()
    given = body.model_fields_set
    if not given & {"from_", "to"}:
        zone = _zone(reach, asked.path["source_id"])
        day = body.day if "day" in given else now.astimezone(zone).date() - _DAY
        return await _started(reach, asked, RECONCILE, _closed_day(day, zone, now))
    errors = [FieldError("day", "and a stretch exclude each other")] if "day" in given else []
    left_out = {"from_": "from", "to": "to"}.items()
    errors += [FieldError(shown_as, "is required") for name, shown_as in left_out if name not in given]
    if errors:
        raise invalid(errors)
    return await _started(reach, asked, RECONCILE, checked_stretch(body.from_, body.to, now))


async def list_backfills(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the backfills of a source, newest first.
    """
    return await _listed(reach, asked, BACKFILL)


async def list_reconciliations(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the reconciliations of a source, newest first.
    """
    return await _listed(reach, asked, RECONCILE)


async def get_backfill(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a backfill.
    """
    return _answer(reach, await _found(reach, asked, BACKFILL))


async def get_reconciliation(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a reconciliation.
    """
    return _answer(reach, await _found(reach, asked, RECONCILE))


async def cancel_backfill(reach: Reach, asked: Asked) -> Answer:
    """
    End a backfill that has not ended.
    """
    return await _cancelled(reach, asked, BACKFILL)


async def cancel_reconciliation(reach: Reach, asked: Asked) -> Answer:
    """
    End a reconciliation that has not ended.
    """
    return await _cancelled(reach, asked, RECONCILE)


def checked_stretch(start: datetime, end: datetime, now: datetime) -> Interval:
    """
    Return a stretch of the past that can be read.

    Raises:
        Refused: 422, it is empty, in the future, or too long ago.
    """
    errors = list(_faults(start, end, now))
    if errors:
        raise invalid(errors)
    return Interval(start, end)


def _faults(start: datetime, end: datetime, now: datetime) -> Iterator[FieldError]:
    if to_ms(start) >= to_ms(end):
        yield FieldError("from", "must be before `to`")
    if start < now - MAX_BACK:
        yield FieldError("from", f"must be at most {MAX_BACK.days} days ago")
    if end > now:
        yield FieldError("to", "must not be in the future")


def _closed_day(day: date, zone: ZoneInfo, now: datetime) -> Interval:
    # Years 1 and 9999 have days that are none in other zones.
    if not now.date() - MAX_BACK <= day <= now.date() + _DAY:
        raise invalid([FieldError("day", f"must be at most {MAX_BACK.days} days ago and over")])
    start, end = (datetime.combine(one, time(), zone).astimezone(now.tzinfo) for one in (day, day + _DAY))
    if end > now:
        raise invalid([FieldError("day", "is not over in the source's zone")])
    return Interval(start, end)


async def _started(reach: Reach, asked: Asked, kind: str, stretch: Interval) -> Answer:
    source_id = asked.path["source_id"]
    _zone(reach, source_id)
    reply = partial(_reply, reach)
    setup = reach.sources.get(source_id)
    if setup is not None and not setup.streams:
        raise Conflict(f"`{source_id}` is of the kind {setup.kind}, which shows no calls: it has no past")
    stored = await reach.work.make_job(
        source_id, kind, stretch.start, stretch.end, reply, reach.clock.now(), asked.once
    )
    reach.wake(source_id)
    return Answer.of_reply(stored)


def _reply(reach: Reach, made: SourceJob) -> bytes:
    place = f"/v1/sources/{made.source_id}/{made.kind}/{made.job_id}"
    return Answer(orjson.dumps(_shown(reach, made)), 202, headers={"Location": place}).to_reply()


async def _listed(reach: Reach, asked: Asked, kind: str) -> Answer:
    query, source_id = asked.query_as(ListQuery), asked.path["source_id"]
    await covered_streams(reach, source_id)
    page = await reach.reading.list_jobs(source_id, kind, query.after, query.limit)
    return Answer.of(shown.listing([_shown(reach, one) for one in page.items], page.next))


async def _found(reach: Reach, asked: Asked, kind: str) -> SourceJob:
    source_id, job_id = asked.path["source_id"], asked.path["job_id"]
    found = await reach.reading.job(int(job_id))
    if found is None or (found.source_id, found.kind) != (source_id, kind):
        raise NotFound(f"source `{source_id}` has no {kind} `{job_id}`")
    return found


async def _cancelled(reach: Reach, asked: Asked, kind: str) -> Answer:
    found = await _found(reach, asked, kind)
    return _answer(reach, await reach.work.cancel_job(found.job_id, reach.clock.now()))


def _answer(reach: Reach, job: SourceJob) -> Answer:
    return Answer.of(_shown(reach, job))


def _shown(reach: Reach, job: SourceJob) -> shown.Shown:
    setup = reach.sources.get(job.source_id)
    return source_shown.job(job, setup.streams if setup else ())


def _zone(reach: Reach, source_id: str) -> ZoneInfo:
    setup = reach.sources.get(source_id)
    if setup is None:
        raise NotFound(f"the configuration has no source `{source_id}`")
    return setup.zone
