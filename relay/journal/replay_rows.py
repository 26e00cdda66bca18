"""
Replays as they are written: the job, its deliveries, and how far it has come.

A replay's deliveries and its progress move in one transaction, so that a crash neither leaves one out nor
makes one twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, func, insert, literal_column, select, tuple_, update

from relay.journal import schema
from relay.journal.operating_port import MAX_UNFINISHED_REPLAYS
from relay.journal.rows import time_or_null
from relay.journal.statements import hot_insert
from relay.journal.wanted_events import Stretch
from relay.model.endpoint import DISABLED
from relay.model.errors import Conflict, NotFound
from relay.model.replay import REPLAY_CANCELLED, UNFINISHED, Chosen, Replay, ReplayFilter
from relay.model.source_work import CANCELLED, RUNNING, WAITING
from relay.model.times import from_ms, to_ms

REPLAY: Final = "replay"
FROM_SEQ: Final = "from_seq"  # beside the filter in `wanted`
_JOBS_WITH_KEYS: Final = 2**22
_SEQS_WITH_KEYS: Final = 2**40

_j, _d, _n = schema.jobs, schema.deliveries, schema.endpoints
_KEY: Final = (_d.c.endpoint_no, _d.c.seq, _d.c.job)
_GOES_ON: Final = _j.c.state.in_(UNFINISHED)
INSERT_DELIVERY: Final = hot_insert(_d, insert(_d))
_TAKES: Final = (_n.c.deleted_ms.is_(None), _n.c.state != DISABLED)


def make_replay(
    conn: Connection, endpoint_id: str, wanted: ReplayFilter, part: Stretch, rate_per_s: float, now: datetime
) -> Replay:
    """
    Make a replay that waits for its turn.

    Raises:
        NotFound: there is no such endpoint.
        Conflict: it is disabled, or too many replays have not ended.
    """
    query = select(_n.c.no, _n.c.state).where(_n.c.id == endpoint_id, _n.c.deleted_ms.is_(None))
    endpoint = conn.execute(query).one_or_none()
    if endpoint is None:
        raise NotFound(f"there is no endpoint `{endpoint_id}`")
    if endpoint.state == DISABLED:
        raise Conflict(f"endpoint {endpoint_id} is disabled: resume it first")
    going_on = select(func.count()).select_from(_j).where(schema.IS_UNFINISHED, _j.c.kind == REPLAY)
    if conn.execute(going_on).scalar_one() >= MAX_UNFINISHED_REPLAYS:
        raise Conflict(f"{MAX_UNFINISHED_REPLAYS} replays have not ended, which is the most")
    made = conn.execute(
        insert(_j).values(
            kind=REPLAY,
            about=endpoint_id,
            made_ms=to_ms(now),
            endpoint_no=endpoint.no,
            state=WAITING,
            wanted=orjson.dumps({**wanted.as_json(), FROM_SEQ: part.from_seq}).decode(),
            rate_per_s=rate_per_s,
            to_seq=part.to_seq,
            at_seq=part.from_seq,
            made=0,
        )
    )
    if made.inserted_primary_key is None:
        raise AssertionError("an insert of one row returns its key")
    return _one(conn, int(made.inserted_primary_key[0]))


def enter(conn: Connection, replay: Replay, chosen: Chosen, now: datetime) -> bool:
    """
    Make the deliveries of chosen events and note that the replay has come so far; nothing, and False, where
    it is elsewhere by now, has ended, or its endpoint takes none any more.
    """
    endpoint_no = conn.execute(
        select(_n.c.no)
        .join_from(_j, _n, _n.c.no == _j.c.endpoint_no)
        .where(_j.c.job_id == replay.job_id, _j.c.at_seq == replay.at_seq, _GOES_ON, *_TAKES)
    ).scalar()
    if endpoint_no is None:
        return False
    conn.execute(
        update(_j)
        .where(_j.c.job_id == replay.job_id)
        .values(at_seq=chosen.at_seq, made=_j.c.made + len(chosen.events), state=RUNNING, reason=None)
    )
    INSERT_DELIVERY.run(conn, list(_rows(endpoint_no, replay.job_id, chosen, to_ms(now))))
    return True


def note_replay(conn: Connection, replay: Replay, state: str, reason: str | None, now: datetime) -> None:
    """
    Keep a new state of a replay that has not ended.
    """
    finished_ms = None if state in UNFINISHED else to_ms(now)
    conn.execute(
        update(_j)
        .where(_j.c.job_id == replay.job_id, _GOES_ON)
        .values(state=state, reason=reason, finished_ms=finished_ms)
    )


def cancel_replay(conn: Connection, job_id: int, now: datetime) -> Replay:
    """
    End a replay and discard what waits of it: no more than the loop makes ahead of what was delivered.

    Raises:
        NotFound: there is no such replay.
    """
    found = _one(conn, job_id)
    conn.execute(
        update(_j)
        .where(_j.c.job_id == job_id, _GOES_ON)
        .values(state=CANCELLED, reason=None, finished_ms=to_ms(now))
    )
    waiting = select(*_KEY).where(
        _d.c.job == job_id, schema.IS_OF_JOB, _d.c.status == literal_column("'pending'")
    )
    discarded = {"status": schema.DISCARDED, "reason": REPLAY_CANCELLED, "settled_ms": to_ms(now)}
    conn.execute(update(_d).where(tuple_(*_KEY).in_(waiting)).values(**discarded, due_ms=None))
    return _one(conn, found.job_id)


def replay_of(row: Any) -> Replay:
    """
    Return the replay that a row of `jobs` holds.
    """
    wanted = orjson.loads(row.wanted)
    return Replay(
        job_id=row.job_id,
        endpoint_id=row.about,
        from_seq=wanted.pop(FROM_SEQ),
        wanted=ReplayFilter.of_json(wanted),
        state=row.state,
        rate_per_s=row.rate_per_s,
        to_seq=row.to_seq,
        at_seq=row.at_seq,
        made=row.made,
        made_at=from_ms(row.made_ms),
        finished_at=time_or_null(row.finished_ms),
        reason=row.reason,
    )


def _one(conn: Connection, job_id: int) -> Replay:
    row: Row[Any] | None = conn.execute(
        select(_j).where(_j.c.job_id == job_id, _j.c.kind == REPLAY)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no replay `{job_id}`")
    return replay_of(row)


def _rows(endpoint_no: int, job_id: int, chosen: Chosen, due_ms: int) -> Iterator[tuple[object, ...]]:
    # A key of its own for each: none waits for another.  Those of subjects are hashes, of all 64 bits.
    first_key = job_id % _JOBS_WITH_KEYS * _SEQS_WITH_KEYS
    for seq, _ in chosen.events:
        key = (endpoint_no, seq, job_id, first_key + seq)
        yield (*key, schema.PENDING, due_ms, 0, None, None, None, None)
