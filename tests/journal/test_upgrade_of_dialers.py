"""
A journal of before dialers keeps everything and goes on with what is new.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command as alembic_command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from relay.journal import idempotency, mapping_rows, polling
from relay.journal.migrate import MIGRATIONS, upgrade
from relay.journal.port import Append, StreamState
from relay.journal.store import open_sqlite
from relay.model.change import SourceHead
from relay.model.mapping import LeadStatus, Mappings
from tests.journal.making import NOW
from tests.journal.making_commands import ONCE, bulk_job, command, make_bulk
from tests.journal.making_subjects import subject_change

STREAM = StreamState("degraded", "native", 2, had_good_answer=True, visibility={"class": "finish"})
STATUS = LeadStatus("pbx", "sold", "SALE")


def make_third_version(conn: Connection) -> None:
    """
    Make a journal of before dialers, with a row in every table that changes.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    alembic_command.upgrade(config, "0003")
    conn.execute(
        text(
            "INSERT INTO sources (source_id, kind, publish_from_ms, state, system_status, revision,"
            " last_event_id, first_seen_ms) VALUES ('pbx', 'voipcloud', 5, 'up', 'null', 3, 'evt', 4)"
        )
    )
    conn.execute(
        text(
            "INSERT INTO streams (source_id, stream, id_scheme, state, not_found_in_a_row, had_good_answer,"
            " visibility) VALUES ('pbx', 'user_calls', 'native', 'degraded', 2, true, :measured)"
        ),
        {"measured": '{"class": "finish"}'},
    )
    conn.execute(
        text("INSERT INTO idempotency_keys (owner, key, digest, reply, made_ms) VALUES (:o, :k, :d, :r, :m)"),
        {"o": ONCE.owner, "k": ONCE.key, "d": ONCE.digest, "r": b"reply", "m": 2**50},
    )


def kept_of_before(conn: Connection) -> tuple[SourceHead, dict[str, StreamState], Mappings, bytes | None]:
    """
    Return what is there of a journal of before.
    """
    return (
        polling.source_head(conn, "pbx"),
        polling.stream_states(conn, "pbx"),
        mapping_rows.mappings(conn, "pbx"),
        idempotency.recall(conn, ONCE, NOW),
    )


def assert_kept(kept: tuple[SourceHead, dict[str, StreamState], Mappings, bytes | None]) -> None:
    """
    Check that it is all there, with nothing polled yet and no mappings.
    """
    head, *others = kept
    assert (3, "evt") == (head.revision, head.last_event_id)
    assert [{"user_calls": STREAM}, Mappings(), b"reply"] == others


async def test_a_journal_of_before_keeps_everything_and_goes_on(journal_path: Path) -> None:
    engine = create_engine(f"sqlite:///{journal_path}")
    with engine.begin() as conn:
        make_third_version(conn)
        upgrade(conn)
        kept = kept_of_before(conn)
    engine.dispose()

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        polled = replace(STREAM, polled_at=NOW)
        ann = subject_change("ann", source_id="pbx")
        await journal.append(Append("pbx", "user_calls", NOW, stream_state=polled, subjects=(ann,)))
        await journal.mappings.put_lead_status(STATUS, is_new=True)
        begun = await journal.commands.begin_command(command("c", source_id="pbx"), ONCE, NOW)
        made = await make_bulk(journal, bulk_job(source_id="pbx"))

        assert {"user_calls": polled} == await journal.stream_states("pbx")
        assert [ann.state] == await journal.subjects("pbx", ("agent",))
        assert Mappings(1, {"SALE": "sold"}) == await journal.mappings.mappings("pbx")
    assert_kept(kept)
    assert (b"reply", b"bulk waiting 3") == (begun, made)


@pytest.mark.postgresql
async def test_a_postgresql_journal_of_before_keeps_everything(postgresql_url: str) -> None:
    engine = create_async_engine(make_url(postgresql_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as conn:
        await conn.run_sync(make_third_version)
        await conn.run_sync(upgrade)
        kept = await conn.run_sync(kept_of_before)
    await engine.dispose()

    assert_kept(kept)
