"""
Lead statuses and agent mappings: one default of each dialer status, a version that rises, limits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal import mapping_lists, mapping_rows, polling
from relay.journal.commands_port import MAX_MAPPINGS
from relay.journal.migrate import upgrade
from relay.journal.store import SqlJournal
from relay.model.errors import Conflict, NotFound
from relay.model.mapping import AgentMapping, LeadStatus, Mappings
from tests.journal.looking import plan_of, run, walk
from tests.journal.making import NOW

SOLD = LeadStatus("dialer", "sold", "SALE", "A contract was signed")
WON = LeadStatus("dialer", "won", "SALE")
LOST = LeadStatus("dialer", "lost", "NI")
ANN = AgentMapping("dialer", "1001", "ann@crm", "Ann")


@pytest.fixture
async def known(journal: SqlJournal) -> SqlJournal:
    """
    Give a journal that knows two dialers.
    """
    for source_id in ("dialer", "other"):
        await journal.register_source(source_id, "dialer360", NOW, NOW)
    return journal


async def stored(journal: SqlJournal, source_id: str | None = None, limit: int = 100) -> list[LeadStatus]:
    """
    Return all lead statuses, page by page.
    """
    return await walk(journal.mappings.list_lead_statuses, source_id, limit)


async def test_normalising_gets_the_default_codes_and_the_agents(known: SqlJournal) -> None:
    for status in (SOLD, replace(WON, is_default=False), LOST):
        await known.mappings.put_lead_status(status, is_new=True)
    await known.mappings.put_agent_mapping(ANN, is_new=True)

    assert Mappings(4, {"SALE": "sold", "NI": "lost"}, {"1001": "ann@crm"}) == await known.mappings.mappings(
        "dialer"
    )
    assert Mappings() == await known.mappings.mappings("other")
    assert Mappings() == await known.mappings.mappings("unheard of")


async def test_the_first_of_a_dialer_status_is_its_default(known: SqlJournal) -> None:
    made = await known.mappings.put_lead_status(replace(SOLD, is_default=False), is_new=True)

    assert SOLD == made


async def test_a_new_default_takes_the_place_of_the_old_one(known: SqlJournal) -> None:
    await known.mappings.put_lead_status(SOLD, is_new=True)

    made = await known.mappings.put_lead_status(WON, is_new=True)

    assert WON == made
    assert [replace(SOLD, is_default=False), WON] == await stored(known)


async def test_another_code_becomes_the_default_when_one_gives_it_up(known: SqlJournal) -> None:
    await known.mappings.put_lead_status(SOLD, is_new=True)
    await known.mappings.put_lead_status(replace(WON, is_default=False), is_new=True)

    changed = await known.mappings.put_lead_status(replace(SOLD, is_default=False), is_new=False)

    assert replace(SOLD, is_default=False) == changed
    assert [changed, WON] == await stored(known)


async def test_a_default_that_moves_to_another_dialer_status_leaves_one_behind(known: SqlJournal) -> None:
    await known.mappings.put_lead_status(LOST, is_new=True)
    await known.mappings.put_lead_status(replace(WON, is_default=False), is_new=True)
    await known.mappings.put_lead_status(SOLD, is_new=True)

    moved = await known.mappings.put_lead_status(
        replace(SOLD, dialer_status="NI", is_default=False), is_new=None
    )

    assert [LOST, moved, WON] == await stored(known)
    assert {"SALE": "won", "NI": "lost"} == (await known.mappings.mappings("dialer")).codes


async def test_where_the_default_is_removed_the_first_other_code_takes_its_place(known: SqlJournal) -> None:
    for code in ("zero", "one", "two"):
        await known.mappings.put_lead_status(LeadStatus("dialer", code, "SALE"), is_new=True)

    await known.mappings.delete_lead_status("dialer", "two")

    assert {"one": True, "zero": False} == {one.code: one.is_default for one in await stored(known)}
    with pytest.raises(NotFound, match="no lead status two of dialer"):
        await known.mappings.delete_lead_status("dialer", "two")


async def test_what_is_new_must_be_and_what_is_not_must_not(known: SqlJournal) -> None:
    await known.mappings.put_lead_status(SOLD, is_new=None)
    await known.mappings.put_agent_mapping(ANN, is_new=None)

    with pytest.raises(Conflict, match="lead status sold of dialer already"):
        await known.mappings.put_lead_status(replace(SOLD, description=""), is_new=True)
    with pytest.raises(NotFound, match="no lead status won of dialer"):
        await known.mappings.put_lead_status(WON, is_new=False)
    with pytest.raises(Conflict, match="mapping of agent 1001 of dialer already"):
        await known.mappings.put_agent_mapping(ANN, is_new=True)
    with pytest.raises(NotFound, match="no mapping of agent 7 of dialer"):
        await known.mappings.put_agent_mapping(replace(ANN, agent_id="7"), is_new=False)
    with pytest.raises(NotFound, match="no source x"):
        await known.mappings.put_lead_status(replace(SOLD, source_id="x"), is_new=None)

    assert ([SOLD], 2) == (await stored(known), (await known.mappings.mappings("dialer")).version)


async def test_an_agent_mapping_is_changed_and_removed(known: SqlJournal) -> None:
    await known.mappings.put_agent_mapping(ANN, is_new=True)
    changed = await known.mappings.put_agent_mapping(replace(ANN, external_id="42"), is_new=False)
    listed = await walk(known.mappings.list_agent_mappings, "dialer")
    await known.mappings.delete_agent_mapping("dialer", "1001")

    assert [replace(ANN, external_id="42")] == [changed] == listed
    assert Mappings(3) == await known.mappings.mappings("dialer")
    with pytest.raises(NotFound, match="no mapping of agent 1001"):
        await known.mappings.delete_agent_mapping("dialer", "1001")


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_lists_go_by_source_and_name_page_by_page(known: SqlJournal, limit: int) -> None:
    statuses = [LeadStatus(source_id, code, code) for source_id in ("dialer", "other") for code in "abc"]
    agents = [AgentMapping(source_id, name, "x") for source_id in ("dialer", "other") for name in "12"]
    for status in reversed(statuses):
        await known.mappings.put_lead_status(status, is_new=True)
    for agent in reversed(agents):
        await known.mappings.put_agent_mapping(agent, is_new=True)

    assert statuses == await stored(known, None, limit)
    assert statuses[3:] == await stored(known, "other", limit)
    assert agents == await walk(known.mappings.list_agent_mappings, None, limit)
    assert agents[:2] == await walk(known.mappings.list_agent_mappings, "dialer", limit)


async def test_there_is_a_most_of_each_source(known: SqlJournal, journal_path: Path) -> None:
    rows = [(f"code-{number}",) for number in range(MAX_MAPPINGS)]
    run(journal_path, "INSERT INTO lead_statuses VALUES ('dialer', ?, 'X', '', false)", rows)

    with pytest.raises(Conflict, match="10000 of them"):
        await known.mappings.put_lead_status(SOLD, is_new=None)
    await known.mappings.put_lead_status(replace(SOLD, source_id="other"), is_new=None)
    await known.mappings.put_lead_status(replace(SOLD, code="code-7"), is_new=None)


async def test_lists_are_found_by_their_key(journal_path: Path) -> None:
    questions = [*mapping_lists.LEAD_STATUSES.values(), *mapping_lists.AGENT_MAPPINGS.values()]
    plans = [await plan_of(journal_path, question) for question in questions]

    assert [] == [step for plan in plans for step in plan if "USE TEMP" in step]
    assert [True] * 4 == ["autoindex" in plan[0] and "SEARCH" in plan[0] for plan in plans]


@pytest.mark.postgresql
async def test_mappings_are_kept_on_postgresql_too(postgresql_url: str) -> None:
    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as conn:
        await conn.run_sync(upgrade)
        await conn.run_sync(put_and_remove)
    await engine.dispose()


def put_and_remove(conn: Connection) -> None:
    """
    Make, change and remove mappings.
    """
    polling.register_source(conn, "dialer", "dialer360", NOW, NOW)
    made = [mapping_rows.put_lead_status(conn, status, None) for status in (SOLD, WON, LOST)]
    mapping_rows.put_agent_mapping(conn, ANN, None)
    mapping_rows.put_agent_mapping(conn, replace(ANN, external_id="42"), is_new=False)
    before = mapping_rows.mappings(conn, "dialer")
    mapping_rows.delete_lead_status(conn, "dialer", "won")
    mapping_rows.delete_agent_mapping(conn, "dialer", "1001")

    assert [SOLD, WON, LOST] == made
    assert Mappings(5, {"SALE": "won", "NI": "lost"}, {"1001": "42"}) == before
    assert Mappings(7, {"SALE": "sold", "NI": "lost"}) == mapping_rows.mappings(conn, "dialer")
