"""
Dialers: subjects that are no calls, commands with their keys, bulk jobs, mappings.

Expands only.  Run before the first start of this version; relay does so by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PASSING = sa.text("kind IN ('lead', 'command', 'did')")
_UNDER_WAY = sa.text("state = 'sent'")
_OF_BULK = sa.text("bulk_id IS NOT NULL")
_UNFINISHED = sa.text("state IN ('loading', 'running', 'waiting')")
_HAS_COMMAND = sa.text("command_id IS NOT NULL")


def upgrade() -> None:
    """
    Add columns, an index and tables.
    """
    _columns()
    _subjects()
    _commands()
    _bulk_jobs()
    _bulk_rows()
    _mappings()


def _columns() -> None:
    op.add_column("streams", sa.Column("polled_ms", sa.BigInteger(), nullable=True))
    version = sa.Column("mappings_version", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    op.add_column("sources", version)
    op.add_column("idempotency_keys", sa.Column("command_id", sa.Text(), nullable=True))
    _index("idempotency_keys_by_command", "idempotency_keys", ["command_id"], _HAS_COMMAND)


def _subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("last_event_id", sa.Text(), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("notes", sa.LargeBinary(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    _index("subjects_by_kind", "subjects", ["kind", "source_id", "name"])
    _index("subjects_passing", "subjects", ["kind", "changed_ms"], _PASSING)


def _commands() -> None:
    op.create_table(
        "commands",
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("params", sa.LargeBinary(), nullable=False),
        sa.Column("is_write", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("requested_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("bulk_id", sa.Text(), nullable=True),
        sa.Column("row_no", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("command_id"),
    )
    by_age = ["requested_ms", "command_id"]
    _index("commands_by_source", "commands", ["source_id", *by_age])
    _index("commands_by_function", "commands", ["source_id", "function", *by_age])
    _index("commands_by_bulk", "commands", ["bulk_id", *by_age], _OF_BULK)
    _index("commands_under_way", "commands", ["source_id", *by_age], _UNDER_WAY)


def _bulk_jobs() -> None:
    op.create_table(
        "bulk_jobs",
        sa.Column("bulk_id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("requested_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("defaults", sa.LargeBinary(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bulk_id"),
    )
    _index("bulk_jobs_by_source", "bulk_jobs", ["source_id", "requested_ms", "bulk_id"])
    _index(
        "bulk_jobs_unfinished", "bulk_jobs", ["source_id", "state", "requested_ms", "bulk_id"], _UNFINISHED
    )


def _bulk_rows() -> None:
    op.create_table(
        "bulk_rows",
        sa.Column("bulk_id", sa.Text(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("params", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("command_id", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("bulk_id", "row_no"),
    )
    _index("bulk_rows_by_state", "bulk_rows", ["bulk_id", "state", "row_no"])


def _mappings() -> None:
    op.create_table(
        "lead_statuses",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("dialer_status", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "code"),
    )
    _index("lead_statuses_by_dialer_status", "lead_statuses", ["source_id", "dialer_status", "code"])
    op.create_table(
        "agent_mappings",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "agent_id"),
    )


def _index(name: str, table: str, columns: list[str], where: sa.TextClause | None = None) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
