"""
The first schema: everything one source kind, webhooks and Kafka need.

Run before the first start; relay does so by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """
    Make all tables.
    """
    _aliases()
    _attempts()
    _calls()
    _coverage()
    _deliveries()
    _endpoints()
    _events()
    _inbox()
    _leases()
    _legs()
    _meta()
    _publications()
    _rejects()
    _sends()
    _sources()
    _streams()


def _aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("rebuilt_id", sa.Text(), nullable=False),
        sa.Column("published_id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rebuilt_id"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("endpoint_no", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_no", "seq", "job", "made_ms"),
    )


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("end_seen_ms", sa.BigInteger(), nullable=True),
        sa.Column("is_end_published", sa.Boolean(), nullable=False),
        sa.Column("is_answer_published", sa.Boolean(), nullable=False),
        sa.Column("is_silent", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("last_event_id", sa.Text(), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("calls_by_start", "calls", ["source_id", "started_ms"], unique=False)
    op.create_index(
        "calls_end_held",
        "calls",
        ["source_id"],
        unique=False,
        sqlite_where=sa.text("end_seen_ms IS NOT NULL AND NOT is_end_published AND NOT is_silent"),
        postgresql_where=sa.text("end_seen_ms IS NOT NULL AND NOT is_end_published AND NOT is_silent"),
    )


def _coverage() -> None:
    op.create_table(
        "coverage",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "stream", "from_ms"),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("endpoint_no", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.BigInteger(), nullable=False),
        sa.Column("subject_key", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("latency_ms", sa.BigInteger(), nullable=True),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_no", "seq", "job"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "deliveries_due",
        "deliveries",
        ["endpoint_no", "due_ms"],
        unique=False,
        sqlite_where=sa.text("due_ms IS NOT NULL"),
        postgresql_where=sa.text("due_ms IS NOT NULL"),
    )
    op.create_index(
        "deliveries_pending",
        "deliveries",
        ["endpoint_no", "subject_key", "status", "job", "seq"],
        unique=False,
        sqlite_where=sa.text("status = 'pending' AND job = 0"),
        postgresql_where=sa.text("status = 'pending' AND job = 0"),
    )


def _endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("no", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("event_patterns", sa.Text(), nullable=False),
        sa.Column("source_ids", sa.Text(), nullable=False),
        sa.Column("is_from_file", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("not_before_ms", sa.BigInteger(), nullable=True),
        sa.Column("start_seq", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("last_event_id", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("id"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("occurred_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("subject", "revision"),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column(
            "item_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item_id"),
    )
    op.create_index("inbox_by_source", "inbox", ["source_id", "item_id"], unique=False)


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _legs() -> None:
    op.create_table(
        "legs",
        sa.Column("leg_id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("first_seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("base_key", sa.Text(), nullable=False),
        sa.Column("native_id", sa.Text(), nullable=True),
        sa.Column("link_key", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("from_raw", sa.Text(), nullable=False),
        sa.Column("from_e164", sa.Text(), nullable=True),
        sa.Column("to_raw", sa.Text(), nullable=False),
        sa.Column("to_e164", sa.Text(), nullable=True),
        sa.Column("masked", sa.Boolean(), nullable=False),
        sa.Column("agent_name", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("ring_group", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("duration_s", sa.BigInteger(), nullable=True),
        sa.Column("talk_s", sa.BigInteger(), nullable=True),
        sa.Column("row", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leg_id"),
    )
    _leg_indexes()


def _leg_indexes() -> None:
    op.create_index("legs_by_bag", "legs", ["base_key"], unique=False)
    op.create_index("legs_by_call", "legs", ["call_id"], unique=False)
    op.create_index(
        "legs_by_native_id",
        "legs",
        ["source_id", "native_id"],
        unique=False,
        sqlite_where=sa.text("native_id IS NOT NULL"),
        postgresql_where=sa.text("native_id IS NOT NULL"),
    )
    op.create_index("legs_by_number", "legs", ["source_id", "link_key", "started_ms"], unique=False)
    op.create_index("legs_by_start", "legs", ["source_id", "stream", "started_ms"], unique=False)
    op.create_index(
        "legs_open",
        "legs",
        ["source_id", "started_ms"],
        unique=False,
        sqlite_where=sa.text("ended_ms IS NULL"),
        postgresql_where=sa.text("ended_ms IS NULL"),
    )


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("singleton", sa.SmallInteger(), nullable=False),
        sa.Column("journal_id", sa.Text(), nullable=False),
        sa.Column("id_key", sa.LargeBinary(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("endpoints_version", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton = 1", name="one_row"),
        sa.PrimaryKeyConstraint("singleton"),
    )


def _publications() -> None:
    op.create_table(
        "publications",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("noted_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _rejects() -> None:
    op.create_table(
        "rejects",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("row", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("first_seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "stream", "digest"),
    )


def _sends() -> None:
    op.create_table(
        "sends",
        sa.Column(
            "send_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("frees_ms", sa.BigInteger(), nullable=False),
        sa.Column("reserved_ms", sa.BigInteger(), nullable=False),
        sa.Column("noted_ms", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("send_id"),
    )
    op.create_index("sends_in_window", "sends", ["source_id", "frees_ms"], unique=False)


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("publish_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("system_status", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("last_event_id", sa.Text(), nullable=True),
        sa.Column("first_seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source_id"),
    )


def _streams() -> None:
    op.create_table(
        "streams",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("id_scheme", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_found_in_a_row", sa.Integer(), nullable=False),
        sa.Column("had_good_answer", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "stream"),
    )
