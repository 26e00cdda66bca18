"""
Endpoints by REST: what an operator sets, secrets, Idempotency-Keys, and the jobs of resends.

Expands only.  Run before the first start of this version; relay does so by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What every endpoint had before it could be set.
_RETRY_SCHEDULE = "[5,300,1800,7200,18000,36000,50400,72000,86400]"


def upgrade() -> None:
    """
    Add the columns of endpoints and three tables.
    """
    _endpoints()
    _endpoint_secrets()
    _idempotency_keys()
    _jobs()


def _endpoints() -> None:
    for column in (
        sa.Column("timeout_s", sa.Double(), nullable=False, server_default=sa.text("20.0")),
        sa.Column("max_in_flight", sa.Integer(), nullable=False, server_default=sa.text("64")),
        sa.Column("retry_schedule", sa.Text(), nullable=False, server_default=_RETRY_SCHEDULE),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("deleted_ms", sa.BigInteger(), nullable=True),
        sa.Column("is_emptied", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("endpoints", column)


def _endpoint_secrets() -> None:
    op.create_table(
        "endpoint_secrets",
        sa.Column("endpoint_no", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("secret_id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_no", "ordinal"),
        sa.UniqueConstraint("secret_id"),
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key"),
    )
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["made_ms"], unique=False)


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column(
            "job_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_id"),
        sqlite_autoincrement=True,
    )
