"""
What people look for must be found by an index, in the order of the list: no table is gone through.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.journal import (
    attempt_lists,
    call_lists,
    delivery_lists,
    endpoint_counts,
    event_lists,
    source_lists,
)
from relay.journal.questions import Question
from tests.journal.looking import plan_of

OF_ENDPOINT = "SEARCH deliveries USING PRIMARY KEY (endpoint_no=? AND seq"
MANY_ROWS = ("events", "calls", "legs", "deliveries", "attempts", "sends", "older")


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        (event_lists.BY_ID, ["(id=?)"]),
        (event_lists.OF_SUBJECT, ["(subject=?)"]),
        (event_lists.FIRST_AFTER, ["(rowid>?)"]),
        (event_lists.RECORDED_FROM, ["(rowid>?)"]),
        (event_lists.REVISIONS, ["COVERING INDEX", "COVERING INDEX"]),
        (event_lists.SEQ_OF_REVISION, ["(subject=? AND revision>?)"]),
        (event_lists.PAGE_BY_SEQ, ["(rowid>? AND rowid<?)"]),
        (event_lists.PAGE_BY_REVISION, ["(subject=? AND revision>? AND revision<?)"]),
        (call_lists.BY_ID, ["(call_id=?)"]),
        (call_lists.LEGS, ["INDEX legs_by_call (call_id=?)"]),
        (
            call_lists.OLDEST_START,
            ["COVERING INDEX calls_by_start (source_id=? AND started_ms>? AND started_ms<?)"],
        ),
        (
            call_lists.PAGE,
            ["INDEX calls_by_start (source_id=? AND started_ms>? AND started_ms<?)", "(call_id=?)"],
        ),
        (delivery_lists.BY_KEY, ["events USING INDEX", f"{OF_ENDPOINT}=? AND job=?)"]),
        (delivery_lists.SEQ_OF_EVENT, ["COVERING INDEX"]),
        (delivery_lists.OLDEST_SEQ, ["PRIMARY KEY (endpoint_no=? AND seq<?)"]),
        (
            delivery_lists.PAGE,
            [f"{OF_ENDPOINT}>? AND seq<?)", "(rowid=?)", f"{OF_ENDPOINT}=? AND job=?)", "(rowid=?)"],
        ),
        (delivery_lists.WAITING, ["COVERING INDEX deliveries_pending", "COVERING INDEX deliveries_due"]),
        (
            delivery_lists.PAGE_OF_WAITING,
            [
                "COVERING INDEX deliveries_pending",
                "(rowid=?)",
                "COVERING INDEX deliveries_due",
                "(rowid=?)",
                f"{OF_ENDPOINT}=? AND job=?)",
                "(rowid=?)",
            ],
        ),
        (attempt_lists.ATTEMPTS, ["(id=?)", "(endpoint_no=? AND seq=? AND job=?)"]),
        (
            endpoint_counts.WAITING,
            [
                "COVERING INDEX deliveries_pending",
                "COVERING INDEX deliveries_due",
                "(rowid=?)",
                "COVERING INDEX deliveries_due",
            ],
        ),
        (endpoint_counts.NEWEST, ["PRIMARY KEY (endpoint_no=?)"]),
        (source_lists.SOURCES, ["COVERING INDEX sends_in_window (source_id=? AND frees_ms>?)"]),
    ],
)
async def test_tables_with_many_rows_are_searched_by_index(
    journal_path: Path, question: Question, steps: list[str]
) -> None:
    plan = await plan_of(journal_path, question)
    searches = [step for step in plan if step.split(" ")[1] in MANY_ROWS]

    assert len(steps) == len(searches)
    assert all(step in search for step, search in zip(steps, searches, strict=True))


@pytest.mark.parametrize(
    "question", [event_lists.RECORDED_FROM, event_lists.SEQ_OF_REVISION, endpoint_counts.NEWEST]
)
async def test_what_stops_early_sorts_nothing(journal_path: Path, question: Question) -> None:
    assert [] == [step for step in await plan_of(journal_path, question) if "ORDER BY" in step]
