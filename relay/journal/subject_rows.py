"""
Agents, groups, lists, leads, …: the last state of every subject that is no call.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, Text, delete, exists, select

from relay.journal import schema
from relay.journal.command_schema import IS_OF_PASSING_KIND
from relay.journal.rows import slices
from relay.journal.statements import HotStatement, given_rows, hot_upsert
from relay.model.errors import RevisionConflict
from relay.model.subject_state import COMMAND, DID, LEAD, SubjectChange, SubjectState
from relay.model.times import from_ms, to_ms

LOOKED_AT_ONCE: Final = 100  # of each kind
PASSING_KINDS: Final = (LEAD, COMMAND, DID)  # there is no end of them

_t = schema.subjects
_given = given_rows(subject=Text())
KNOWN_SUBJECTS: Final = HotStatement(
    ["subject"],
    select(_t.c.subject, _t.c.revision).join_from(_given, _t, _t.c.subject == _given.c.subject),
)


def subject_values(state: SubjectState) -> tuple[Any, ...]:
    """
    Return the row of `subjects` for a subject, in the order of its columns.
    """
    return (
        *state[:6],
        orjson.dumps(state.record),
        orjson.dumps(state.notes),
        to_ms(state.changed_at),
    )


def check_subjects(conn: Connection, changes: Sequence[SubjectChange]) -> None:
    """
    Compare the revisions that subjects had when they were normalised.

    Raises:
        RevisionConflict: one has moved on since.
    """
    known = KNOWN_SUBJECTS.fetch(conn, [(change.state.subject,) for change in changes])
    stored = {subject: int(revision) for subject, revision in known}
    for change in changes:
        if stored.get(change.state.subject, 0) != change.expected_revision:
            raise RevisionConflict(f"{change.state.subject} has moved on")


def write_subjects(conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """
    Store rows of `subject_values`.
    """
    hot_upsert(conn.dialect.name, _t).run(conn, rows)


def subjects(conn: Connection, source_id: str, kinds: Collection[str]) -> list[SubjectState]:
    """
    Return the subjects of a source of some kinds, by name.
    """
    query = select(_t).where(_t.c.source_id == source_id, _t.c.kind.in_(sorted(kinds)))
    return sorted(map(_subject_of, conn.execute(query)), key=lambda state: (state.name, state.kind))


def subjects_named(conn: Connection, names: Collection[str]) -> dict[str, SubjectState]:
    """
    Return those of some subjects that are known.
    """
    found: dict[str, SubjectState] = {}
    for some in slices(sorted(names)):
        states = map(_subject_of, conn.execute(select(_t).where(_t.c.subject.in_(some))))
        found |= {state.subject: state for state in states}
    return found


def forget_subjects(conn: Connection, before: datetime) -> int:
    """
    Remove some of the leads, commands and inbound numbers that have not changed since `before`.

    One that has events still stays: its next event must have the next revision.  Only the oldest of a kind
    are looked at, whose events go first.
    """
    over = [subject for kind in PASSING_KINDS for subject in _oldest_without_events(conn, kind, before)]
    if over:
        conn.execute(delete(_t).where(_t.c.subject.in_(over)))
    return len(over)


def _oldest_without_events(conn: Connection, kind: str, before: datetime) -> Sequence[str]:
    oldest = (
        select(_t.c.subject)
        .where(IS_OF_PASSING_KIND, _t.c.kind == kind, _t.c.changed_ms < to_ms(before))
        .order_by(_t.c.changed_ms)
        .limit(LOOKED_AT_ONCE)
        .subquery("oldest")
    )
    has_events = exists(select(schema.events.c.seq).where(schema.events.c.subject == oldest.c.subject))
    return conn.execute(select(oldest.c.subject).where(~has_events)).scalars().all()


def _subject_of(row: Row[Any]) -> SubjectState:
    return SubjectState(
        subject=row.subject,
        source_id=row.source_id,
        kind=row.kind,
        name=row.name,
        revision=row.revision,
        last_event_id=row.last_event_id,
        record=orjson.loads(row.record),
        notes=orjson.loads(row.notes),
        changed_at=from_ms(row.changed_ms),
    )
