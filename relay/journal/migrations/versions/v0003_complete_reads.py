"""
Complete ingest: reads, gaps, aliases and jobs of sources; calls that are settled or absorbed.

Expands, but for two tables that no version before this one has written to or read from: `aliases` and
`inbox` are made anew.  Run before the first start of this version; relay does so by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_END_HELD = sa.text(
    "end_seen_ms IS NOT NULL AND NOT is_end_published AND NOT is_silent AND absorbed_into IS NULL"
)
_UNSETTLED = sa.text("is_end_published AND NOT is_settled AND NOT is_silent AND absorbed_into IS NULL")
_PROVISIONAL = sa.text("is_provisional")
_UNPUBLISHED = sa.text("is_silent AND revision = 0 AND absorbed_into IS NULL")
_OF_HEAD = sa.text("tier = 'head'")
_OPEN = sa.text("closed_ms IS NULL")
_NOT_ENDED = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    """
    Add columns, indexes and tables.
    """
    _sources()
    _calls()
    _aliases()
    _reads()
    _gaps()
    _rejects()
    _inbox()
    _source_jobs()


def _sources() -> None:
    op.add_column("sources", sa.Column("watermark_ms", sa.BigInteger(), nullable=True))
    op.add_column("sources", sa.Column("allowance", sa.Integer(), nullable=True))
    op.add_column("sources", sa.Column("allowance_ms", sa.BigInteger(), nullable=True))
    op.add_column("streams", sa.Column("visibility", sa.Text(), nullable=False, server_default="{}"))


def _calls() -> None:
    no = sa.false()
    op.add_column("legs", sa.Column("is_provisional", sa.Boolean(), nullable=False, server_default=no))
    op.add_column("calls", sa.Column("is_settled", sa.Boolean(), nullable=False, server_default=no))
    op.add_column("calls", sa.Column("absorbed_into", sa.Text(), nullable=True))
    op.drop_index("calls_end_held", "calls")
    _partial_index("calls_end_held", "calls", ["source_id"], _END_HELD)
    _partial_index("calls_unsettled", "calls", ["source_id", "ended_ms", "started_ms"], _UNSETTLED)
    _partial_index("calls_unpublished", "calls", ["source_id", "started_ms"], _UNPUBLISHED)
    _partial_index("legs_provisional", "legs", ["source_id", "started_ms"], _PROVISIONAL)


def _aliases() -> None:
    op.drop_table("aliases")
    op.create_table(
        "aliases",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("natural_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "natural_id"),
    )
    op.create_index("aliases_by_call", "aliases", ["call_id"], unique=False)


def _reads() -> None:
    op.create_table(
        "reads",
        _number("read_id"),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("as_of_ms", sa.BigInteger(), nullable=False),
        sa.Column("requested_ms", sa.BigInteger(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("read_id"),
    )
    op.create_index("reads_by_stream", "reads", ["source_id", "stream", "as_of_ms"], unique=False)
    op.create_index("reads_by_source", "reads", ["source_id", "as_of_ms"], unique=False)
    op.create_index("reads_by_age", "reads", ["as_of_ms"], unique=False)
    _partial_index("reads_of_head", "reads", ["tier", "as_of_ms"], _OF_HEAD)


def _gaps() -> None:
    op.create_table(
        "gaps",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("rows_recovered", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", "stream", "from_ms"),
    )
    _partial_index("gaps_open", "gaps", ["source_id", "from_ms"], _OPEN)


def _rejects() -> None:
    op.create_index("rejects_by_digest", "rejects", ["source_id", "digest"], unique=False)
    op.create_index(
        "rejects_by_age", "rejects", ["first_seen_ms", "source_id", "stream", "digest"], unique=False
    )


def _inbox() -> None:
    op.drop_table("inbox")
    op.create_table(
        "inbox",
        _number("item_id"),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("inbox_by_source", "inbox", ["source_id", "item_id"], unique=False)


def _source_jobs() -> None:
    op.create_table(
        "source_jobs",
        _number("job_id"),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("read_to", sa.Text(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("source_jobs_by_kind", "source_jobs", ["source_id", "kind", "job_id"], unique=False)
    _partial_index("source_jobs_not_ended", "source_jobs", ["source_id", "state", "job_id"], _NOT_ENDED)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(
        name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
    )


def _partial_index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
