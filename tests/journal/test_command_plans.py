"""
What commands, bulk jobs and mappings ask must be found by an index, whatever the journal holds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from relay.journal import bulk_loading, bulk_rows, command_rows, idempotency, mapping_rows
from relay.model.command import FAILED
from relay.model.mapping import LeadStatus
from tests.journal.making import NOW
from tests.journal.making_commands import ONCE, bulk_job, bulk_row, command, finished
from tests.journal.test_poll_plans import plan, statements_of

STATUS = LeadStatus("pbx", "sold", "SALE")


def finish(conn: Connection) -> None:
    """
    Begin and finish a command.
    """
    command_rows.begin_command(conn, command("c", source_id="pbx"), ONCE, NOW)
    command_rows.finish_command(conn, finished(command("c", source_id="pbx")), b"reply", NOW)


def work_off(conn: Connection) -> None:
    """
    Enter a bulk job, and note a verdict.
    """
    bulk_loading.begin_bulk(conn, bulk_job(source_id="pbx"), 2)
    bulk_loading.INSERT_ROW.run(conn, bulk_loading.row_values("bulk", [{}, {}], 1))
    bulk_loading.enter_bulk(conn, "bulk", NOW)
    bulk_rows.note_rows(conn, [bulk_row(1, FAILED)], NOW)
    bulk_rows.cancel_bulk(conn, "bulk", NOW)


def map_and_unmap(conn: Connection) -> None:
    """
    Make and remove a lead status.
    """
    mapping_rows.put_lead_status(conn, STATUS, is_new=True)
    mapping_rows.mappings(conn, "pbx")
    mapping_rows.delete_lead_status(conn, "pbx", "sold")


ASKED: dict[str, Callable[[Connection], object]] = {
    "finish": finish,
    "unfinished": lambda conn: command_rows.unfinished_commands(conn, "pbx"),
    "link": lambda conn: command_rows.link_command(conn, "c", "call"),
    "unlinked": lambda conn: command_rows.unlinked_commands(conn, "pbx", "add_lead", NOW),
    "work off": work_off,
    "next bulk": lambda conn: bulk_rows.next_bulk(conn, "pbx"),
    "open rows": lambda conn: bulk_rows.open_rows(conn, "bulk", 9),
    "drop": lambda conn: bulk_loading.drop_rows(conn, "bulk"),
    "map": map_and_unmap,
    "forget commands": lambda conn: command_rows.forget_commands(conn, NOW),
    "forget bulks": lambda conn: bulk_loading.forget_bulks(conn, NOW, NOW),
    "forget replies": lambda conn: idempotency.forget_replies(conn, NOW),
}


@pytest.mark.parametrize("name", ASKED)
async def test_no_table_is_gone_through(journal_path: Path, name: str) -> None:
    statements = await statements_of(journal_path, ASKED[name])

    plans = {
        sql: plan(journal_path, sql) for sql in statements if sql.startswith(("SELECT", "UPDATE", "DELETE"))
    }

    assert {} != plans
    assert {} == {
        sql: steps for sql, steps in plans.items() if any(step.startswith("SCAN") for step in steps)
    }


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("finish", "idempotency_keys_by_command (command_id=?)"),
        ("unfinished", "commands_under_way (source_id=?)"),
        ("unlinked", "commands_by_function (source_id=? AND function=? AND requested_ms>?)"),
        ("work off", "bulk_jobs_unfinished (source_id=? AND state=?)"),
        ("next bulk", "bulk_jobs_unfinished (source_id=?"),
        ("open rows", "bulk_rows_by_state (bulk_id=? AND state=?)"),
        ("map", "lead_statuses_by_dialer_status (source_id=? AND dialer_status=?)"),
        ("forget commands", "commands_by_source (source_id=? AND requested_ms<?)"),
        ("forget bulks", "bulk_jobs_by_source (source_id=? AND requested_ms<?)"),
        ("forget bulks", "bulk_jobs_unfinished (source_id=? AND state=? AND requested_ms<?)"),
    ],
)
async def test_each_is_found_by_its_index(journal_path: Path, name: str, index: str) -> None:
    statements = await statements_of(journal_path, ASKED[name])

    found = [sql for sql in statements if any(index in step for step in plan(journal_path, sql))]

    assert 1 <= len(found)
