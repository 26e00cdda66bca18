"""
Commands are written down before they are sent, get one verdict, and are never sent twice for one key.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal import command_rows, idempotency, polling, source_work
from relay.journal.api_port import MAX_INBOX
from relay.journal.migrate import upgrade
from relay.journal.port import KEEP_REPLIES, Append
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.command import FAILED, SENT, SUCCEEDED, UNKNOWN, Command
from relay.model.errors import Conflict, NotFound
from relay.model.source_work import COMMAND_DONE, PUSH, InboxItem
from tests.journal.looking import run
from tests.journal.making import NOW, SECOND, endpoint_spec
from tests.journal.making_commands import ONCE, command, finish, finished

MUCH_LATER = NOW + 2 * KEEP_REPLIES


@pytest.fixture
async def known(journal: SqlJournal) -> SqlJournal:
    """
    Give a journal that knows two dialers.
    """
    for source_id in ("dialer", "other"):
        await journal.register_source(source_id, "dialer360", NOW, NOW)
    return journal


async def test_a_command_is_written_down_before_it_is_sent(known: SqlJournal) -> None:
    begun = command("c1")

    assert None is await known.commands.begin_command(begun, ONCE, NOW)
    assert begun == await known.commands.command("c1")
    assert [begun] == await known.commands.unfinished_commands("dialer")
    assert [] == await known.commands.unfinished_commands("other")


@pytest.mark.parametrize("state", [SUCCEEDED, FAILED, UNKNOWN])
async def test_a_verdict_comes_with_an_item_for_the_owner(known: SqlJournal, state: str) -> None:
    done = await finish(known, command("c1"), state)
    (item,) = await known.inbox("dialer", 9)

    assert done == await known.commands.command("c1")
    assert [] == await known.commands.unfinished_commands("dialer")
    assert InboxItem(item.item_id, "dialer", COMMAND_DONE, done.as_json(), NOW) == item
    assert done == Command.of_json(item.body)


async def test_the_same_request_gets_the_stored_reply_and_is_not_written_again(known: SqlJournal) -> None:
    await known.commands.begin_command(command("c1"), ONCE, NOW)
    await known.commands.finish_command(finished(command("c1")), b"reply", NOW)

    again = await known.commands.begin_command(command("c2"), ONCE, NOW + SECOND)

    assert (b"reply", None) == (again, await known.commands.command("c2"))


async def test_another_request_with_the_same_key_is_a_conflict(known: SqlJournal) -> None:
    await known.commands.begin_command(command("c1"), ONCE, NOW)
    other = replace(ONCE, digest=b"other")

    with pytest.raises(Conflict, match="another request"):
        await known.commands.begin_command(command("c2"), other, NOW)
    await known.commands.finish_command(finished(command("c1")), b"reply", NOW)
    with pytest.raises(Conflict, match="another request"):
        await known.commands.begin_command(command("c2"), other, NOW)
    assert None is await known.commands.command("c2")


async def test_of_many_requests_at_once_with_one_key_one_is_sent(known: SqlJournal) -> None:
    begun = [known.commands.begin_command(command(f"c{number}"), ONCE, NOW) for number in range(20)]

    outcomes = await asyncio.gather(*begun, return_exceptions=True)

    assert 1 == outcomes.count(None)
    assert 19 == len([one for one in outcomes if isinstance(one, Conflict) and "c0 of this" in str(one)])
    assert ["c0"] == [one.command_id for one in await known.commands.unfinished_commands("dialer")]


async def test_a_key_is_taken_until_there_is_a_verdict_however_long_that_takes(known: SqlJournal) -> None:
    await known.commands.begin_command(command("c1"), ONCE, NOW)
    forgotten = await known.forget_replies(MUCH_LATER)
    with pytest.raises(Conflict, match="command c1 of this Idempotency-Key is under way"):
        await known.commands.begin_command(command("c2"), ONCE, MUCH_LATER)
    await known.commands.finish_command(finished(command("c1")), b"reply", MUCH_LATER)

    assert 0 == forgotten
    assert b"reply" == await known.commands.begin_command(command("c2"), ONCE, MUCH_LATER + KEEP_REPLIES)
    assert None is await known.commands.begin_command(command("c2"), ONCE, MUCH_LATER + KEEP_REPLIES + SECOND)


async def test_after_a_crash_a_command_is_known_and_its_key_gets_the_reply_of_then(
    journal_path: Path,
) -> None:
    async with open_sqlite(journal_path, "first", NOW) as journal:
        await journal.register_source("dialer", "dialer360", NOW, NOW)
        await journal.commands.begin_command(command("c1"), ONCE, NOW)
    async with open_sqlite(journal_path, "second", MUCH_LATER) as journal:
        (left,) = await journal.commands.unfinished_commands("dialer")
        with pytest.raises(Conflict, match="under way"):
            await journal.commands.begin_command(command("c2"), ONCE, MUCH_LATER)
        await journal.commands.finish_command(
            replace(left, state=UNKNOWN, finished_at=MUCH_LATER), b"unknown", MUCH_LATER
        )
        again = await journal.commands.begin_command(command("c2"), ONCE, MUCH_LATER + SECOND)
        items = await journal.inbox("dialer", 9)

    assert (command("c1"), b"unknown") == (left, again)
    assert [UNKNOWN] == [item.body["state"] for item in items]


async def test_the_first_verdict_stands(known: SqlJournal) -> None:
    await known.commands.begin_command(command("c1"), ONCE, NOW)
    done = finished(command("c1"))
    await known.commands.finish_command(done, b"reply", NOW)

    await known.commands.finish_command(finished(command("c1"), UNKNOWN), b"later", NOW)

    assert done == await known.commands.command("c1")
    assert 1 == len(await known.inbox("dialer", 9))
    assert b"reply" == await known.commands.begin_command(command("c2"), ONCE, NOW)


async def test_a_full_inbox_loses_no_verdict(known: SqlJournal, journal_path: Path) -> None:
    full = "INSERT INTO inbox (source_id, kind, body, received_ms) VALUES ('dialer', 'push', '{}', 0)"
    run(journal_path, full, [()] * MAX_INBOX)
    with pytest.raises(Conflict):
        await known.work.put_down("dialer", PUSH, {}, lambda _: b"", NOW)

    await finish(known, command("c1"))

    assert COMMAND_DONE == (await known.inbox("dialer", MAX_INBOX + 9))[-1].kind


async def test_a_read_needs_no_key(known: SqlJournal) -> None:
    begun = command("c1", "version", is_write=False, requested_by=None)

    assert None is await known.commands.begin_command(begun, None, NOW)
    assert begun == await known.commands.command("c1")


async def test_what_is_not_there_is_told(known: SqlJournal) -> None:
    with pytest.raises(NotFound, match="no source x"):
        await known.commands.begin_command(command("c1", source_id="x"), ONCE, NOW)
    with pytest.raises(NotFound, match="no command c1"):
        await known.commands.finish_command(finished(command("c1")), b"reply", NOW)

    assert None is await known.commands.begin_command(command("c1"), ONCE, NOW)
    assert None is await known.commands.command("c2")


async def test_an_empty_reply_is_refused_and_nothing_is_written(known: SqlJournal) -> None:
    await known.commands.begin_command(command("c1"), ONCE, NOW)

    with pytest.raises(ValueError, match="not empty"):
        await known.commands.finish_command(finished(command("c1")), b"", NOW)

    assert ([command("c1")], []) == (
        await known.commands.unfinished_commands("dialer"),
        await known.inbox("dialer", 9),
    )


async def test_a_key_of_a_command_is_one_with_the_other_keys(known: SqlJournal) -> None:
    await known.commands.begin_command(command("c1"), ONCE, NOW)

    with pytest.raises(Conflict):
        await known.registry.create_endpoint(endpoint_spec(), lambda _: b"made", NOW, ONCE)
    assert [] == await known.registry.registered(NOW)


async def test_calls_are_sought_for_what_may_have_caused_one(known: SqlJournal) -> None:
    calls = {name: command(name, "call-to-number", at_s) for at_s, name in enumerate("abcdefg")}
    for name, state in {"a": SUCCEEDED, "c": UNKNOWN, "b": SUCCEEDED, "d": FAILED, "e": SUCCEEDED}.items():
        await finish(known, calls[name], state)
    await finish(known, calls["f"], call_id="at once")
    await known.commands.begin_command(calls["g"], None, NOW)
    await finish(known, command("x", "add_lead", 5))

    await known.commands.link_command("e", "call-1")
    await known.commands.link_command("e", "call-2")
    found = await known.commands.unlinked_commands("dialer", "call-to-number", NOW + SECOND)

    assert ["b", "c"] == [one.command_id for one in found]
    linked = [await known.commands.command(name) for name in "ef"]
    assert ["call-1", "at once"] == [one.call_id for one in linked if one]


async def test_old_commands_with_a_verdict_are_forgotten_in_steps(
    known: SqlJournal, journal_path: Path
) -> None:
    for name, at_s in (("old", 0), ("fresh", 9)):
        await finish(known, command(name, at_s=at_s))
    await known.commands.begin_command(command("under way"), None, NOW)
    rows = [(f"n{number}",) for number in range(600)]
    copied = (
        "INSERT INTO commands SELECT ?, source_id, function, params, is_write, requested_by, requested_ms,"
        " state, finished_ms, result, call_id, bulk_id, row_no FROM commands WHERE command_id = 'old'"
    )
    run(journal_path, copied, rows)

    forgotten = [await known.forget_commands(NOW + 9 * SECOND) for _ in range(3)]

    assert [500, 101, 0] == forgotten
    left = [await known.commands.command(name) for name in ("old", "fresh", "under way")]
    assert [None, SUCCEEDED, SENT] == [one and one.state for one in left]


async def test_nothing_is_left_of_a_verdict_that_was_not_committed(
    known: SqlJournal, journal_path: Path
) -> None:
    await known.commands.begin_command(command("c1"), ONCE, NOW)
    run(journal_path, "UPDATE meta SET epoch = epoch + 1")

    with pytest.raises(Exception, match="taken this journal over"):
        await known.commands.finish_command(finished(command("c1")), b"reply", NOW)

    assert [command("c1")] == await known.commands.unfinished_commands("dialer")
    assert [] == await known.inbox("dialer", 9)


async def test_an_item_of_a_command_is_taken_by_an_append(known: SqlJournal) -> None:
    await finish(known, command("c1"))
    (item,) = await known.inbox("dialer", 9)

    await known.append(Append("dialer", "commands", NOW, taken_items=(item.item_id,)))

    assert [] == await known.inbox("dialer", 9)


@pytest.mark.postgresql
async def test_commands_are_kept_on_postgresql_too(postgresql_url: str) -> None:
    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as conn:
        await conn.run_sync(upgrade)
        await conn.run_sync(begin_and_finish)
    await engine.dispose()


def begin_and_finish(conn: Connection) -> None:
    """
    Begin and finish commands, look for them, forget them.
    """
    polling.register_source(conn, "dialer", "dialer360", NOW, NOW)
    begun = [command_rows.begin_command(conn, command(name), None, NOW) for name in ("c2", "c3")]
    begun.append(command_rows.begin_command(conn, command("c1"), ONCE, NOW))
    with pytest.raises(Conflict, match="under way"):
        command_rows.begin_command(conn, command("c4"), ONCE, MUCH_LATER)
    command_rows.finish_command(conn, finished(command("c1")), b"reply", NOW)
    command_rows.finish_command(conn, finished(command("c2")), b"reply", NOW)
    command_rows.link_command(conn, "c2", "call")

    assert [None] * 3 == begun
    assert b"reply" == command_rows.begin_command(conn, command("c4"), ONCE, NOW)
    assert [command("c3")] == command_rows.unfinished_commands(conn, "dialer")
    assert [finished(command("c1"))] == command_rows.unlinked_commands(conn, "dialer", "add_lead", NOW)
    assert [finished(command("c1")), finished(command("c2"))] == [
        Command.of_json(item.body) for item in source_work.inbox(conn, "dialer", 9)
    ]
    assert (2, 1) == (
        command_rows.forget_commands(conn, NOW + SECOND),
        idempotency.forget_replies(conn, NOW + timedelta(days=2)),
    )
