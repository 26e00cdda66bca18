"""
Commands: written down before they are sent, given a verdict once, and their Idempotency-Keys.

A key is taken when its command is begun, with an empty reply that never grows old, and gets the reply with
the verdict: so neither a second request nor a crash in between can make a command be sent twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, case, delete, func, insert, select, update

from relay.journal import schema
from relay.journal.api_port import Once
from relay.journal.command_schema import IS_UNDER_WAY
from relay.journal.idempotency import put_aside, recall, set_reply, take_back
from relay.journal.rows import ms_or_null, time_or_null
from relay.journal.source_work import enter_item, require_source
from relay.model.command import SENT, SUCCEEDED, UNKNOWN, Command
from relay.model.errors import NotFound
from relay.model.source_work import COMMAND_DONE
from relay.model.times import from_ms, to_ms

FORGET_AT_ONCE: Final = 500
_MAY_HAVE_CALLED: Final = (SUCCEEDED, UNKNOWN)

_t = schema.commands


def begin_command(conn: Connection, command: Command, once: Once | None, now: datetime) -> bytes | None:
    """
    Write a command down and take its key; where the key has a reply, return that and do nothing.

    Raises:
        NotFound, Conflict: see `relay.journal.commands_port.CommandJournal`.
    """
    if once is not None:
        reply = recall(conn, once, now)
        if reply is not None:
            return reply
    require_source(conn, command.source_id)
    if once is not None:
        put_aside(conn, once, command.command_id)
    conn.execute(insert(_t).values(command_values(command)))
    return None


def finish_command(conn: Connection, command: Command, reply: bytes, now: datetime) -> None:
    """
    Keep the verdict of a command, and the reply for the key it began with, and tell the owner of its source.

    Raises:
        NotFound: it was never begun.
    """
    given = (
        update(_t)
        .where(_t.c.command_id == command.command_id, _t.c.state == SENT)
        .values(
            state=command.state,
            finished_ms=to_ms(now if command.finished_at is None else command.finished_at),
            result=_json_or_null(command.result),
            call_id=func.coalesce(_t.c.call_id, command.call_id),
        )
    )
    if not conn.execute(given).rowcount:
        _require_command(conn, command.command_id)
        return
    set_reply(conn, command.command_id, reply, now)
    # However many items wait: a verdict is told once.
    enter_item(conn, command.source_id, COMMAND_DONE, one_command(conn, command.command_id).as_json(), now)


def withdraw_command(conn: Connection, command_id: str) -> None:
    """
    Forget a command without a verdict that was never sent, and its key.
    """
    is_it = (_t.c.command_id == command_id, _t.c.state == SENT)
    if conn.execute(delete(_t).where(*is_it)).rowcount:
        take_back(conn, command_id)


def unfinished_commands(conn: Connection, source_id: str) -> list[Command]:
    """
    Return commands without a verdict, oldest first.
    """
    query = select(_t).where(_t.c.source_id == source_id, IS_UNDER_WAY)
    rows = conn.execute(query.order_by(_t.c.requested_ms, _t.c.command_id))
    return list(map(command_of, rows))


def link_command(conn: Connection, command_id: str, call_id: str) -> None:
    """
    Keep which call a command caused; the first stands.  That there is one tells that it was done.
    """
    is_it = (_t.c.command_id == command_id, _t.c.call_id.is_(None))
    state = case((_t.c.state == UNKNOWN, SUCCEEDED), else_=_t.c.state)
    conn.execute(update(_t).where(*is_it).values(call_id=call_id, state=state))


def unlinked_commands(conn: Connection, source_id: str, function: str, since: datetime) -> list[Command]:
    """
    Return commands requested since that may have caused a call and have none, oldest first.
    """
    query = select(_t).where(
        _t.c.source_id == source_id,
        _t.c.function == function,
        _t.c.requested_ms >= to_ms(since),
        _t.c.state.in_(_MAY_HAVE_CALLED),
        _t.c.call_id.is_(None),
    )
    return list(map(command_of, conn.execute(query.order_by(_t.c.requested_ms, _t.c.command_id))))


def one_command(conn: Connection, command_id: str) -> Command:
    """
    Return a command that is known to be there.
    """
    return command_of(conn.execute(select(_t).where(_t.c.command_id == command_id)).one())


def forget_commands(conn: Connection, before: datetime) -> int:
    """
    Remove some of the commands requested before an instant that have a verdict; return how many.
    """
    sources = select(schema.sources.c.source_id)  # there are few: each has its part of the index
    is_old = (_t.c.source_id.in_(sources), _t.c.requested_ms < to_ms(before), _t.c.state != SENT)
    old = select(_t.c.command_id).where(*is_old).limit(FORGET_AT_ONCE)
    return int(conn.execute(delete(_t).where(_t.c.command_id.in_(old))).rowcount)


def command_values(command: Command) -> dict[str, Any]:
    """
    Return the row of `commands` for a command.
    """
    return {
        "command_id": command.command_id,
        "source_id": command.source_id,
        "function": command.function,
        "params": orjson.dumps(command.params),
        "is_write": command.is_write,
        "requested_by": command.requested_by,
        "requested_ms": to_ms(command.requested_at),
        "state": command.state,
        "finished_ms": ms_or_null(command.finished_at),
        "result": _json_or_null(command.result),
        "call_id": command.call_id,
        "bulk_id": command.bulk_id,
        "row_no": command.row_no,
    }


def command_of(row: Row[Any]) -> Command:
    """
    Return the command that a row of `commands` holds.
    """
    return Command(
        command_id=row.command_id,
        source_id=row.source_id,
        function=row.function,
        params=orjson.loads(row.params),
        is_write=bool(row.is_write),
        requested_by=row.requested_by,
        requested_at=from_ms(row.requested_ms),
        state=row.state,
        finished_at=time_or_null(row.finished_ms),
        result=None if row.result is None else orjson.loads(row.result),
        call_id=row.call_id,
        bulk_id=row.bulk_id,
        row_no=row.row_no,
    )


def _require_command(conn: Connection, command_id: str) -> None:
    if conn.execute(select(_t.c.state).where(_t.c.command_id == command_id)).scalar() is None:
        raise NotFound(f"there is no command {command_id}")


def _json_or_null(value: object) -> bytes | None:
    return None if value is None else orjson.dumps(value)
