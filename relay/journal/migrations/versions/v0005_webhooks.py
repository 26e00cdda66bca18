"""
Webhooks: how endpoints want their events, states that follow from failures, batches, replays, sealed secrets.

Expands only.  Run before the first start of this version; relay does so by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NO = sa.false()
_NONE = sa.text("0")
_UNFINISHED = sa.text("state IN ('waiting', 'running')")
_REPLAY = sa.text("kind = 'replay'")
_OF_JOB = sa.text("job > 0")


def upgrade() -> None:
    """
    Add columns and two tables.
    """
    _endpoints()
    _secrets()
    _jobs()
    _batches()


def _endpoints() -> None:
    for column in (
        sa.Column("options", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("auth", sa.LargeBinary(), nullable=True),
        sa.Column("failing_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("backlog_told", sa.Integer(), nullable=False, server_default=_NONE),
        sa.Column("granted", sa.Text(), nullable=True),
        sa.Column("keyed_by", sa.Text(), nullable=False, server_default="subject"),
    ):
        op.add_column("endpoints", column)


def _secrets() -> None:
    for column in (
        sa.Column("scheme", sa.Text(), nullable=False, server_default="v1"),
        sa.Column("starts_ms", sa.BigInteger(), nullable=True),
        sa.Column("is_sealed", sa.Boolean(), nullable=False, server_default=_NO),
    ):
        op.add_column("endpoint_secrets", column)


def _jobs() -> None:
    for column in (
        sa.Column("endpoint_no", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False, server_default="done"),
        sa.Column("wanted", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("rate_per_s", sa.Double(), nullable=False, server_default=_NONE),
        sa.Column("to_seq", sa.BigInteger(), nullable=False, server_default=_NONE),
        sa.Column("at_seq", sa.BigInteger(), nullable=False, server_default=_NONE),
        sa.Column("made", sa.BigInteger(), nullable=False, server_default=_NONE),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
    ):
        op.add_column("jobs", column)
    op.create_index(
        "jobs_unfinished", "jobs", ["job_id"], sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED
    )
    op.create_index("jobs_of_replays", "jobs", ["job_id"], sqlite_where=_REPLAY, postgresql_where=_REPLAY)
    op.create_index(
        "deliveries_of_jobs",
        "deliveries",
        ["job", "status", "due_ms"],
        sqlite_where=_OF_JOB,
        postgresql_where=_OF_JOB,
    )


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("endpoint_no", sa.Integer(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_no", "first_seq"),
    )
