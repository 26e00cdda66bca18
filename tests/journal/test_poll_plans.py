"""
What a poll asks of the journal must be found by an index, whatever the journal holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from relay.journal import coverage, polling, source_work, source_writing, subject_rows, whole_calls
from relay.journal.coverage_lists import (
    CLOSED_GAPS,
    COVERED_STREAMS,
    INTERVALS,
    OPEN_GAPS,
    READS,
    READS_OF_STREAM,
)
from relay.journal.port import Append, NearKeys
from relay.journal.questions import Question
from relay.journal.sqlite import sqlite_engine
from relay.journal.statements import sqlite_driver
from relay.journal.store import open_sqlite
from relay.journal.work_lists import ALIASES, ALIASES_OF_SOURCE, JOBS, LAST_SCANNED, REJECTS
from relay.model.coverage import HEAD, Gap, Interval
from relay.model.source_work import DONE, PUSH, Alias, Allowance, SourceJob
from tests.journal.looking import plan_of
from tests.journal.making import NOW, SECOND, read_of

LATER = NOW + SECOND
JOB = SourceJob(1, "pbx", "backfill", NOW, LATER, DONE, NOW)
CHANGE = Append(
    "pbx",
    "user_calls",
    NOW,
    read=read_of(0, 9),
    gaps=(Gap("user_calls", NOW, None, "unreachable", NOW),),
    taken_items=(1, 2),
    job=JOB,
    replayed=(b"a", b"b"),
)
ASKED: dict[str, Callable[[Connection], object]] = {
    "known digests": lambda conn: polling.known_digests(conn, "pbx", "user_calls", NOW, None),
    "known digests of a time": lambda conn: polling.known_digests(conn, "pbx", "user_calls", NOW, LATER),
    "oldest open": lambda conn: polling.oldest_open_start(conn, "pbx"),
    "leg counts": lambda conn: polling.leg_counts(conn, "pbx", NOW),
    "known names": lambda conn: polling.known_names(conn, "pbx", "queue_calls", NOW),
    "states": lambda conn: polling.stream_states(conn, "pbx"),
    "allowance": lambda conn: polling.allowance(conn, "pbx"),
    "note allowance": lambda conn: polling.note_allowance(conn, "pbx", Allowance(1, NOW)),
    "near": lambda conn: whole_calls.neighbourhood(conn, "pbx", NearKeys("a", "b", "c", NOW, NOW, NOW)),
    "held": lambda conn: whole_calls.held_calls(conn, "pbx"),
    "provisional": lambda conn: whole_calls.provisional_calls(conn, "pbx", NOW, LATER, 9),
    "oldest unsettled": lambda conn: whole_calls.oldest_unsettled_start(conn, "pbx", NOW),
    "unsettled": lambda conn: whole_calls.unsettled_calls(conn, "pbx", NOW, LATER, 9),
    "silent": lambda conn: whole_calls.silent_calls(conn, "pbx", NOW, LATER, 9),
    "between": lambda conn: whole_calls.calls_between(conn, "pbx", NOW, LATER),
    "coverage": lambda conn: coverage.coverage_of(conn, "pbx"),
    "reads": lambda conn: coverage.reads_of(conn, "pbx", NOW, (HEAD,), Interval(NOW, LATER)),
    "open gaps": lambda conn: coverage.open_gaps(conn, "pbx"),
    "forget reads": lambda conn: coverage.forget_reads(conn, NOW, NOW),
    "aliases": lambda conn: source_work.aliases(conn, "pbx"),
    "import": lambda conn: source_work.import_aliases(conn, [Alias("pbx", "n", "c"), Alias("pbx", "m", "c")]),
    "put down": lambda conn: source_work.put_down(conn, "pbx", PUSH, {}, NOW),
    "inbox": lambda conn: source_work.inbox(conn, "pbx", 9),
    "make job": lambda conn: source_work.make_job(conn, "pbx", "backfill", NOW, LATER, NOW),
    "next job": lambda conn: source_work.next_job(conn, "pbx"),
    "rejects": lambda conn: source_work.stored_rejects(conn, "pbx", None, b"", 9),
    "rejects of a stream": lambda conn: source_work.stored_rejects(conn, "pbx", "user_calls", b"", 9),
    "subjects": lambda conn: subject_rows.subjects(conn, "pbx", ("agent", "did")),
    "subjects named": lambda conn: subject_rows.subjects_named(conn, ("agent/pbx/a", "agent/pbx/b")),
    "forget subjects": lambda conn: subject_rows.forget_subjects(conn, NOW),
    "write": lambda conn: source_writing.write_poll(conn, CHANGE),
}
# What was found already; of rejects so many rows as a page looks at, which are sorted.
BOUNDED = {"SCAN answer", "SCAN scanned", "SCAN oldest"}


@pytest.mark.parametrize("name", ASKED)
async def test_nothing_that_a_poll_asks_reads_or_sorts_a_whole_table(journal_path: Path, name: str) -> None:
    """
    Names are sorted, and calls near each other put together: both are few.
    """
    statements = await statements_of(journal_path, ASKED[name])

    plans = {
        sql: plan(journal_path, sql) for sql in statements if sql.startswith(("SELECT", "UPDATE", "DELETE"))
    }

    assert {} != plans
    assert {} == {
        sql: steps
        for sql, steps in plans.items()
        if any(step.startswith("SCAN") and step not in BOUNDED for step in steps)
    }


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("held", "calls_end_held"),
        ("oldest unsettled", "calls_unsettled"),
        ("unsettled", "calls_unsettled"),
        ("silent", "calls_unpublished"),
        ("between", "legs_by_start"),
        ("leg counts", "COVERING INDEX legs_by_start"),
        ("reads", "reads_by_source"),
        ("open gaps", "gaps_open"),
        ("next job", "source_jobs_not_ended"),
        ("make job", "source_jobs_not_ended"),
        ("rejects", "rejects_by_digest"),
        ("subjects", "subjects_by_kind"),
        ("forget subjects", "subjects_passing"),
        ("forget reads", "COVERING INDEX reads_of_head"),
        ("inbox", "inbox_by_source"),
        ("put down", "COVERING INDEX inbox_by_source"),
    ],
)
async def test_what_waits_is_found_by_the_index_of_what_waits(
    journal_path: Path, name: str, index: str
) -> None:
    statements = await statements_of(journal_path, ASKED[name])

    steps = [step for sql in statements for step in plan(journal_path, sql) if index in step]

    assert 1 <= len(steps)


@pytest.mark.parametrize(
    ("question", "step"),
    [
        (READS, "SEARCH reads USING INDEX reads_by_source (source_id=? AND as_of_ms<?)"),
        (
            READS_OF_STREAM,
            "SEARCH reads USING INDEX reads_by_stream (source_id=? AND stream=? AND as_of_ms<?)",
        ),
        (INTERVALS, "SEARCH coverage USING INDEX sqlite_autoindex_coverage_1 (source_id=? AND stream=?)"),
        (COVERED_STREAMS, "SEARCH coverage USING COVERING INDEX sqlite_autoindex_coverage_1 (source_id=?)"),
        (OPEN_GAPS, "SEARCH gaps USING INDEX gaps_open (source_id=?)"),
        (CLOSED_GAPS, "SEARCH gaps USING INDEX sqlite_autoindex_gaps_1 (source_id=? AND stream=?)"),
        (JOBS, "SEARCH source_jobs USING INDEX source_jobs_by_kind (source_id=? AND kind=? AND job_id<?)"),
        (ALIASES, "SEARCH aliases USING INDEX sqlite_autoindex_aliases_1 ((source_id,natural_id)>(?,?))"),
        (
            ALIASES_OF_SOURCE,
            "SEARCH aliases USING INDEX sqlite_autoindex_aliases_1 (source_id=? AND natural_id",
        ),
        (LAST_SCANNED, "SEARCH rejects USING COVERING INDEX rejects_by_age"),
        (REJECTS, "SEARCH rejects USING COVERING INDEX rejects_by_age"),
    ],
)
async def test_pages_of_a_source_begin_at_their_place(
    journal_path: Path, question: Question, step: str
) -> None:
    found = await plan_of(journal_path, question)

    assert found[0].startswith(step)
    assert [] == [one for one in found[1:] if one.startswith("SCAN") and one not in BOUNDED]
    assert [] == [one for one in found if one.startswith("USE TEMP") and question is not REJECTS]


async def statements_of(path: Path, ask: Callable[[Connection], object]) -> list[str]:
    """
    Return what a question runs on a new journal.
    """
    async with open_sqlite(path, "tests", NOW) as journal:
        await journal.register_source("pbx", "voipcloud", NOW, NOW)
    statements: list[str] = []
    engine = sqlite_engine(path)
    with engine.connect() as conn, conn.begin():
        sqlite_driver(conn).set_trace_callback(statements.append)
        ask(conn)
        sqlite_driver(conn).set_trace_callback(None)
    engine.dispose()
    return statements


def plan(path: Path, sql: str) -> list[str]:
    """
    Return how SQLite finds rows.
    """
    with sqlite3.connect(path) as direct:
        return [str(row[3]) for row in direct.execute("EXPLAIN QUERY PLAN " + sql)]
