"""
Commands and bulk jobs as people look at them: newest first; the rows of a job in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Table, bindparam, select, tuple_

from relay.journal import schema
from relay.journal.bulk_rows import bulk_of, row_of
from relay.journal.command_rows import command_of
from relay.journal.command_schema import LOADING
from relay.journal.cursors import FIRST_ROW, NEWEST_COMMAND, CommandPlace, RowPlace, place_of, text_of
from relay.journal.questions import Question, Row, Snapshot, as_text, if_given
from relay.model.command import BulkJob, BulkRow, Command
from relay.model.listing import Page
from relay.model.times import to_ms

T = TypeVar("T")

_c, _j, _r = schema.commands, schema.bulk_jobs, schema.bulk_rows
_OF_BYTES: Final = ("params", "result", "defaults", "data")
FILTERS: Final = ("function", "state", "bulk_id")


def _readable(table: Table) -> list[ColumnElement[Any]]:
    """
    Return the columns of a table, those of JSON as text.
    """
    return [as_text(column) if column.name in _OF_BYTES else column for column in table.columns]


_AGE: Final = (_c.c.requested_ms, _c.c.command_id)
_before = (
    select(*_AGE)
    .where(tuple_(*_AGE) < tuple_(bindparam("requested_ms"), bindparam("id")))
    .order_by(*(column.desc() for column in _AGE))
)
# Of a bulk job, else of a function, else all: each has an index in this order.
_LISTS: Final = {
    "bulk_id": _before.where(_c.c.bulk_id == bindparam("bulk_id")),
    "function": _before.where(
        _c.c.source_id == bindparam("source_id"), _c.c.function == bindparam("function")
    ),
    "": _before.where(_c.c.source_id == bindparam("source_id")),
}


def _page_of(before: Any) -> Question:
    scanned = before.limit(bindparam("scanned")).subquery("scanned")
    return Question(
        select(*_readable(_c))
        .join_from(scanned, _c, _c.c.command_id == scanned.c.command_id)
        .where(
            _c.c.source_id == bindparam("source_id"),
            *(if_given(name, _c.c[name] == bindparam(name)) for name in FILTERS),
        )
        .order_by(scanned.c.requested_ms.desc(), scanned.c.command_id.desc())
        .limit(bindparam("limit"))
    )


COMMAND: Final = Question(select(*_readable(_c)).where(_c.c.command_id == bindparam("command_id")))
COMMANDS: Final = {name: _page_of(before) for name, before in _LISTS.items()}
# Until where a page looks, where that is not the end of the list.
LAST_SCANNED: Final = {
    name: Question(before.offset(bindparam("skipped")).limit(1)) for name, before in _LISTS.items()
}
BULK: Final = Question(
    select(*_readable(_j)).where(_j.c.bulk_id == bindparam("bulk_id"), _j.c.state != LOADING)
)
BULKS: Final = Question(
    select(*_readable(_j))
    .where(
        _j.c.source_id == bindparam("source_id"),
        tuple_(_j.c.requested_ms, _j.c.bulk_id) < tuple_(bindparam("requested_ms"), bindparam("id")),
        _j.c.state != LOADING,
    )
    .order_by(_j.c.requested_ms.desc(), _j.c.bulk_id.desc())
    .limit(bindparam("limit"))
)
_rows = (
    select(*_readable(_r))
    .where(_r.c.bulk_id == bindparam("bulk_id"), _r.c.row_no > bindparam("row_no"))
    .order_by(_r.c.row_no)
    .limit(bindparam("limit"))
)
ROWS: Final = Question(_rows)
ROWS_OF_STATE: Final = Question(_rows.where(_r.c.state == bindparam("state")))


def command(look: Snapshot, command_id: str) -> Command | None:
    """
    Return a command.
    """
    row = look.row(COMMAND, command_id=command_id)
    return None if row is None else _made(_c, row, command_of)


def list_commands(
    look: Snapshot,
    source_id: str,
    wanted: Mapping[str, Any],
    after: str | None,
    limit: int,
    scanned_rows: int,
) -> Page[Command]:
    """
    Return a page of commands, newest first; it looks at `scanned_rows` of them at the most.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    given = {name: wanted.get(name) for name in FILTERS}
    list_ = next((name for name in ("bulk_id", "function") if given[name] is not None), "")
    is_sifted = any(value is not None for name, value in given.items() if name != list_)
    place = place_of(after, NEWEST_COMMAND)
    asked = {"source_id": source_id, **given, **place._asdict()}
    scanned = scanned_rows if is_sifted else limit + 1
    rows = look.rows(COMMANDS[list_], **asked, scanned=scanned, limit=limit + 1)
    found = tuple(_made(_c, row, command_of) for row in rows[:limit])
    if len(rows) > limit:
        return Page(found, text_of(CommandPlace(to_ms(found[-1].requested_at), found[-1].command_id)))
    last = look.row(LAST_SCANNED[list_], **asked, skipped=scanned - 1)
    return Page(found, None if last is None else text_of(CommandPlace(*last)))


def bulk(look: Snapshot, bulk_id: str) -> BulkJob | None:
    """
    Return a bulk job.
    """
    row = look.row(BULK, bulk_id=bulk_id)
    return None if row is None else _made(_j, row, bulk_of)


def list_bulks(look: Snapshot, source_id: str, after: str | None, limit: int) -> Page[BulkJob]:
    """
    Return a page of bulk jobs, newest first.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, NEWEST_COMMAND)
    rows = look.rows(BULKS, source_id=source_id, **place._asdict(), limit=limit + 1)
    found = tuple(_made(_j, row, bulk_of) for row in rows[:limit])
    if len(rows) <= limit:
        return Page(found, None)
    return Page(found, text_of(CommandPlace(to_ms(found[-1].requested_at), found[-1].bulk_id)))


def list_rows(
    look: Snapshot, bulk_id: str, state: str | None, after: str | None, limit: int
) -> Page[BulkRow]:
    """
    Return a page of the rows of a bulk job, in their order.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, FIRST_ROW)
    question = ROWS if state is None else ROWS_OF_STATE
    rows = look.rows(question, bulk_id=bulk_id, state=state, row_no=place.row_no, limit=limit + 1)
    found = tuple(_made(_r, row, row_of) for row in rows[:limit])
    return Page(found, text_of(RowPlace(found[-1].row_no)) if len(rows) > limit else None)


def _made(table: Table, row: Row, make: Callable[[Any], T]) -> T:
    named: Any = SimpleNamespace(**dict(zip(table.columns.keys(), row, strict=True)))
    return make(named)
