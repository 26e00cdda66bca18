"""
The journal's tables of what dialers add: subjects that are no calls, commands, bulk jobs and mappings.

See `relay.journal.schema`, which has the other tables and shows these, too.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from relay.journal.source_schema import metadata

LOADING: Final = "loading"  # the state of a bulk job whose rows are still coming in: nobody sees it

# Conditions of partial indexes: a query has them word for word, or the planner does not see that one fits.
IS_OF_PASSING_KIND: Final = text("kind IN ('lead', 'command', 'did')")
IS_UNDER_WAY: Final = text("state = 'sent'")
IS_OF_BULK: Final = text("bulk_id IS NOT NULL")
IS_UNFINISHED: Final = text("state IN ('loading', 'running', 'waiting')")

# Agents, groups, lists, leads, …: what the last event of each published, and what relay keeps besides.
subjects = Table(
    "subjects",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("last_event_id", Text),
    Column("record", LargeBinary, nullable=False),
    Column("notes", LargeBinary, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("subjects_by_kind", "kind", "source_id", "name"),
    Index(
        "subjects_passing",
        "kind",
        "changed_ms",
        sqlite_where=IS_OF_PASSING_KIND,
        postgresql_where=IS_OF_PASSING_KIND,
    ),
)

commands = Table(
    "commands",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("function", Text, nullable=False),
    Column("params", LargeBinary, nullable=False),
    Column("is_write", Boolean, nullable=False),
    Column("requested_by", Text),
    Column("requested_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("finished_ms", BigInteger),
    Column("result", LargeBinary),
    Column("call_id", Text),
    Column("bulk_id", Text),
    Column("row_no", Integer),
    Index("commands_by_source", "source_id", "requested_ms", "command_id"),
    Index("commands_by_function", "source_id", "function", "requested_ms", "command_id"),
    Index(
        "commands_by_bulk",
        "bulk_id",
        "requested_ms",
        "command_id",
        sqlite_where=IS_OF_BULK,
        postgresql_where=IS_OF_BULK,
    ),
    Index(
        "commands_under_way",
        "source_id",
        "requested_ms",
        "command_id",
        sqlite_where=IS_UNDER_WAY,
        postgresql_where=IS_UNDER_WAY,
    ),
)

bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    Column("bulk_id", Text, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("function", Text, nullable=False),
    Column("requested_by", Text),
    Column("requested_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("defaults", LargeBinary, nullable=False),
    Column("started_ms", BigInteger),
    Column("finished_ms", BigInteger),
    Column("done", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Index("bulk_jobs_by_source", "source_id", "requested_ms", "bulk_id"),
    Index(
        "bulk_jobs_unfinished",
        "source_id",
        "state",
        "requested_ms",
        "bulk_id",
        sqlite_where=IS_UNFINISHED,
        postgresql_where=IS_UNFINISHED,
    ),
)

bulk_rows = Table(
    "bulk_rows",
    metadata,
    Column("bulk_id", Text, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("params", LargeBinary, nullable=False),
    Column("state", Text),
    Column("command_id", Text),
    Column("message", Text),
    Column("data", LargeBinary),
    PrimaryKeyConstraint("bulk_id", "row_no"),
    Index("bulk_rows_by_state", "bulk_id", "state", "row_no"),
)

# Of the codes that share a dialer status one is the default.
lead_statuses = Table(
    "lead_statuses",
    metadata,
    Column("source_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("dialer_status", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    PrimaryKeyConstraint("source_id", "code"),
    Index("lead_statuses_by_dialer_status", "source_id", "dialer_status", "code"),
)

agent_mappings = Table(
    "agent_mappings",
    metadata,
    Column("source_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("description", Text, nullable=False),
    PrimaryKeyConstraint("source_id", "agent_id"),
)
