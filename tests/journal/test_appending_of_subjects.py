"""
Agents, groups, … are written in the one append, with their events and deliveries, or not at all.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal import polling, source_writing, subject_rows
from relay.journal.appending import append
from relay.journal.matching import Matcher
from relay.journal.migrate import upgrade
from relay.journal.port import Append, StreamState
from relay.journal.preparing import prepare
from relay.journal.sqlite import sqlite_engine
from relay.journal.statements import sqlite_driver
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.change import SourceChange
from relay.model.errors import RevisionConflict
from tests.journal.looking import run
from tests.journal.making import NOW, SECOND, append_of, call_change, endpoint_spec
from tests.journal.making_subjects import subject_change, subject_event

POLLED = Append("dialer", "agents", NOW)


@pytest.fixture
async def polled(journal: SqlJournal) -> SqlJournal:
    """
    Give a journal that knows a dialer.
    """
    await journal.register_source("dialer", "dialer360", NOW, NOW)
    return journal


async def test_subjects_come_back_as_they_were_stored(polled: SqlJournal) -> None:
    ann, bob = subject_change("ann"), subject_change("bob", record={"status": None, "n": [1]})
    group = subject_change("SALES", kind="in_group")
    await polled.append(replace(POLLED, subjects=(bob, group, ann)))

    assert [ann.state, bob.state] == await polled.subjects("dialer", ("agent",))
    assert [group.state, ann.state, bob.state] == await polled.subjects("dialer", ("agent", "in_group"))
    assert [] == await polled.subjects("other", ("agent",))
    assert {bob.state.subject: bob.state} == await polled.subjects_named([bob.state.subject, "agent/x/y"])


async def test_events_go_source_first_then_subjects_then_calls(polled: SqlJournal) -> None:
    await polled.sync_endpoints([endpoint_spec()], NOW)
    head = await polled.source_head("dialer")
    event = subject_event("source/dialer", 1, "source.state_changed")
    source = SourceChange(replace(head, revision=1, last_event_id=event.id), (event,), 0)
    change = replace(
        append_of(call_change("c", 1)), source=source, subjects=(subject_change("ann"), subject_change("bob"))
    )

    appended = await polled.append(change)

    assert ["source/dialer", "agent/dialer/ann", "agent/dialer/bob", "call/pbx/c"] == [
        event.subject for event in appended.events
    ]
    assert [1, 2, 3, 4] == [delivery.seq for delivery in appended.deliveries]
    assert list(appended.events) == await polled.events_after(0, 10, 10**6)


async def test_a_subject_that_has_moved_on_is_refused_and_nothing_is_written(polled: SqlJournal) -> None:
    await polled.append(replace(POLLED, subjects=(subject_change("ann"),)))
    stored = await polled.subjects("dialer", ("agent",))
    stale = subject_change("ann", record={"status": "stale"})
    change = replace(
        append_of(call_change("c", 1)),
        subjects=(subject_change("bob"), stale),
        stream_state=StreamState("degraded", polled_at=NOW),
    )

    with pytest.raises(RevisionConflict, match="agent/dialer/ann has moved on"):
        await polled.append(change)

    assert stored == await polled.subjects("dialer", ("agent",))
    assert ({}, 1) == (await polled.stream_states("pbx"), len(await polled.events_after(0, 10, 10**6)))


async def test_a_failure_further_on_leaves_nothing_of_the_subjects(polled: SqlJournal) -> None:
    head = await polled.source_head("dialer")
    stale = SourceChange(replace(head, revision=8), (), 7)

    with pytest.raises(RevisionConflict, match="source/dialer"):
        await polled.append(replace(POLLED, source=stale, subjects=(subject_change("ann"),)))

    assert ([], []) == (await polled.subjects("dialer", ("agent",)), await polled.events_after(0, 9, 10**6))


async def test_notes_alone_may_change_without_an_event(polled: SqlJournal) -> None:
    first = subject_change("ann")
    await polled.append(replace(POLLED, subjects=(first,)))
    noted = replace(first, state=first.state._replace(notes={"missing": 1}), events=(), expected_revision=1)

    appended = await polled.append(replace(POLLED, subjects=(noted,)))

    assert ((), (), [noted.state]) == (
        appended.events,
        appended.deliveries,
        await polled.subjects("dialer", ("agent",)),
    )


async def test_the_next_revision_follows(polled: SqlJournal) -> None:
    await polled.append(replace(POLLED, subjects=(subject_change("ann"),)))
    second = subject_change("ann", revision=2, record={"status": "PAUSED"})

    appended = await polled.append(replace(POLLED, subjects=(second,)))

    assert [2] == [event.revision for event in appended.events]
    assert [second.state] == await polled.subjects("dialer", ("agent",))


async def test_a_second_append_of_the_same_event_is_left_out(polled: SqlJournal) -> None:
    """
    As of a subject that was removed, or is rebuilt: its event is there already.
    """
    change = replace(POLLED, subjects=(subject_change("ann"),))
    await polled.append(change)
    again = replace(subject_change("ann"), expected_revision=1)

    assert () == (await polled.append(replace(POLLED, subjects=(again,)))).events


async def test_many_subjects_go_in_one_append(polled: SqlJournal) -> None:
    many = tuple(subject_change(f"{number:04}") for number in range(700))
    await polled.append(replace(POLLED, subjects=many))

    names = {change.state.subject for change in many}
    assert [change.state for change in many] == await polled.subjects("dialer", ("agent",))
    assert names == (await polled.subjects_named(names)).keys()


async def test_subjects_take_as_many_steps_however_many_there_are(journal_path: Path) -> None:
    """
    Lock, revisions, events known, events, deliveries, last seq, subjects, and the commit.
    """
    steps: list[str] = []
    async with open_sqlite(journal_path, "tests", NOW):
        pass
    changes = tuple(subject_change(str(number)) for number in range(200))
    prepared = prepare(replace(POLLED, subjects=changes), 0, Matcher().current)
    engine = sqlite_engine(journal_path)
    with engine.connect() as conn:
        sqlite_driver(conn).set_trace_callback(steps.append)
        with conn.begin():
            append(conn, 1, Matcher(), prepared)
    engine.dispose()

    of_endpoints = [step for step in steps if "FROM endpoints" in step]
    assert 7 == len(steps) - len(of_endpoints) - len(["BEGIN"])


async def test_when_a_status_stream_was_asked_is_stored(polled: SqlJournal) -> None:
    state = StreamState(polled_at=NOW + SECOND)
    await polled.append(replace(POLLED, stream_state=state))

    assert {"agents": state} == await polled.stream_states("dialer")


async def test_only_leads_commands_and_inbound_numbers_are_forgotten_in_steps(
    polled: SqlJournal, journal_path: Path
) -> None:
    """
    One that has events still stays, since its next event must have the next revision.
    """
    kinds = ("agent", "in_group", "lead", "command", "did", "list")
    silent = tuple(subject_change("x", kind=kind, revision=0) for kind in kinds)
    leads = tuple(subject_change(str(number), kind="lead", revision=0) for number in range(300))
    told, fresh = subject_change("told", kind="lead"), subject_change("fresh", kind="lead", revision=0)
    fresh = replace(fresh, state=fresh.state._replace(changed_at=NOW + SECOND))
    await polled.append(replace(POLLED, subjects=(*silent, *leads, told, fresh)))

    forgotten = [await polled.forget_subjects(NOW + SECOND) for _ in range(5)]
    left = await polled.subjects("dialer", kinds)
    run(journal_path, "DELETE FROM events")

    assert [102, 100, 100, 1, 0] == forgotten
    assert ["lead/dialer/fresh", "lead/dialer/told"] == sorted(
        state.subject for state in left if state.kind in ("lead", "command", "did")
    )
    assert 3 == len(left) - 2
    assert 1 == await polled.forget_subjects(NOW + SECOND)


@pytest.mark.postgresql
async def test_subjects_are_written_and_read_on_postgresql_too(postgresql_url: str) -> None:
    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as conn:
        await conn.run_sync(upgrade)
        await conn.run_sync(write_and_read)
    await engine.dispose()


def write_and_read(conn: Connection) -> None:
    """
    Write subjects as an append does, twice, and read them.
    """
    polling.register_source(conn, "dialer", "dialer360", NOW, NOW)
    first, lead = subject_change("ann"), subject_change("1", kind="lead", revision=0)
    second = subject_change("ann", revision=2, record={"status": "PAUSED"})
    for changes in ([first, lead], [second]):
        subject_rows.check_subjects(conn, changes)
        subject_rows.write_subjects(conn, [subject_rows.subject_values(change.state) for change in changes])
    with pytest.raises(RevisionConflict):
        subject_rows.check_subjects(conn, [second])
    state = StreamState(polled_at=NOW)
    source_writing.write_poll(conn, replace(POLLED, stream_state=state))
    stored = subject_rows.subjects(conn, "dialer", ("agent", "lead"))
    forgotten = subject_rows.forget_subjects(conn, NOW + SECOND)

    assert [lead.state, second.state] == stored
    assert {"agents": state} == polling.stream_states(conn, "dialer")
    left = subject_rows.subjects_named(conn, ["agent/dialer/ann", "lead/dialer/1"])
    assert (1, {"agent/dialer/ann": second.state}) == (forgotten, left)
