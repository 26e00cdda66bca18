"""
The journal's tables of sources: what was read of them, what was not, and what is asked of their owners.

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
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

metadata = MetaData()

# Conditions of partial indexes: a query has them word for word, or the planner does not see that one fits.
IS_OF_HEAD: Final = text("tier = 'head'")
IS_OPEN: Final = text("closed_ms IS NULL")
HAS_NOT_ENDED: Final = text("state IN ('waiting', 'running')")

# What is known of a source itself: when publishing starts, its state, and the head of its own subject.
sources = Table(
    "sources",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("publish_from_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("system_status", Text),
    Column("revision", BigInteger, nullable=False),
    Column("last_event_id", Text),
    Column("first_seen_ms", BigInteger, nullable=False),
    Column("watermark_ms", BigInteger),
    Column("allowance", Integer),
    Column("allowance_ms", BigInteger),
    Column("mappings_version", BigInteger, nullable=False),
)

streams = Table(
    "streams",
    metadata,
    Column("source_id", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("id_scheme", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("not_found_in_a_row", Integer, nullable=False),
    Column("had_good_answer", Boolean, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("polled_ms", BigInteger),
    PrimaryKeyConstraint("source_id", "stream"),
)

# A call whose published id is not the one that a rebuild from its rows would choose.
aliases = Table(
    "aliases",
    metadata,
    Column("source_id", Text, nullable=False),
    Column("natural_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    PrimaryKeyConstraint("source_id", "natural_id"),
    Index("aliases_by_call", "call_id"),
)

# Everything that started in [from_ms, to_ms] was read completely; what touches is merged.
coverage = Table(
    "coverage",
    metadata,
    Column("source_id", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("source_id", "stream", "from_ms"),
)

# The complete reads that proved it: [from_ms, to_ms] as visible at as_of_ms by the phone system's clock.
reads = Table(
    "reads",
    metadata,
    Column("read_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("source_id", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("as_of_ms", BigInteger, nullable=False),
    Column("requested_ms", BigInteger, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Index("reads_by_stream", "source_id", "stream", "as_of_ms"),
    Index("reads_by_source", "source_id", "as_of_ms"),
    Index("reads_by_age", "as_of_ms"),
    Index("reads_of_head", "tier", "as_of_ms", sqlite_where=IS_OF_HEAD, postgresql_where=IS_OF_HEAD),
)

# What should have been read and was not; to_ms is null while it grows.
gaps = Table(
    "gaps",
    metadata,
    Column("source_id", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),
    Column("reason", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    Column("rows_recovered", Integer),
    PrimaryKeyConstraint("source_id", "stream", "from_ms"),
    Index("gaps_open", "source_id", "from_ms", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
)

sends = Table(
    "sends",
    metadata,
    Column("send_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("source_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("frees_ms", BigInteger, nullable=False),
    Column("reserved_ms", BigInteger, nullable=False),
    Column("noted_ms", BigInteger),
    Column("outcome", Text),
    Index("sends_in_window", "source_id", "frees_ms"),
)

rejects = Table(
    "rejects",
    metadata,
    Column("source_id", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("row", LargeBinary, nullable=False),
    Column("why", Text, nullable=False),
    Column("first_seen_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("source_id", "stream", "digest"),
    Index("rejects_by_digest", "source_id", "digest"),
    Index("rejects_by_age", "first_seen_ms", "source_id", "stream", "digest"),
)

# What other processes ask of a source's owner.  A number is never used again: an item is taken by it.
inbox = Table(
    "inbox",
    metadata,
    Column("item_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("source_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Index("inbox_by_source", "source_id", "item_id"),
    sqlite_autoincrement=True,
)

# A past to be read, because a person or the calendar asks for it.
source_jobs = Table(
    "source_jobs",
    metadata,
    Column("job_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("source_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("finished_ms", BigInteger),
    Column("read_to", Text, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("events", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("reason", Text),
    Index("source_jobs_by_kind", "source_id", "kind", "job_id"),
    Index(
        "source_jobs_not_ended",
        "source_id",
        "state",
        "job_id",
        sqlite_where=HAS_NOT_ENDED,
        postgresql_where=HAS_NOT_ENDED,
    ),
    sqlite_autoincrement=True,
)
