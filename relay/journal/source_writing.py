"""
What an append writes of a source besides events and calls: its head, coverage, gaps, rejects, jobs, inbox.

Each only where there is something of it: a step of the database costs what a dozen rows cost.
"""

from __future__ import annotations

import orjson
from sqlalchemy import Connection, delete, update

from relay.journal import schema
from relay.journal.coverage import write_gaps, write_read
from relay.journal.port import Append
from relay.journal.rows import ms_or_null, slices
from relay.journal.source_work import note_job, take_items
from relay.journal.statements import insert_new, upsert
from relay.model.change import SourceChange
from relay.model.errors import RevisionConflict
from relay.model.times import to_ms


def write_source(conn: Connection, change: SourceChange) -> None:
    """
    Store the head of a source's own subject.

    Raises:
        RevisionConflict: it has moved on since it was read.
    """
    head, table = change.head, schema.sources
    done = conn.execute(
        update(table)
        .where(table.c.source_id == head.source_id, table.c.revision == change.expected_revision)
        .values(
            state=head.state,
            system_status=orjson.dumps(head.system_status).decode(),
            revision=head.revision,
            last_event_id=head.last_event_id,
            watermark_ms=ms_or_null(head.watermark),
        )
    )
    if done.rowcount != 1:
        raise RevisionConflict(f"source/{head.source_id} has moved on")


def write_poll(conn: Connection, change: Append) -> None:
    """
    Store what a poll showed besides calls, and what the owner of the source has done.
    """
    if change.replayed:
        _remove_rejects(conn, change)
    if change.rejects:
        _keep_rejects(conn, change)
    if change.read:
        write_read(conn, change.source_id, change.read)
    if change.gaps:
        write_gaps(conn, change.source_id, change.gaps)
    if change.stream_state:
        _write_stream(conn, change)
    if change.taken_items:
        take_items(conn, change.source_id, change.taken_items)
    if change.job:
        note_job(conn, change.job)


def _write_stream(conn: Connection, change: Append) -> None:
    state = change.stream_state
    if state is None:
        return
    row = {
        "source_id": change.source_id,
        "stream": change.stream,
        "id_scheme": state.id_scheme,
        "state": state.state,
        "not_found_in_a_row": state.not_found_in_a_row,
        "had_good_answer": state.had_good_answer,
        "visibility": orjson.dumps(state.visibility).decode(),
        "polled_ms": ms_or_null(state.polled_at),
    }
    conn.execute(upsert(conn.dialect.name, schema.streams), [row])


def _keep_rejects(conn: Connection, change: Append) -> None:
    rows = [
        {
            "source_id": change.source_id,
            "stream": change.stream,
            "digest": reject.digest,
            "row": orjson.dumps(reject.row),
            "why": reject.why,
            "first_seen_ms": to_ms(change.recorded_at),
        }
        for reject in change.rejects
    ]
    conn.execute(insert_new(conn.dialect.name, schema.rejects), rows)


def _remove_rejects(conn: Connection, change: Append) -> None:
    table = schema.rejects
    of_stream = (table.c.source_id == change.source_id, table.c.stream == change.stream)
    for some in slices(change.replayed):
        conn.execute(delete(table).where(*of_stream, table.c.digest.in_(some)))
