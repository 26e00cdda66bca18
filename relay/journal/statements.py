"""
Statements that run for every event or delivery: compiled once from Core, run for many rows in one step.

What differs by database is chosen here by the dialect's name.  On SQLite they go straight to the driver: the
toolkit takes thirty microseconds for each, during which nothing else runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import CTE, Connection, Dialect, Table, bindparam, column, select, values
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, Executable
from sqlalchemy.types import TypeEngine

# For how many rows a statement is rendered.  SQLite takes 32,766 parameters in a statement.
SIZES: Final = (*range(512, 127, -32), 96, 80, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
MAX_PARAMETERS: Final = 32_766


class HotStatement:
    """
    A statement that reads its rows from one group of values, `VALUES (…)`, repeated for as many as there are.

    On SQLite the driver lets go of the interpreter's lock for each step of the database and must win it
    back from a busy event loop, which may take milliseconds: so one step does hundreds of rows.

    A row of nulls must have no effect: rows are filled up with them to one of a few sizes.

    Args:
        names: the parameters of a row, in the order in which the statement has them.
        statement: the statement for one row.
    """

    def __init__(self, names: Sequence[str], statement: ClauseElement) -> None:
        self._names = tuple(names)
        self._statement = statement
        self._rendered: dict[tuple[str, int], str] = {}
        self._sizes = [size for size in SIZES if size * len(names) <= MAX_PARAMETERS]
        self._nulls = (None,) * len(names)

    def run(self, conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """
        Run the statement for every row; rows of one step do not see what the others do.
        """
        if conn.dialect.name != "sqlite":
            if rows:
                conn.exec_driver_sql(self.rendered(conn.dialect), list(rows))
            return
        driver = sqlite_driver(conn)
        for block in self._in_blocks(rows):
            sql = self.rendered(conn.dialect, len(block))
            driver.execute(sql, tuple(chain.from_iterable(block)))

    def fetch(self, conn: Connection, rows: Sequence[tuple[Any, ...]]) -> list[Sequence[Any]]:
        """
        Run a query for every row, and return all that it found: integers, text and nulls.
        """
        if conn.dialect.name != "sqlite":
            sql = self.rendered(conn.dialect)
            return [tuple(found) for row in rows for found in conn.exec_driver_sql(sql, row)]
        driver, found = sqlite_driver(conn), []
        for block in self._in_blocks(rows):
            sql = self.rendered(conn.dialect, len(block))
            found += driver.execute(sql, tuple(chain.from_iterable(block))).fetchall()
        return found

    def rendered(self, dialect: Dialect, rows: int = 1) -> str:
        """
        Return the statement's text for a dialect and a number of rows.
        """
        known = self._rendered.get((dialect.name, rows))
        if known is None:
            known = self._rendered[dialect.name, rows] = self._render(dialect, rows)
        return known

    def _in_blocks(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
        largest = self._sizes[0]
        for start in range(0, len(rows), largest):
            block = rows[start : start + largest]
            size = next(size for size in reversed(self._sizes) if size >= len(block))
            yield [*block, *[self._nulls] * (size - len(block))]

    def _render(self, dialect: Dialect, rows: int) -> str:
        compiled = self._statement.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler) or compiled.positiontup != list(self._names):
            raise AssertionError(f"the parameters are not {self._names}")
        if rows == 1:
            return str(compiled)
        group = f"({', '.join('?' * len(self._names))})"
        head, found, tail = str(compiled).partition(group)
        if not found:
            raise AssertionError("a statement for many rows needs one group of values")
        return head + ", ".join([group] * rows) + tail


def sqlite_driver(conn: Connection) -> sqlite3.Connection:
    """
    Return the driver's own connection, which is in the transaction of `conn`.
    """
    driver = conn.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise AssertionError("SQLite is reached through sqlite3")
    return driver


def given_rows(**types: TypeEngine[Any]) -> CTE:
    """
    Return the rows of a hot statement as a table to join with: one column for each name.
    """
    columns = [column(name, type_) for name, type_ in types.items()]
    row = tuple(bindparam(name, type_=type_) for name, type_ in types.items())
    return values(*columns, name="given_values").data([row]).cte("given")


def hot_insert(table: Table, insert: Any) -> HotStatement:
    """
    Return a hot statement of an insert that gives all columns of a table, in their order.
    """
    names = [column.name for column in table.columns]
    given = given_rows(**{column.name: column.type for column in table.columns})
    key = next(iter(table.primary_key)).name
    rows = select(given).where(given.c[key].is_not(None))
    return HotStatement(names, insert.from_select(names, rows, include_defaults=False))


@lru_cache(maxsize=32)
def upsert(dialect_name: str, table: Table) -> Executable:
    """
    Return an insert that replaces the other columns where the primary key is there already.
    """
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in keys]
    if dialect_name == "postgresql":
        into = postgresql.insert(table)
        return into.on_conflict_do_update(
            index_elements=keys, set_={name: into.excluded[name] for name in others}
        )
    onto = sqlite.insert(table)
    return onto.on_conflict_do_update(
        index_elements=keys, set_={name: onto.excluded[name] for name in others}
    )


@lru_cache(maxsize=32)
def hot_upsert(dialect_name: str, table: Table) -> HotStatement:
    """
    Return `upsert` as a hot statement.
    """
    return hot_insert(table, upsert(dialect_name, table))


@lru_cache(maxsize=32)
def insert_new(dialect_name: str, table: Table) -> Executable:
    """
    Return an insert that leaves alone what is there already.
    """
    if dialect_name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
