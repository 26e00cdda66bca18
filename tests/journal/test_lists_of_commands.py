"""
Commands, bulk jobs and their rows as people look at them, page by page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relay.journal import command_lists
from relay.journal.store import SqlJournal
from relay.model.command import FAILED, SUCCEEDED, BulkRow
from relay.model.errors import NoSuchPlace
from tests.journal.looking import pages_of, plan_of, reading_of_commands, walk
from tests.journal.making import NOW
from tests.journal.making_commands import bulk_job, bulk_row, command, finish, make_bulk


@pytest.fixture
async def filled(journal: SqlJournal) -> SqlJournal:
    """
    Give a journal with commands of two functions; b and c were asked for at once, d is of a bulk job.
    """
    for source_id in ("dialer", "other"):
        await journal.register_source(source_id, "dialer360", NOW, NOW)
    await finish(journal, command("a"), FAILED)
    await finish(journal, command("c", "version", 1, is_write=False))
    await finish(journal, command("b", at_s=1))
    await finish(journal, command("d", at_s=2, bulk_id="bulk", row_no=1))
    await finish(journal, command("e", "version", 3), FAILED)
    await finish(journal, command("x", source_id="other"))
    return journal


async def listed(journal: SqlJournal, wanted: dict[str, Any], limit: int = 100) -> str:
    """
    Return the ids of all commands wanted, page by page.
    """
    found = await walk(
        lambda wanted, after, limit: journal.commands.list_commands("dialer", wanted, after, limit),
        wanted,
        limit,
    )
    return "".join(one.command_id for one in found)


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "edcba"),
        ({"function": "add_lead"}, "dba"),
        ({"state": FAILED}, "ea"),
        ({"function": "version", "state": FAILED}, "e"),
        ({"bulk_id": "bulk"}, "d"),
        ({"bulk_id": "bulk", "state": FAILED}, ""),
        ({"bulk_id": None, "function": None, "state": None}, "edcba"),
        ({"function": "unheard of"}, ""),
    ],
)
async def test_commands_come_newest_first(
    filled: SqlJournal, wanted: dict[str, Any], found: str, limit: int
) -> None:
    assert found == await listed(filled, wanted, limit)


async def test_a_page_that_has_looked_at_enough_ends_short_and_goes_on(
    filled: SqlJournal, journal_path: Path
) -> None:
    async with reading_of_commands(journal_path, 2) as commands:
        pages = await pages_of(
            lambda wanted, after, limit: commands.list_commands("dialer", wanted, after, limit),
            {"state": FAILED},
        )

    assert [["e"], [], ["a"]] == [[one.command_id for one in page] for page in pages]


async def test_a_list_shows_commands_whole(filled: SqlJournal) -> None:
    page = await filled.commands.list_commands("other", {}, None, 9)

    assert [await filled.commands.command("x")] == list(page.items)


async def test_bulk_jobs_come_newest_first(filled: SqlJournal) -> None:
    for name, at_s in (("b", 1), ("c", 2), ("a", 1)):
        await make_bulk(filled, bulk_job(name, at_s))
    for limit in (1, 2, 9):
        found = await walk(filled.commands.list_bulks, "dialer", limit)

        assert [bulk_job("c", 2), bulk_job("b", 1), bulk_job("a", 1)] == found
    assert [] == await walk(filled.commands.list_bulks, "other")


@pytest.mark.parametrize("limit", [1, 2, 9])
async def test_rows_come_in_their_order(filled: SqlJournal, limit: int) -> None:
    await make_bulk(filled, rows=5)
    verdicts = [bulk_row(5, FAILED, message="no"), bulk_row(2, FAILED), bulk_row(3, SUCCEEDED, data={"a": 1})]
    await filled.commands.note_rows(verdicts, NOW)

    async def rows_of(state: str | None) -> list[BulkRow]:
        return await walk(
            lambda state, after, limit: filled.commands.list_rows("bulk", state, after, limit), state, limit
        )

    assert [verdicts[1], verdicts[0]] == await rows_of(FAILED)
    assert [bulk_row(1), verdicts[1], verdicts[2], bulk_row(4), verdicts[0]] == await rows_of(None)
    assert [] == await rows_of("unknown")


async def test_a_place_of_another_list_is_refused(filled: SqlJournal) -> None:
    page = await filled.commands.list_commands("dialer", {}, None, 1)

    with pytest.raises(NoSuchPlace):
        await filled.commands.list_rows("bulk", None, page.next, 1)


@pytest.mark.parametrize(
    ("question", "step"),
    [
        (command_lists.COMMANDS[""], "commands USING COVERING INDEX commands_by_source (source_id=? AND"),
        (
            command_lists.COMMANDS["function"],
            "commands USING COVERING INDEX commands_by_function (source_id=? AND function=? AND",
        ),
        (command_lists.COMMANDS["bulk_id"], "commands USING COVERING INDEX commands_by_bulk (bulk_id=? AND"),
        (command_lists.LAST_SCANNED[""], "commands USING COVERING INDEX commands_by_source (source_id=? AND"),
        (command_lists.LAST_SCANNED["bulk_id"], "commands USING COVERING INDEX commands_by_bulk (bulk_id=?"),
        (command_lists.COMMAND, "commands USING INDEX sqlite_autoindex_commands_1 (command_id=?)"),
        (command_lists.BULK, "bulk_jobs USING INDEX sqlite_autoindex_bulk_jobs_1 (bulk_id=?)"),
        (command_lists.BULKS, "bulk_jobs USING INDEX bulk_jobs_by_source (source_id=? AND"),
        (command_lists.ROWS, "bulk_rows USING INDEX sqlite_autoindex_bulk_rows_1 (bulk_id=? AND row_no>?)"),
        (
            command_lists.ROWS_OF_STATE,
            "bulk_rows USING INDEX bulk_rows_by_state (bulk_id=? AND state=? AND row_no>?)",
        ),
    ],
)
async def test_pages_begin_at_their_place(journal_path: Path, question: Any, step: str) -> None:
    """
    Only the rows that a page looks at are put in order again.
    """
    plan = await plan_of(journal_path, question)

    assert plan[0].startswith(f"SEARCH {step}")
    assert [] == [
        one for one in plan if one.startswith("SCAN") and one not in ("SCAN answer", "SCAN scanned")
    ]
