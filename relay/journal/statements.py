"""
Statements that run for every event or delivery: compiled once from Core, run by the driver's executemany.

What differs by database (insert or update) is chosen here by the dialect's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, Executable


class HotStatement:
    """
    A statement with named parameters, rendered once for each dialect.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._rendered: dict[str, tuple[str, tuple[str, ...]]] = {}

    def run(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """
        Run the statement for every row of parameters, in order.
        """
        if not rows:
            return
        sql, names = self.rendered(conn.dialect)
        conn.exec_driver_sql(sql, [tuple([row[name] for name in names]) for row in rows])

    def rendered(self, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
        """
        Return the statement's text for a dialect, and its parameters' names in order.
        """
        if dialect.name not in self._rendered:
            compiled = self._statement.compile(dialect=dialect)
            if not isinstance(compiled, SQLCompiler) or compiled.positiontup is None:
                raise AssertionError(f"{dialect.name} has no positional parameters")
            self._rendered[dialect.name] = (str(compiled), tuple(compiled.positiontup))
        return self._rendered[dialect.name]


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
def insert_new(dialect_name: str, table: Table) -> Executable:
    """
    Return an insert that leaves alone what is there already.
    """
    if dialect_name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
