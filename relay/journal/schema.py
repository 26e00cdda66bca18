"""
The journal's tables: one SQLAlchemy Core schema for SQLite and PostgreSQL (DESIGN section 6).

Times are integer milliseconds since 1970 in columns named `_ms`.  Status words are those of DESIGN
section 1.  A change here needs a migration in `migrations/versions`.  The tables of sources are in
`relay.journal.source_schema`, those that dialers add in `relay.journal.command_schema`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from relay.journal.command_schema import agent_mappings as agent_mappings
from relay.journal.command_schema import bulk_jobs as bulk_jobs
from relay.journal.command_schema import bulk_rows as bulk_rows
from relay.journal.command_schema import commands as commands
from relay.journal.command_schema import lead_statuses as lead_statuses
from relay.journal.command_schema import subjects as subjects
from relay.journal.source_schema import aliases as aliases
from relay.journal.source_schema import coverage as coverage
from relay.journal.source_schema import gaps as gaps
from relay.journal.source_schema import inbox as inbox
from relay.journal.source_schema import metadata as metadata
from relay.journal.source_schema import reads as reads
from relay.journal.source_schema import rejects as rejects
from relay.journal.source_schema import sends as sends
from relay.journal.source_schema import source_jobs as source_jobs
from relay.journal.source_schema import sources as sources
from relay.journal.source_schema import streams as streams

PENDING: Final = "pending"
DISCARDED: Final = "discarded"
_IS_PENDING: Final = text("status = 'pending' AND job = 0")
_IS_DUE: Final = text("due_ms IS NOT NULL")

# Conditions of partial indexes: a query has them word for word, or the planner does not see that one fits.
IS_END_HELD: Final = text(
    "end_seen_ms IS NOT NULL AND NOT is_end_published AND NOT is_silent AND absorbed_into IS NULL"
)
IS_UNSETTLED: Final = text("is_end_published AND NOT is_settled AND NOT is_silent AND absorbed_into IS NULL")
HAS_COMMAND: Final = text("command_id IS NOT NULL")
IS_UNFINISHED: Final = text("state IN ('waiting', 'running')")
IS_REPLAY: Final = text("kind = 'replay'")
IS_OF_JOB: Final = text("job > 0")
IS_UNPUBLISHED: Final = text("is_silent AND revision = 0 AND absorbed_into IS NULL")

# One row. `last_seq` and `epoch` are compared and set by every append: the fence of the only writer.
meta = Table(
    "meta",
    metadata,
    Column("singleton", SmallInteger, primary_key=True),
    Column("journal_id", Text, nullable=False),
    Column("id_key", LargeBinary, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("endpoints_version", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("source_id", Text),
    Column("subject", Text, nullable=False),
    Column("subject_key", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("occurred_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("subject", "revision"),
)

calls = Table(
    "calls",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("end_seen_ms", BigInteger),
    Column("is_end_published", Boolean, nullable=False),
    Column("is_answer_published", Boolean, nullable=False),
    Column("is_silent", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("last_event_id", Text),
    Column("record", LargeBinary, nullable=False),
    Column("is_settled", Boolean, nullable=False),
    Column("absorbed_into", Text),
    Index("calls_end_held", "source_id", sqlite_where=IS_END_HELD, postgresql_where=IS_END_HELD),
    Index("calls_by_start", "source_id", "started_ms"),
    Index(
        "calls_unsettled",
        "source_id",
        "ended_ms",
        "started_ms",
        sqlite_where=IS_UNSETTLED,
        postgresql_where=IS_UNSETTLED,
    ),
    Index(
        "calls_unpublished",
        "source_id",
        "started_ms",
        sqlite_where=IS_UNPUBLISHED,
        postgresql_where=IS_UNPUBLISHED,
    ),
)

legs = Table(
    "legs",
    metadata,
    Column("leg_id", Text, primary_key=True),
    Column("ordinal", Integer, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("first_seen_ms", BigInteger, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("base_key", Text, nullable=False),
    Column("native_id", Text),
    Column("link_key", Text),
    Column("direction", Text, nullable=False),
    Column("from_raw", Text, nullable=False),
    Column("from_e164", Text),
    Column("to_raw", Text, nullable=False),
    Column("to_e164", Text),
    Column("masked", Boolean, nullable=False),
    Column("agent_name", Text),
    Column("queue", Text),
    Column("ring_group", Text),
    Column("status", Text),
    Column("started_ms", BigInteger, nullable=False),
    Column("answered_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("duration_s", BigInteger),
    Column("talk_s", BigInteger),
    Column("row", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("is_provisional", Boolean, nullable=False),
    Index("legs_by_bag", "base_key"),
    Index("legs_by_call", "call_id"),
    Index("legs_by_number", "source_id", "link_key", "started_ms"),
    Index(
        "legs_by_native_id",
        "source_id",
        "native_id",
        sqlite_where=text("native_id IS NOT NULL"),
        postgresql_where=text("native_id IS NOT NULL"),
    ),
    Index("legs_by_start", "source_id", "stream", "started_ms"),
    Index(
        "legs_open",
        "source_id",
        "started_ms",
        sqlite_where=text("ended_ms IS NULL"),
        postgresql_where=text("ended_ms IS NULL"),
    ),
    Index(
        "legs_provisional",
        "source_id",
        "started_ms",
        sqlite_where=text("is_provisional"),
        postgresql_where=text("is_provisional"),
    ),
)

# A deleted one keeps its row: neither its id nor its number is used again.  `is_emptied` once nothing
# waits for it any more.
endpoints = Table(
    "endpoints",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("event_patterns", Text, nullable=False),
    Column("source_ids", Text, nullable=False),
    Column("is_from_file", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_reason", Text),
    Column("not_before_ms", BigInteger),
    Column("start_seq", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("last_event_id", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("timeout_s", Double, nullable=False),
    Column("max_in_flight", Integer, nullable=False),
    Column("retry_schedule", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("deleted_ms", BigInteger),
    Column("is_emptied", Boolean, nullable=False),
    Column("options", Text, nullable=False),
    Column("auth", LargeBinary),
    Column("failing_since_ms", BigInteger),
    Column("backlog_told", Integer, nullable=False),
    Column("granted", Text),
    # The order by whose keys its pending deliveries wait; empty while they get those of another.
    Column("keyed_by", Text, nullable=False),
)

# Those of endpoints made by REST; the newest (highest ordinal) signs first.
endpoint_secrets = Table(
    "endpoint_secrets",
    metadata,
    Column("endpoint_no", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("secret_id", Text, nullable=False, unique=True),
    Column("key", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("scheme", Text, nullable=False),
    Column("starts_ms", BigInteger),
    Column("is_sealed", Boolean, nullable=False),
    PrimaryKeyConstraint("endpoint_no", "ordinal"),
)

# Replies to requests that came with an Idempotency-Key; empty while a command is under way.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("reply", LargeBinary, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("command_id", Text),
    PrimaryKeyConstraint("owner", "key"),
    Index("idempotency_keys_by_age", "made_ms"),
    Index(
        "idempotency_keys_by_command", "command_id", sqlite_where=HAS_COMMAND, postgresql_where=HAS_COMMAND
    ),
)

# What people asked for that makes deliveries: `job_id` is their `job`, so that it is never used again.
jobs = Table(
    "jobs",
    metadata,
    Column("job_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("endpoint_no", Integer),
    Column("state", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("rate_per_s", Double, nullable=False),
    Column("to_seq", BigInteger, nullable=False),
    Column("at_seq", BigInteger, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("finished_ms", BigInteger),
    Column("reason", Text),
    Index("jobs_unfinished", "job_id", sqlite_where=IS_UNFINISHED, postgresql_where=IS_UNFINISHED),
    Index("jobs_of_replays", "job_id", sqlite_where=IS_REPLAY, postgresql_where=IS_REPLAY),
    sqlite_autoincrement=True,
)

# Rows with one subject_key wait for each other.  It is that of the subject for order mode `subject`, 0 for
# `endpoint` and the seq for `none`; a change of the mode holds for events from then on.  Only heads carry
# due_ms: the first unsettled row of (endpoint, subject_key) among those of job 0.  A row of another job is
# due by itself.
deliveries = Table(
    "deliveries",
    metadata,
    Column("endpoint_no", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("job", BigInteger, nullable=False),
    Column("subject_key", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_ms", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("http_status", Integer),
    Column("reason", Text),
    Column("latency_ms", BigInteger),
    Column("settled_ms", BigInteger),
    PrimaryKeyConstraint("endpoint_no", "seq", "job"),
    # status and job are in it too, though all its rows are alike there: only a covering index is cheaper
    # than the primary key in the eyes of SQLite's planner.
    Index(
        "deliveries_pending",
        "endpoint_no",
        "subject_key",
        "status",
        "job",
        "seq",
        sqlite_where=_IS_PENDING,
        postgresql_where=_IS_PENDING,
    ),
    Index("deliveries_due", "endpoint_no", "due_ms", sqlite_where=_IS_DUE, postgresql_where=_IS_DUE),
    # What is left of a job, and what became of it; costs the rows of job 0 nothing but the look at `job`.
    Index(
        "deliveries_of_jobs", "job", "status", "due_ms", sqlite_where=IS_OF_JOB, postgresql_where=IS_OF_JOB
    ),
    sqlite_with_rowid=False,
)

# What a batch that failed was made of, so that its retry is the same: `members` are the seqs, in order.  The
# row of its first member alone is due.
batches = Table(
    "batches",
    metadata,
    Column("endpoint_no", Integer, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("members", Text, nullable=False),
    PrimaryKeyConstraint("endpoint_no", "first_seq"),
)

# Failures and retries only; a success at first try is read from its delivery row.
attempts = Table(
    "attempts",
    metadata,
    Column("endpoint_no", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("job", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("http_status", Integer),
    Column("reason", Text, nullable=False),
    Column("latency_ms", BigInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    PrimaryKeyConstraint("endpoint_no", "seq", "job", "made_ms"),
)

# A copy of the cursor that Kafka holds, for monitoring and retention; never the source of truth.
publications = Table(
    "publications",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("noted_ms", BigInteger, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
