"""
Batches that failed: kept as they were sent, so that a retry repeats them (DESIGN section 7, Payload).

The row of a batch's first member alone is due; those of the others wait without a time, and nothing of their
subjects is due before they are settled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, delete, exists, func, literal_column, select, update

from relay.journal import schema
from relay.journal.questions import Question
from relay.journal.statements import upsert
from relay.model.settlement import Settlement

_b, _d = schema.batches, schema.deliveries
_lead = _d.alias("lead")
_member = _d.alias("member")

_IS_LEAD: Final = (
    (_lead.c.endpoint_no == _b.c.endpoint_no)
    & (_lead.c.seq == _b.c.first_seq)
    & (_lead.c.job == literal_column("0"))
)
# What an endpoint has: the first seq, the id, the members as [seq, subject key], and when it is due.
BATCHES: Final = Question(
    select(_b.c.first_seq, _b.c.batch_id, _b.c.members, _lead.c.due_ms)
    .join_from(_b, _lead, _IS_LEAD)
    .where(_b.c.endpoint_no == bindparam("endpoint_no"), _lead.c.due_ms.is_not(None))
)


def batch_rows(batch: Sequence[Settlement]) -> tuple[list[dict[str, Any]], list[tuple[int, int]]]:
    """
    Return the rows of batches that failed, and the keys of those that are over, among some outcomes.
    """
    kept, over = [], []
    for item in batch:
        if item.batch is None or item.delivery != item.batch.members[0]:
            continue
        key = (item.delivery.endpoint_no, item.delivery.seq)
        if item.status == schema.PENDING:
            members = [[one.seq, one.subject_key] for one in item.batch.members]
            text = orjson.dumps(members).decode()
            kept.append(
                {
                    "endpoint_no": key[0],
                    "first_seq": key[1],
                    "batch_id": item.batch.batch_id,
                    "members": text,
                }
            )
        elif item.delivery.attempt:  # one that never failed was never kept
            over.append(key)
    return kept, over


def write_batches(conn: Connection, kept: Sequence[dict[str, Any]], over: Sequence[tuple[int, int]]) -> None:
    """
    Keep batches, and forget others.
    """
    if kept:
        conn.execute(upsert(conn.dialect.name, _b), list(kept))
    for endpoint_no, first_seq in over:
        conn.execute(delete(_b).where(_b.c.endpoint_no == endpoint_no, _b.c.first_seq == first_seq))


def break_up(conn: Connection, endpoint_no: int, now_ms: int, *, is_all: bool = False) -> int:
    """
    Cut batches anew whose first member is settled, or all of an endpoint: what still waits is due by itself,
    in the order of its subject.  Return how many batches there were.
    """
    left = ~exists(select(literal_column("1")).where(_IS_LEAD, _lead.c.status == schema.PENDING))
    wanted = select(_b.c.first_seq, _b.c.members).where(_b.c.endpoint_no == endpoint_no)
    found = conn.execute(wanted if is_all else wanted.where(left)).all()
    for row in found:
        for seq, subject_key in _pairs(row.members):
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
                .values(due_ms=now_ms)
            )
        conn.execute(delete(_b).where(_b.c.endpoint_no == endpoint_no, _b.c.first_seq == row.first_seq))
    return len(found)


def _pairs(members: str) -> Iterator[tuple[int, int]]:
    for seq, subject_key in orjson.loads(members):
        yield int(seq), int(subject_key)
