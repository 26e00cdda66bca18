"""
Batches that failed: kept as they were sent, so that a retry repeats them (DESIGN section 7, Payload).

The row of a batch's first member alone is due; those of the others wait without a time, and nothing of their
subjects is due before they are settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update

from relay.journal import schema
from relay.journal.questions import Question
from relay.journal.statements import upsert
from relay.model.delivery_options import BATCHED
from relay.model.settlement import Settlement

Members = tuple[tuple[int, int], ...]

_b, _d, _n = schema.batches, schema.deliveries, schema.endpoints
_lead = _d.alias("lead")
_member = _d.alias("member")

_IS_LEAD: Final = (
    (_lead.c.endpoint_no == _b.c.endpoint_no)
    & (_lead.c.seq == _b.c.first_seq)
    & (_lead.c.job == literal_column("0"))
)
# What an endpoint has that is due by some time: the first seq, the id, the members as [seq, subject key],
# and when it is due.
BATCHES: Final = Question(
    select(_b.c.first_seq, _b.c.batch_id, _b.c.members, _lead.c.due_ms)
    .join_from(_b, _lead, _IS_LEAD)
    .where(_b.c.endpoint_no == bindparam("endpoint_no"), _lead.c.due_ms <= bindparam("until_ms"))
)


@dataclass(frozen=True, slots=True)
class PutOff:
    """
    A batch that failed, and when it is due again; `members` are (seq, subject key), the first of them leads.
    """

    endpoint_no: int
    batch_id: str
    members: tuple[tuple[int, int], ...]
    due_ms: int


def batch_rows(batch: Sequence[Settlement]) -> tuple[list[PutOff], list[tuple[int, int]]]:
    """
    Return the batches that failed, and the keys of those kept that are over, among some outcomes.
    """
    put_off, over = [], []
    for item in batch:
        if item.batch is None or item.delivery != item.batch.members[0]:
            continue
        endpoint_no, seq = item.delivery.endpoint_no, item.delivery.seq
        if item.status == schema.PENDING and item.due_at_ms is not None:
            members = tuple((one.seq, one.subject_key) for one in item.batch.members)
            put_off.append(PutOff(endpoint_no, item.batch.batch_id, members, item.due_at_ms))
        elif item.batch.is_kept:
            over.append((endpoint_no, seq))
    return put_off, over


def write_batches(conn: Connection, put_off: Sequence[PutOff], over: Sequence[tuple[int, int]]) -> None:
    """
    Keep batches that failed, and forget others.

    One of which a member is settled by now (it expired), or whose endpoint wants no batches any more, is not
    kept: what waits of it is due by itself.
    """
    for one in put_off:
        if _takes_batches(conn, one.endpoint_no) and _are_pending(conn, one.endpoint_no, one.members):
            row = {
                "endpoint_no": one.endpoint_no,
                "first_seq": one.members[0][0],
                "batch_id": one.batch_id,
                "members": orjson.dumps(one.members).decode(),
            }
            conn.execute(upsert(conn.dialect.name, _b), [row])
        else:
            _forget(conn, one.endpoint_no, one.members[0][0])
            _release(conn, one.endpoint_no, one.members, one.due_ms)
    for endpoint_no, first_seq in over:
        _forget(conn, endpoint_no, first_seq)


def break_up(conn: Connection, endpoint_no: int, now_ms: int, *, is_all: bool = False) -> int:
    """
    Cut batches anew of which a member is settled, or all of an endpoint: what still waits is due by itself,
    in the order of its subject.  Return how many batches that were.
    """
    done = 0
    wanted = select(_b.c.first_seq, _b.c.members).where(_b.c.endpoint_no == endpoint_no)
    for row in conn.execute(wanted).all():
        members = tuple((int(seq), int(key)) for seq, key in orjson.loads(row.members))
        if is_all or not _are_pending(conn, endpoint_no, members):
            _forget(conn, endpoint_no, row.first_seq)
            _release(conn, endpoint_no, members, now_ms)
            done += 1
    return done


def _takes_batches(conn: Connection, endpoint_no: int) -> bool:
    options = conn.execute(select(_n.c.options).where(_n.c.no == endpoint_no)).scalar()
    return options is not None and orjson.loads(options).get("payload") == BATCHED


def _are_pending(conn: Connection, endpoint_no: int, members: Members) -> bool:
    seqs = [seq for seq, _ in members]
    pending = select(func.count()).where(
        _d.c.endpoint_no == endpoint_no, _d.c.seq.in_(seqs), _d.c.job == 0, _d.c.status == schema.PENDING
    )
    return int(conn.execute(pending).scalar_one()) == len(seqs)


def _release(conn: Connection, endpoint_no: int, members: Members, due_ms: int) -> None:
    for seq, subject_key in members:
        first = select(func.min(_member.c.seq)).where(
            _member.c.endpoint_no == endpoint_no,
            _member.c.subject_key == subject_key,
            _member.c.status == literal_column("'pending'"),
            _member.c.job == literal_column("0"),
        )
        conn.execute(
            update(_d)
            .where(
                _d.c.endpoint_no == endpoint_no,
                _d.c.seq == seq,
                _d.c.job == 0,
                _d.c.status == schema.PENDING,
                _d.c.due_ms.is_(None),
                _d.c.seq == first.scalar_subquery(),
            )
            .values(due_ms=due_ms)
        )


def _forget(conn: Connection, endpoint_no: int, first_seq: int) -> None:
    conn.execute(delete(_b).where(_b.c.endpoint_no == endpoint_no, _b.c.first_seq == first_seq))
