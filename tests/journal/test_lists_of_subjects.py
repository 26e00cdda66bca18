"""
Agents, groups, … as people look for them: by kind, source and name, each once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.journal import subject_lists
from relay.journal.port import Append
from relay.journal.store import SqlJournal
from relay.model.errors import NoSuchPlace
from relay.model.listing import SubjectItem
from relay.model.subject_state import GROUP_KINDS
from tests.journal.looking import plan_of, walk
from tests.journal.making import NOW
from tests.journal.making_subjects import subject_change

SUBJECTS = (
    ("agent", "a", "2"),
    ("agent", "a", "10"),
    ("agent", "b", "1"),
    ("in_group", "a", "SALES"),
    ("lead", "a", "7"),
    ("user_group", "b", "ALL"),
)


@pytest.fixture
async def filled(journal: SqlJournal) -> SqlJournal:
    """
    Give a journal with agents and groups of two dialers.
    """
    for source_id in ("a", "b"):
        changes = tuple(
            subject_change(name, kind, source_id) for kind, source, name in SUBJECTS if source == source_id
        )
        await journal.append(Append(source_id, "agents", NOW, subjects=changes))
    return journal


async def listed(
    journal: SqlJournal, kinds: tuple[str, ...], source_id: str | None = None, limit: int = 100
) -> list[tuple[str, str, str]]:
    """
    Return all subjects of some kinds, page by page.
    """
    items = await walk(
        lambda kinds, after, limit: journal.reading.list_subjects(kinds, source_id, after, limit),
        kinds,
        limit,
    )
    return [(item.kind, item.source_id, item.name) for item in items]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_every_page_goes_on_where_the_last_one_ended(filled: SqlJournal, limit: int) -> None:
    every_kind = ("user_group", "agent", "lead", "in_group")

    assert [
        ("agent", "a", "10"),
        ("agent", "a", "2"),
        ("agent", "b", "1"),
        ("in_group", "a", "SALES"),
        ("lead", "a", "7"),
        ("user_group", "b", "ALL"),
    ] == await listed(filled, every_kind, limit=limit)
    assert [("agent", "b", "1"), ("user_group", "b", "ALL")] == await listed(filled, every_kind, "b", limit)


async def test_only_the_kinds_asked_for_are_listed(filled: SqlJournal) -> None:
    assert [("in_group", "a", "SALES"), ("user_group", "b", "ALL")] == await listed(filled, GROUP_KINDS)
    assert [] == await listed(filled, GROUP_KINDS, "c")


async def test_a_subject_is_shown_as_last_published(filled: SqlJournal) -> None:
    change = subject_change("2", source_id="a", revision=2, record={"status": "INCALL", "since": None})
    await filled.append(Append("a", "agents", NOW, subjects=(change,)))

    assert SubjectItem(
        "agent/a/2", "a", "agent", "2", 2, {"status": "INCALL", "since": None}, NOW
    ) == await filled.reading.subject("agent/a/2")
    assert None is await filled.reading.subject("agent/a/3")


async def test_a_place_of_another_list_is_refused(filled: SqlJournal) -> None:
    aliases = await filled.reading.list_subjects(("agent",), None, None, 1)
    assert aliases.next is not None

    with pytest.raises(NoSuchPlace):
        await filled.reading.list_aliases(None, aliases.next, 1)


async def test_pages_are_found_by_the_index_in_its_order(journal_path: Path) -> None:
    plans = [
        await plan_of(journal_path, question)
        for question in (subject_lists.SUBJECT, subject_lists.OF_KIND, subject_lists.OF_SOURCE)
    ]

    assert [
        ["SEARCH subjects USING INDEX sqlite_autoindex_subjects_1 (subject=?)"],
        ["SEARCH subjects USING INDEX subjects_by_kind (kind=? AND (source_id,name)>(?,?))"],
        ["SEARCH subjects USING INDEX subjects_by_kind (kind=? AND source_id=? AND name>?)"],
    ] == [[step for step in plan if "answer" not in step] for plan in plans]
