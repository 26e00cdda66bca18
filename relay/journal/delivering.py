"""
What the deliver loop writes: what became of each delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    func,
    literal_column,
    select,
    update,
)

from relay.journal import schema
from relay.journal.batches import PutOff, batch_rows, break_up, write_batches
from relay.journal.statements import HotStatement, given_rows, hot_upsert
from relay.model.settlement import Settlement

_d = schema.deliveries
_next = schema.deliveries.alias("following")

_outcomes = given_rows(
    endpoint_no=Integer(),
    seq=BigInteger(),
    job=BigInteger(),
    status=Text(),
    due_ms=BigInteger(),
    attempts=Integer(),
    http_status=Integer(),
    reason=Text(),
    latency_ms=BigInteger(),
    settled_ms=BigInteger(),
)
_KEY: Final = ("endpoint_no", "seq", "job")

_GIVEN_UP: Final[tuple[Any, ...]] = (literal_column("'expired'"), literal_column("'discarded'"))
# What was given up while it was under way and arrived all the same is delivered.
_arrived = (_outcomes.c.status == literal_column("'delivered'")) & _d.c.status.in_(_GIVEN_UP)
SETTLE: Final = HotStatement(
    [column.name for column in _outcomes.c],
    update(_d)
    .where(
        *(_d.c[name] == _outcomes.c[name] for name in _KEY),
        (_d.c.status == literal_column("'pending'")) | _arrived,
    )
    .values({column.name: column for column in _outcomes.c if column.name not in _KEY}),
)

_subjects = given_rows(endpoint_no=Integer(), subject_key=BigInteger(), due_ms=BigInteger())

# Whatever settles a head makes the next of its subject due, in the same transaction.
PROMOTE: Final = HotStatement(
    [column.name for column in _subjects.c],
    update(_d)
    .where(
        _d.c.endpoint_no == _subjects.c.endpoint_no,
        _d.c.job == literal_column("0"),
        _d.c.due_ms.is_(None),
        _d.c.seq
        == select(func.min(_next.c.seq))
        .where(
            _next.c.endpoint_no == _subjects.c.endpoint_no,
            _next.c.subject_key == _subjects.c.subject_key,
            _next.c.status == literal_column("'pending'"),
            _next.c.job == literal_column("0"),
        )
        .scalar_subquery(),
    )
    .values(due_ms=_subjects.c.due_ms),
)


@dataclass(frozen=True, slots=True)
class PreparedOutcomes:
    """
    The rows of a batch of outcomes, made before it has the database (see `relay.journal.preparing`).

    `ended_untried` are the endpoints of deliveries that ended without an attempt, and when.
    """

    settled: list[tuple[object, ...]]
    promoted: list[tuple[object, ...]]
    attempts: list[tuple[object, ...]]
    batches: list[PutOff]
    batches_over: list[tuple[int, int]]
    ended_untried: dict[int, int]


def prepare_outcomes(batch: Sequence[Settlement]) -> PreparedOutcomes:
    """
    Make the rows of a batch of outcomes.
    """
    ended = {
        (item.delivery.endpoint_no, item.delivery.subject_key): item.made_at_ms + item.latency_ms
        for item in batch
        if item.status != schema.PENDING
    }
    return PreparedOutcomes(
        [_settled_row(item) for item in batch],
        [(endpoint_no, key, due_ms) for (endpoint_no, key), due_ms in ended.items()],
        [_attempt_row(item) for item in batch if item.keep_attempt],
        *batch_rows(batch),
        {item.delivery.endpoint_no: item.made_at_ms for item in batch if not item.is_attempt},
    )


def settle(conn: Connection, outcomes: PreparedOutcomes) -> None:
    """
    Record outcomes in one transaction; a row that is settled already keeps its first outcome, unless it was
    given up and has arrived.
    """
    rows = outcomes.settled
    if len({row[: len(_KEY)] for row in rows}) == len(rows):
        SETTLE.run(conn, rows)
    else:  # of two outcomes of one delivery the earlier counts, which one step does not promise
        for row in rows:
            SETTLE.run(conn, [row])
    PROMOTE.run(conn, outcomes.promoted)
    # Of two attempts in one millisecond, as when an endpoint was changed just then, one row tells.
    hot_upsert(conn.dialect.name, schema.attempts).run(conn, outcomes.attempts)
    write_batches(conn, outcomes.batches, outcomes.batches_over)
    for endpoint_no, now_ms in outcomes.ended_untried.items():
        break_up(conn, endpoint_no, now_ms)  # its first member may have expired


def _settled_row(item: Settlement) -> tuple[object, ...]:
    delivery, status, attempts, made_at_ms, latency_ms, reason, http_status, due_at_ms = item[:8]
    settled_ms = None if status == schema.PENDING else made_at_ms + latency_ms
    key = (delivery.endpoint_no, delivery.seq, delivery.job)
    took_ms = latency_ms if item.is_attempt else None
    return (*key, status, due_at_ms, attempts, http_status, reason, took_ms, settled_ms)


def _attempt_row(item: Settlement) -> tuple[object, ...]:
    key = (item.delivery.endpoint_no, item.delivery.seq, item.delivery.job)
    answer = (item.http_status, item.reason, item.latency_ms, item.answer)
    return (*key, item.attempts, item.made_at_ms, *answer)
