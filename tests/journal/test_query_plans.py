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
from relay.journal.paging import DELIVERIES, DUE, FOLLOWING, WAITING
from relay.journal.questions import Question
from relay.journal.statements import HotStatement
from relay.journal.store import open_sqlite
from relay.journal.subject_rows import KNOWN_SUBJECTS
from tests.journal.looking import plan_of
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
        (KNOWN_SUBJECTS, ["USING INDEX sqlite_autoindex_subjects_1 (subject=?)"]),
    ],
    ids=["insert", "settle", "promote", "known subjects"],
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


LANE = "SEARCH deliveries USING COVERING INDEX deliveries_due (endpoint_no=? AND due_ms"
KEY = "SEARCH deliveries USING PRIMARY KEY (endpoint_no=? AND seq=? AND job=?)"


@pytest.mark.parametrize("resends", [False, True])
@pytest.mark.parametrize("question", [DUE, WAITING], ids=["due", "waiting"])
async def test_a_page_is_found_by_the_index_of_what_is_due(
    journal_path: Path, question: dict[bool, Question], resends: bool
) -> None:
    """
    By the index alone: with a look at each row, many resends would slow the other lane down.
    """
    plan = [step for step in await plan_of(journal_path, question[resends]) if "deliveries" in step]

    assert [True, True] == [
        step.startswith(start) for step, start in zip(plan, (LANE, KEY.partition(" (")[0]), strict=True)
    ]


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        (FOLLOWING, ["SCAN heads", "SEARCH deliveries USING COVERING INDEX deliveries_pending"]),
        (DELIVERIES, ["SCAN keys", KEY, "SEARCH events USING INTEGER PRIMARY KEY"]),
    ],
    ids=["following", "deliveries"],
)
async def test_what_a_page_names_is_looked_up_one_by_one(
    journal_path: Path, question: Question, steps: list[str]
) -> None:
    plan = [step for step in await plan_of(journal_path, question) if "answer" not in step]

    assert [True] * len(steps) == [found.startswith(step) for found, step in zip(plan, steps, strict=True)]
