"""
A journal of before complete ingest keeps everything; and what polls ask runs on PostgreSQL, too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Table, create_engine, insert, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal import coverage, polling, source_work, source_writing, whole_calls
from relay.journal import schema as tables
from relay.journal.migrate import MIGRATIONS, upgrade
from relay.journal.port import Append, NearKeys, StreamState
from relay.journal.rows import call_values, leg_values
from relay.journal.store import open_sqlite
from relay.model.change import Neighbourhood, Reject, SourceChange, SourceHead
from relay.model.coverage import DEEP, Gap, Interval
from relay.model.errors import Conflict
from relay.model.source_work import BACKFILL, CANCELLED, RUNNING, Alias, Allowance
from tests.journal.making import NOW, SECOND, append_of, call_change, read_of

CHANGE = call_change("old", 1)
OLD_ROWS = {
    "sources": {
        "source_id": "pbx",
        "kind": "voipcloud",
        "publish_from_ms": 5,
        "state": "degraded",
        "system_status": '{"status":"busy"}',
        "revision": 3,
        "last_event_id": "evt",
        "first_seen_ms": 4,
    },
    "streams": {
        "source_id": "pbx",
        "stream": "user_calls",
        "id_scheme": "native",
        "state": "absent",
        "not_found_in_a_row": 2,
        "had_good_answer": True,
    },
    "rejects": {
        "source_id": "pbx",
        "stream": "user_calls",
        "digest": b"d",
        "row": b"{}",
        "why": "why",
        "first_seen_ms": 7,
    },
    "coverage": {"source_id": "pbx", "stream": "user_calls", "from_ms": 1_000, "to_ms": 2_000},
}
NEAR = NearKeys(["base-old"], (), (), NOW, NOW, NOW)


def make_second_version(conn: Connection) -> None:
    """
    Make a journal of before complete ingest, with something in every table that changes.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    command.upgrade(config, "0002")
    for name, row in OLD_ROWS.items():
        _insert(conn, name, row)
    for table, values in (
        (tables.calls, call_values(CHANGE.call)),
        (tables.legs, leg_values(CHANGE.legs[0])),
    ):
        row = dict(zip((column.name for column in table.columns), values, strict=True))
        _insert(
            conn, table.name, {name: value for name, value in row.items() if name in _columns(conn, table)}
        )


def _columns(conn: Connection, table: Table) -> set[str]:
    return {column["name"] for column in inspect(conn).get_columns(table.name)}


def _insert(conn: Connection, table: str, row: dict[str, object]) -> None:
    names, places = ", ".join(f'"{name}"' for name in row), ", ".join(f":{name}" for name in row)
    conn.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)  # noqa: S608 - names of ours


def kept_of_before(
    conn: Connection,
) -> tuple[SourceHead, dict[str, StreamState], Neighbourhood, object, object]:
    """
    Return what is there of a journal of before.
    """
    return (
        polling.source_head(conn, "pbx"),
        polling.stream_states(conn, "pbx"),
        whole_calls.neighbourhood(conn, "pbx", NEAR),
        coverage.coverage_of(conn, "pbx"),
        [reject.digest for reject in source_work.stored_rejects(conn, "pbx", None, b"", 9)],
    )


def assert_kept(kept: tuple[SourceHead, dict[str, StreamState], Neighbourhood, object, object]) -> None:
    """
    Check that it is all there, with nothing settled, absorbed or provisional.
    """
    head, streams, near, covered, rejects = kept
    assert ("degraded", {"status": "busy"}, 3, "evt", None) == (
        head.state,
        head.system_status,
        head.revision,
        head.last_event_id,
        head.watermark,
    )
    assert {"user_calls": StreamState("absent", "native", 2, had_good_answer=True)} == streams
    assert ({"old": CHANGE.call}, [CHANGE.legs[0]]) == (near.calls, near.legs)
    assert 1 == len(covered["user_calls"])  # type: ignore[index]  # a dict
    assert [b"d"] == rejects


async def test_a_journal_of_before_keeps_everything_and_goes_on(journal_path: Path) -> None:
    engine = create_engine(f"sqlite:///{journal_path}")
    with engine.begin() as conn:
        make_second_version(conn)
        upgrade(conn)
        kept = kept_of_before(conn)
    engine.dispose()

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        appended = await journal.append(replace(append_of(call_change("new", 1)), read=read_of(0, 9)))
        unsettled = await journal.unsettled_calls("pbx", NOW, NOW + 99 * SECOND, 9)

    assert_kept(kept)
    assert 1 == len(appended.events)
    assert {"old", "new"} == unsettled.calls.keys()


@pytest.mark.postgresql
async def test_a_postgresql_journal_of_before_keeps_everything(postgresql_url: str) -> None:
    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as conn:
        await conn.run_sync(make_second_version)
        await conn.run_sync(upgrade)
        kept = await conn.run_sync(kept_of_before)
    await engine.dispose()

    assert_kept(kept)


@pytest.mark.postgresql
async def test_what_polls_ask_and_write_is_the_same_on_postgresql(postgresql_url: str) -> None:
    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as conn:
        await conn.run_sync(make_second_version)
        await conn.run_sync(upgrade)
        await conn.run_sync(ask_everything)
        await conn.run_sync(write_everything)
    await engine.dispose()


def ask_everything(conn: Connection) -> None:
    """
    Ask all that a poll asks of calls.
    """
    silent = CHANGE.call._replace(call_id="silent", subject="silent", is_silent=True, revision=0)
    held = CHANGE.call._replace(call_id="held", subject="held", is_end_published=False)
    conn.execute(insert(tables.calls), [_row(tables.calls, call_values(call)) for call in (silent, held)])
    later = NOW + 99 * SECOND
    found = (
        whole_calls.unsettled_calls(conn, "pbx", NOW, later, 9),
        whole_calls.silent_calls(conn, "pbx", NOW, later, 9),
        whole_calls.held_calls(conn, "pbx"),
        whole_calls.calls_between(conn, "pbx", NOW, later),
    )

    assert [["old"], ["silent"], ["held"], ["old"]] == [list(near.calls) for near in found]
    assert NOW == whole_calls.oldest_unsettled_start(conn, "pbx", NOW)
    assert {"user_calls": {1: 1}} == polling.leg_counts(conn, "pbx", NOW)
    assert ["Ann"] == polling.known_names(conn, "pbx", "user_calls", NOW)
    assert [("base-old", True)] == [
        (row.base_key, row.is_closed)
        for row in polling.known_digests(conn, "pbx", "user_calls", NOW, None).of_legs
    ]


def write_everything(conn: Connection) -> None:
    """
    Write all that an append writes of a source.
    """
    number = source_work.put_down(conn, "pbx", "push", {"a": 1}, NOW)
    job = source_work.make_job(conn, "pbx", BACKFILL, NOW, NOW + SECOND, NOW)
    running = replace(job, state=RUNNING, read_to={"user_calls": NOW})
    gap, read = Gap("user_calls", NOW, None, "unreachable", NOW), read_of(0, 9)
    change = Append("pbx", "user_calls", NOW, read=read, gaps=(gap,), taken_items=(number,), job=running)
    source_writing.write_poll(conn, replace(change, rejects=(Reject(b"n", {}, "why"),), replayed=(b"d",)))
    found = source_work.next_job(conn, "pbx")
    cancelled = source_work.cancel_job(conn, job.job_id, NOW)
    source_writing.write_poll(conn, replace(change, gaps=(replace(gap, end=NOW),), job=running, read=None))
    head = replace(polling.source_head(conn, "pbx"), watermark=NOW)
    source_writing.write_source(conn, SourceChange(head, (), 3))
    polling.note_allowance(conn, "pbx", Allowance(7, NOW))
    imported = source_work.import_aliases(conn, [Alias("pbx", "n", "c")])
    with pytest.raises(Conflict):
        source_work.import_aliases(conn, [Alias("pbx", "n", "d")])

    assert (running, CANCELLED) == (found, cancelled.state)
    assert cancelled == source_work.one_job(conn, job.job_id)
    assert ([], None) == (source_work.inbox(conn, "pbx", 9), source_work.next_job(conn, "pbx"))
    assert [replace(gap, end=NOW)] == coverage.open_gaps(conn, "pbx")
    assert {"user_calls": [read]} == coverage.reads_of(conn, "pbx", NOW, (DEEP,))
    assert Interval(NOW, NOW + 9 * SECOND) == coverage.coverage_of(conn, "pbx")["user_calls"][-1]
    assert [b"n"] == [one.digest for one in source_work.stored_rejects(conn, "pbx", None, b"", 9)]
    assert (head, Allowance(7, NOW)) == (polling.source_head(conn, "pbx"), polling.allowance(conn, "pbx"))
    assert (1, {"n": "c"}) == (imported, source_work.aliases(conn, "pbx"))
    assert 1 == coverage.forget_reads(conn, NOW, NOW + 99 * SECOND)


def _row(table: Table, values: tuple[object, ...]) -> dict[str, object]:
    return dict(zip((column.name for column in table.columns), values, strict=True))
