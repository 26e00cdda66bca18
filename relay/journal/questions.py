"""
What people ask of the journal: selects compiled once, each answered in one step of the database.

The driver lets go of the interpreter's lock for each step and must win it back from a busy event loop, which
may take milliseconds.  So the database gathers all rows of an answer into one JSON text, without the lock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, SelectBase, Text, bindparam, cast, exists, func, or_, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from relay.model.times import EPOCH

Row = list[Any]

_DIALECT: Final = sqlite.dialect()
_MILLISECOND: Final = timedelta(milliseconds=1)


class Question:
    """
    A select with named parameters; its columns hold what JSON can say: integers, text and null.
    """

    def __init__(self, query: SelectBase) -> None:
        rows = query.subquery("answer")
        gathered = select(func.json_group_array(func.json_array(*rows.c)))
        compiled = gathered.compile(dialect=_DIALECT)
        if not isinstance(compiled, SQLCompiler) or compiled.positiontup is None:
            raise AssertionError("SQLite takes parameters by position")
        self.sql = str(compiled)
        self._names = tuple(compiled.positiontup)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """
        Return the parameters in the order of the statement.
        """
        known = {**self._fixed, **values}
        return tuple([known[name] for name in self._names])


class Snapshot:
    """
    The journal as it is at one moment: answers to several questions fit each other.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, question: Question, **values: Any) -> list[Row]:
        """
        Return all rows of an answer.
        """
        answer = self._connection.execute(question.sql, question.parameters(values)).fetchone()
        rows: list[Row] = orjson.loads(answer[0])
        return rows

    def row(self, question: Question, **values: Any) -> Row | None:
        """
        Return the first row, if there is one.
        """
        rows = self.rows(question, **values)
        return rows[0] if rows else None

    def value(self, question: Question, **values: Any) -> Any:
        """
        Return the first column of the first row; None where there is no row.
        """
        row = self.row(question, **values)
        return row[0] if row else None


def as_text(column: ColumnElement[bytes]) -> ColumnElement[str]:
    """
    Return a column of UTF-8 bytes as text.
    """
    return cast(column, Text).label(None)


def as_hex(column: ColumnElement[bytes]) -> ColumnElement[str]:
    """
    Return a column of any bytes as hexadecimal digits.
    """
    return func.hex(column).label(None)


def if_given(name: str, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """
    Return a condition that holds, too, where its parameter is null.
    """
    return or_(bindparam(name).is_(None), condition)


def is_one_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """
    Return the condition that a column is in a parameter, which holds a JSON list (null: all there are).
    """
    return if_given(name, column.in_(select(_items(name))))


def is_of_type(column: ColumnElement[str], prefix: str = "") -> ColumnElement[bool]:
    """
    Return the condition that an event type matches the patterns of `type_values` with the same prefix.
    """
    family = _items(f"{prefix}families")
    starts = func.substr(column, 1, func.length(family)) == family
    return or_(is_one_of(column, f"{prefix}types"), exists(select(family).where(starts)))


def type_values(patterns: Collection[str], prefix: str = "") -> dict[str, str | None]:
    """
    Return the parameters of `is_of_type`: whole names, and beginnings of names.
    """
    patterns = set(patterns)
    if not patterns or "*" in patterns:
        return {f"{prefix}types": None, f"{prefix}families": None}
    families = {pattern[:-1] for pattern in patterns if pattern.endswith(".*")}
    names = {pattern for pattern in patterns if not pattern.endswith(".*")}
    return {f"{prefix}types": _json(names), f"{prefix}families": _json(families)}


def json_list(items: Collection[str]) -> str | None:
    """
    Return the parameter of `is_one_of`; no items mean all there are.
    """
    return _json(items) if items else None


def ms_from(at: datetime) -> int:
    """
    Return the first millisecond that is not before an instant.
    """
    return -((EPOCH - at) // _MILLISECOND)


def rows_of_each(lists: int, scanned_rows: int, limit: int | None) -> int:
    """
    Return how many rows of each of some lists one page may look at.

    With a `limit` every row is wanted: no more than that many are, and a row costs a tenth of one to judge.
    """
    if limit is None:
        return max(1, scanned_rows // max(1, lists))
    return min(limit, max(1, 10 * scanned_rows // max(1, lists)))


def _items(name: str) -> ColumnElement[str]:
    return func.json_each(bindparam(name)).table_valued("value").c.value


def _json(items: Collection[str]) -> str:
    return orjson.dumps(sorted(items)).decode()
