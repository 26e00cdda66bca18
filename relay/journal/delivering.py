"""
What the deliver loop reads and writes: what is due, and what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, literal_column, select, update

from relay.journal import schema
from relay.journal.port import LanePage
from relay.journal.statements import HotStatement
from relay.model.endpoint import Delivery
from relay.model.settlement import Settlement

_d, _e = schema.deliveries, schema.events
_next = schema.deliveries.alias("following")

SETTLE: Final = HotStatement(
    update(_d)
    .where(
        _d.c.endpoint_no == bindparam("b_endpoint_no"),
        _d.c.seq == bindparam("b_seq"),
        _d.c.job == bindparam("b_job"),
        _d.c.status == literal_column("'pending'"),
    )
    .values(
        status=bindparam("b_status"),
        due_ms=bindparam("b_due_ms"),
        attempts=bindparam("b_attempts"),
        http_status=bindparam("b_http_status"),
        reason=bindparam("b_reason"),
        latency_ms=bindparam("b_latency_ms"),
        settled_ms=bindparam("b_settled_ms"),
    )
)

# Whatever settles a head makes the next of its subject due, in the same transaction.
PROMOTE: Final = HotStatement(
    update(_d)
    .where(
        _d.c.endpoint_no == bindparam("b_endpoint_no"),
        _d.c.job == literal_column("0"),
        _d.c.due_ms.is_(None),
        _d.c.seq
        == select(func.min(_next.c.seq))
        .where(
            _next.c.endpoint_no == bindparam("b_endpoint_no_again"),
            _next.c.subject_key == bindparam("b_subject_key"),
            _next.c.status == literal_column("'pending'"),
            _next.c.job == literal_column("0"),
        )
        .scalar_subquery(),
    )
    .values(due_ms=bindparam("b_due_ms"))
)

INSERT_ATTEMPT: Final = HotStatement(
    insert(schema.attempts).values(
        {column.name: bindparam(column.name) for column in schema.attempts.columns}
    )
)


def settle(conn: Connection, batch: Sequence[Settlement]) -> None:
    """
    Record outcomes in one transaction; a row that is settled already keeps its first outcome.
    """
    SETTLE.run(conn, [_settled_row(item) for item in batch])
    PROMOTE.run(
        conn,
        [
            {
                "b_endpoint_no": item.delivery.endpoint_no,
                "b_endpoint_no_again": item.delivery.endpoint_no,
                "b_subject_key": item.delivery.subject_key,
                "b_due_ms": item.made_at_ms + item.latency_ms,
            }
            for item in batch
            if item.status != schema.PENDING
        ],
    )
    INSERT_ATTEMPT.run(
        conn,
        [
            {
                "endpoint_no": item.delivery.endpoint_no,
                "seq": item.delivery.seq,
                "job": item.delivery.job,
                "attempt": item.attempts,
                "made_ms": item.made_at_ms,
                "http_status": item.http_status,
                "reason": item.reason,
                "latency_ms": item.latency_ms,
                "answer": item.answer,
            }
            for item in batch
            if item.keep_attempt
        ],
    )


def page_in(conn: Connection, endpoint_no: int, now_ms: int, limit: int, waiting_limit: int) -> LanePage:
    """
    Return what is due for an endpoint, longest due first, and what waits for a later time.
    """
    due = (
        select(
            _d.c.seq,
            _d.c.job,
            _d.c.subject_key,
            _d.c.attempts,
            _e.c.id,
            _e.c.occurred_ms,
            _e.c.recorded_ms,
            _e.c.body,
        )
        .join(_e, _e.c.seq == _d.c.seq)
        .where(_d.c.endpoint_no == endpoint_no, _d.c.due_ms <= now_ms)
        .order_by(_d.c.due_ms, _d.c.seq)
        .limit(limit)
    )
    later = (
        select(_d.c.subject_key, _d.c.due_ms)
        .where(_d.c.endpoint_no == endpoint_no, _d.c.due_ms > now_ms)
        .order_by(_d.c.due_ms)
        .limit(waiting_limit)
    )
    return LanePage(
        due=tuple(_delivery(endpoint_no, row) for row in conn.execute(due).mappings()),
        waiting=tuple((row.subject_key, row.due_ms) for row in conn.execute(later)),
    )


def _delivery(endpoint_no: int, row: RowMapping) -> Delivery:
    return Delivery(
        endpoint_no=endpoint_no,
        seq=row["seq"],
        job=row["job"],
        subject_key=row["subject_key"],
        event_id=row["id"],
        attempt=row["attempts"],
        occurred_at_ms=row["occurred_ms"],
        recorded_at_ms=row["recorded_ms"],
        body=row["body"],
    )


def _settled_row(item: Settlement) -> dict[str, object]:
    delivery = item.delivery
    is_final = item.status != schema.PENDING
    return {
        "b_endpoint_no": delivery.endpoint_no,
        "b_seq": delivery.seq,
        "b_job": delivery.job,
        "b_status": item.status,
        "b_due_ms": item.due_at_ms,
        "b_attempts": item.attempts,
        "b_http_status": item.http_status,
        "b_reason": item.reason,
        "b_latency_ms": item.latency_ms,
        "b_settled_ms": item.made_at_ms + item.latency_ms if is_final else None,
    }
