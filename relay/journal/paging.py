"""
Fill a lane from the journal: what is due, what follows it, and what waits.

Each list is one step of the database (see `relay.journal.questions`), since deliveries go on meanwhile.
Outer joins are there for their order: the other way round SQLite would read the given list for each row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Subquery, and_, bindparam, func, literal_column, select

from relay.journal import schema
from relay.journal.batches import BATCHES
from relay.journal.port import LanePage
from relay.journal.questions import Question, Snapshot, as_text
from relay.journal.statements import sqlite_driver
from relay.model.endpoint import Batch, Delivery

_d, _e = schema.deliveries, schema.events
FOR_EVER_MS: Final = 2**62
_KEY: Final = ("endpoint_no", "seq", "job")


def _first_due(condition: ColumnElement[bool], of_lane: ColumnElement[bool]) -> Subquery:
    """
    Find keys by the index alone: rows of the other lane, maybe many, are passed over without a look at them.
    """
    return (
        select(_d.c.endpoint_no, _d.c.seq, _d.c.job, _d.c.due_ms)
        .where(_d.c.endpoint_no == bindparam("endpoint_no"), condition, of_lane)
        .order_by(_d.c.due_ms, _d.c.seq)
        .limit(bindparam("scanned"))
        .subquery("first")
    )


def _due(of_lane: ColumnElement[bool]) -> Question:
    first = _first_due(_d.c.due_ms <= bindparam("now_ms"), of_lane)
    busy = func.json_each(bindparam("busy")).table_valued("value").c.value
    return Question(
        select(_d.c.seq, _d.c.job, _d.c.subject_key)
        .join_from(first, _d, and_(*(_d.c[name] == first.c[name] for name in _KEY)))
        .where(_d.c.subject_key.not_in(select(busy)))
        .order_by(first.c.due_ms, first.c.seq)
        .limit(bindparam("limit"))
    )


def _waiting(of_lane: ColumnElement[bool]) -> Question:
    first = _first_due(_d.c.due_ms > bindparam("now_ms"), of_lane)
    return Question(
        select(_d.c.subject_key, first.c.due_ms)
        .join_from(first, _d, and_(*(_d.c[name] == first.c[name] for name in _KEY)))
        .order_by(first.c.due_ms, first.c.seq)
    )


_OF_EVENTS: Final = _d.c.job == literal_column("0")
_OF_RESENDS: Final = _d.c.job > literal_column("0")
DUE: Final = {False: _due(_OF_EVENTS), True: _due(_OF_RESENDS)}
WAITING: Final = {False: _waiting(_OF_EVENTS), True: _waiting(_OF_RESENDS)}

_heads = func.json_each(bindparam("heads")).table_valued("value").alias("heads")
FOLLOWING: Final = Question(
    select(_d.c.seq, _d.c.job, _d.c.subject_key)
    .join_from(
        _heads,
        _d,
        and_(
            _d.c.endpoint_no == bindparam("endpoint_no"),
            _d.c.subject_key == func.json_extract(_heads.c.value, "$[2]"),
            _d.c.status == literal_column("'pending'"),
            _d.c.job == literal_column("0"),
            _d.c.seq > func.json_extract(_heads.c.value, "$[0]"),
        ),
        isouter=True,
    )
    .limit(bindparam("limit"))
)

_keys = func.json_each(bindparam("keys")).table_valued("value").alias("keys")
DELIVERIES: Final = Question(
    select(
        _d.c.seq,
        _d.c.job,
        _d.c.subject_key,
        _e.c.id,
        _d.c.attempts,
        _e.c.occurred_ms,
        _e.c.recorded_ms,
        as_text(_e.c.body),
    )
    .join_from(
        _keys,
        _d,
        and_(
            _d.c.endpoint_no == bindparam("endpoint_no"),
            _d.c.seq == func.json_extract(_keys.c.value, "$[0]"),
            _d.c.job == func.json_extract(_keys.c.value, "$[1]"),
        ),
        isouter=True,
    )
    .outerjoin(_e, _e.c.seq == _d.c.seq)
)
LAST_SEQ: Final = Question(select(schema.meta.c.last_seq))


def page_in(
    conn: Connection,
    endpoint_no: int,
    now_ms: int,
    limit: int,
    waiting_limit: int,
    *,
    resends: bool,
    busy: Collection[int],
    follow: int,
) -> LanePage:
    """
    Return what is due for an endpoint with what follows it, and what waits for a later time.
    """
    snapshot = Snapshot(sqlite_driver(conn))
    place = {"endpoint_no": endpoint_no, "now_ms": now_ms}
    scanned = limit + len(busy)
    due = snapshot.rows(
        DUE[resends], **place, scanned=scanned, limit=limit, busy=orjson.dumps(list(busy)).decode()
    )
    is_full = len(due) >= limit
    until_ms = FOR_EVER_MS if waiting_limit else now_ms
    batched = _Batched() if resends else _Batched.of(snapshot, endpoint_no, due, until_ms)
    due = [row for row in due if row[0] not in batched.seqs]
    following: list[list[Any]] = []
    if follow and due and not resends:
        heads = orjson.dumps(due).decode()
        following = snapshot.rows(FOLLOWING, endpoint_no=endpoint_no, heads=heads, limit=follow + len(due))
    waiting = snapshot.rows(WAITING[resends], **place, scanned=waiting_limit) if waiting_limit else []
    if waiting_limit:
        waiting += [[key, due_ms] for key, due_ms in batched.keys_waiting(now_ms)]
    # Where the list was cut, any subject may go on; where none was asked for, all may.
    is_cut = not resends and len(following) >= follow + len(due)
    return LanePage(
        due=_deliveries(snapshot, endpoint_no, due + [row for row in following if row[0] is not None]),
        waiting=tuple((key, due_ms) for key, due_ms in waiting),
        last_seq=snapshot.value(LAST_SEQ),
        is_full=is_full,
        unfinished=frozenset(key for _, _, key in due) if is_cut else frozenset(),
        batches=batched.due_in(snapshot, endpoint_no),
    )


class _Batched:
    """
    The batches of an endpoint that failed: those that are due, and those that wait where they are wanted.
    """

    def __init__(self, rows: Sequence[list[Any]] = (), due: Sequence[list[Any]] = ()) -> None:
        self._rows = rows
        leads = {row[0] for row in due}
        self._due = [row for row in rows if row[0] in leads]
        self.seqs = {seq for row in self._due for seq, _ in orjson.loads(row[2])}

    @classmethod
    def of(cls, snapshot: Snapshot, endpoint_no: int, due: Sequence[list[Any]], until_ms: int) -> _Batched:
        return cls(snapshot.rows(BATCHES, endpoint_no=endpoint_no, until_ms=until_ms), due)

    def keys_waiting(self, now_ms: int) -> list[tuple[int, int]]:
        return [
            (key, due_ms)
            for _, _, members, due_ms in self._rows
            if due_ms > now_ms
            for _, key in orjson.loads(members)
        ]

    def due_in(self, snapshot: Snapshot, endpoint_no: int) -> tuple[Batch, ...]:
        batches = []
        for _, batch_id, text, _ in self._due:
            keys = [[seq, 0, key] for seq, key in orjson.loads(text)]
            members = _deliveries(snapshot, endpoint_no, keys, is_ordered=True)
            batches.append(Batch(batch_id, members, is_kept=True))
        return tuple(batches)


def _deliveries(
    snapshot: Snapshot, endpoint_no: int, keys: list[list[Any]], *, is_ordered: bool = False
) -> tuple[Delivery, ...]:
    if not keys:
        return ()
    rows = snapshot.rows(DELIVERIES, endpoint_no=endpoint_no, keys=orjson.dumps(keys).decode())
    found = {
        (seq, job): Delivery(
            endpoint_no, seq, job, subject_key, event_id, attempts, occurred_ms, recorded_ms, body.encode()
        )
        for seq, job, subject_key, event_id, attempts, occurred_ms, recorded_ms, body in rows
    }
    wanted = [(seq, job) for seq, job, _ in keys] if is_ordered else _in_order(keys)
    return tuple(found[key] for key in wanted)


def _in_order(keys: list[list[Any]]) -> list[tuple[int, int]]:
    """
    Return heads in the order in which they are due, each followed by what follows it, in order of seq.
    """
    of_subject: dict[int, list[tuple[int, int]]] = {}
    for seq, job, subject_key in keys:
        of_subject.setdefault(subject_key, []).append((seq, job))
    return [key for same in of_subject.values() for key in sorted(same)]
