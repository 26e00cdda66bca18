"""
The one append transaction (I1): events, calls, legs, other subjects, one delivery row per matching endpoint,
and what `relay.journal.source_writing` adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    bindparam,
    case,
    exists,
    insert,
    literal_column,
    null,
    select,
    update,
)

from relay.journal import schema
from relay.journal.matching import Matcher
from relay.journal.port import Appended
from relay.journal.preparing import PreparedAppend, PreparedEvents, prepare_events
from relay.journal.source_work import keep_aliases
from relay.journal.source_writing import write_poll, write_source
from relay.journal.statements import HotStatement, given_rows, hot_insert, hot_upsert
from relay.journal.subject_rows import check_subjects, write_subjects
from relay.model.change import CallChange
from relay.model.errors import JournalUnusable, RevisionConflict
from relay.model.event import Event

_d = schema.deliveries.alias("earlier")

INSERT_EVENT: Final = hot_insert(schema.events, insert(schema.events))

_given = given_rows(endpoint_no=Integer(), seq=BigInteger(), subject_key=BigInteger(), due_ms=BigInteger())

# A row is a head, and so due, when nothing of its subject is unsettled before it.
INSERT_DELIVERY: Final = HotStatement(
    ("endpoint_no", "seq", "subject_key", "due_ms"),
    insert(schema.deliveries).from_select(
        ["endpoint_no", "seq", "job", "subject_key", "status", "due_ms", "attempts"],
        select(
            _given.c.endpoint_no,
            _given.c.seq,
            literal_column("0"),
            _given.c.subject_key,
            literal_column("'pending'"),
            case(
                (
                    exists(
                        select(literal_column("1")).where(
                            _d.c.endpoint_no == _given.c.endpoint_no,
                            _d.c.subject_key == _given.c.subject_key,
                            _d.c.status == literal_column("'pending'"),
                            _d.c.job == literal_column("0"),
                        )
                    ),
                    null(),
                ),
                else_=_given.c.due_ms,
            ),
            literal_column("0"),
        ).where(_given.c.seq.is_not(None)),
    ),
)


_ids = given_rows(id=Text())
KNOWN_EVENTS: Final = HotStatement(
    ["id"],
    select(schema.events.c.id).join_from(_ids, schema.events, schema.events.c.id == _ids.c.id),
)

_call_ids = given_rows(call_id=Text())
KNOWN_CALLS: Final = HotStatement(
    ["call_id"],
    select(schema.calls.c.call_id, schema.calls.c.revision).join_from(
        _call_ids, schema.calls, schema.calls.c.call_id == _call_ids.c.call_id
    ),
)


_m = schema.meta
META: Final = HotStatement([], select(_m.c.epoch, _m.c.endpoints_version, _m.c.last_seq).with_for_update())
MOVE_LAST_SEQ: Final = HotStatement(["to"], update(_m).values(last_seq=bindparam("to")))


def append(conn: Connection, epoch: int, matcher: Matcher, prepared: PreparedAppend) -> Appended:
    """
    Write a change whole.

    Raises:
        RevisionConflict: a subject has moved on since it was read.
        JournalUnusable: another process has taken the journal over.
    """
    last_seq, change = claim(conn, epoch, matcher), prepared.change
    _check_calls(conn, prepared.calls)
    check_subjects(conn, change.subjects)
    rows = prepared.events
    events = _without_known(conn, rows.events)
    if not rows.fits(events, last_seq, matcher.current):
        rows = prepare_events(events, last_seq, matcher.current, change.recorded_at)
    write_events(conn, rows)
    dialect = conn.dialect.name
    hot_upsert(dialect, schema.calls).run(conn, prepared.call_rows)
    hot_upsert(dialect, schema.legs).run(conn, prepared.leg_rows)
    write_subjects(conn, prepared.subject_rows)
    aliases = [alias for call in prepared.calls for alias in call.aliases]
    if aliases:
        keep_aliases(conn, aliases)
    if change.source:
        write_source(conn, change.source)
    write_poll(conn, change)
    return rows.appended


def claim(conn: Connection, epoch: int, matcher: Matcher) -> int:
    """
    Take the write lock, prove that this process still owns the journal, and refresh the matcher.

    Returns:
        The last seq given out.
    """
    ((its_epoch, endpoints_version, last_seq),) = META.fetch(conn, [()])
    if its_epoch != epoch:
        raise JournalUnusable("another relay has taken this journal over; this one must stop")
    matcher.refresh(conn, endpoints_version)
    return int(last_seq)


def write_events(conn: Connection, rows: PreparedEvents) -> None:
    """
    Store events and their deliveries; the last seq moves on.
    """
    if rows.events:
        INSERT_EVENT.run(conn, rows.event_rows)
        INSERT_DELIVERY.run(conn, rows.delivery_rows)
        MOVE_LAST_SEQ.run(conn, [(rows.last_seq + len(rows.events),)])


def _check_calls(conn: Connection, changes: Sequence[CallChange]) -> None:
    known = KNOWN_CALLS.fetch(conn, [(change.call.call_id,) for change in changes])
    stored = {call_id: int(revision) for call_id, revision in known}
    for change in changes:
        if stored.get(change.call.call_id, 0) != change.expected_revision:
            raise RevisionConflict(f"{change.call.subject} has moved on")


def _without_known(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    known = {event_id for (event_id,) in KNOWN_EVENTS.fetch(conn, [(event.id,) for event in events])}
    return [event for event in events if event.id not in known] if known else events
