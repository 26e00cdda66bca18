"""
What runs for every delivery must be found by an index: with a scan it slows down with the journal's size.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from relay.journal.appending import INSERT_DELIVERY
from relay.journal.delivering import PROMOTE, SETTLE
from relay.journal.statements import HotStatement
from relay.journal.store import open_sqlite
from tests.journal.making import NOW


@pytest.mark.parametrize(
    ("statement", "steps"),
    [
        (INSERT_DELIVERY, ["USING COVERING INDEX deliveries_pending"]),
        (SETTLE, ["USING PRIMARY KEY (endpoint_no=? AND seq=? AND job=?)"]),
        (
            PROMOTE,
            [
                "USING PRIMARY KEY (endpoint_no=? AND seq=? AND job=?)",
                "USING COVERING INDEX deliveries_pending",
            ],
        ),
    ],
    ids=["insert", "settle", "promote"],
)
@pytest.mark.parametrize("rows", [1, 256])
async def test_hot_statements_search_by_index(
    journal_path: Path, statement: HotStatement, steps: list[str], rows: int
) -> None:
    async with open_sqlite(journal_path, "tests", NOW):
        pass

    sql = statement.rendered(sqlite.dialect(), rows)
    with sqlite3.connect(journal_path) as direct:
        plan = direct.execute("EXPLAIN QUERY PLAN " + sql, [1] * sql.count("?")).fetchall()
    steps_of_plan = [row[3] for row in plan if row[3].startswith(("SEARCH", "SCAN"))]
    searches = [step for step in steps_of_plan if "CONSTANT" not in step and "SCAN given" not in step]

    assert len(steps) == len(searches)
    assert all(step in search for step, search in zip(steps, searches, strict=True))
