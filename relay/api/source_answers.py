"""
The bodies of answers about how sources were read, and what was asked of their owners.

Times of coverage are by the phone system's clock.  `relay.api.source_shown` makes them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from relay.api.answers import SourceAnswer
from relay.model.event_data import Seconds, Time

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


class SourceDetailAnswer(SourceAnswer):
    """
    One account of one phone system, and what is missing of it.
    """

    open_gaps: int = Field(description="Stretches of time that should have been read and were not.")


class IntervalAnswer(BaseModel):
    """
    A stretch of time that was read completely.
    """

    start: Time
    end: Time


class GapAnswer(BaseModel):
    """
    A stretch of time that should have been read and was not.
    """

    start: Time
    end: Time | None = Field(description="Null while it grows.")
    reason: str = Field(description="One word for why.")
    opened_at: Time
    closed_at: Time | None = Field(description="When a complete read made up for it; null: it is open.")
    rows_recovered: Seconds | None = Field(description="New rows that this read brought.")


class ReadAnswer(BaseModel):
    """
    One complete read of a stream, and the stretch of time that it proves.
    """

    stream: str
    tier: str = Field(description="Why: head, window, deep, gap, backfill or reconcile.")
    requested_at: Time = Field(description="When its first request was sent, by relay's clock.")
    as_of: Time = Field(description="The same by the phone system's clock.")
    covered_from: Time = Field(description="Every row that started from then on was shown …")
    covered_to: Time = Field(description="… up to then.")
    rows: int
    requests: int = Field(description="How many pages it took.")


class StreamCoverageAnswer(BaseModel):
    """
    What is proven of one stream.
    """

    stream: str
    state: str
    oldest_unread_at: Time | None = Field(
        description="The first second that is not proven read; null where it was never read."
    )
    intervals: list[IntervalAnswer] = Field(description="Oldest first.")
    gaps: list[GapAnswer] = Field(description="Those still open first, then newest first.")
    last_read: ReadAnswer | None
    visibility: dict[str, Any] = Field(
        description="What was measured of when its rows appear, `appears_at`, and how late, `late_s`."
    )


class CoverageAnswer(BaseModel):
    """
    What is proven of each stream of a source.
    """

    source_id: str
    oldest_unread_at: Time | None = Field(
        description="The least of its streams, absent ones left out; null where one was never read."
    )
    streams: list[StreamCoverageAnswer]


class JobAnswer(BaseModel):
    """
    A stretch of the past that is read again: a backfill, or a reconciliation.
    """

    id: int
    source_id: str
    kind: Literal["backfill", "reconcile"]
    from_: Time = Field(alias="from", description="Calls that started then or later …")
    to: Time = Field(description="… and before then.")
    state: JobState
    progress: float = Field(ge=0, le=1, description="The share that is done.")
    made_at: Time
    started_at: Time | None
    finished_at: Time | None
    read_to: dict[str, Time] = Field(description="Until when each stream was read.")
    requests: int = Field(description="Sent for it.")
    rows: int = Field(description="Read by it.")
    events: int = Field(description="Published by it.")
    missing: int | None = Field(description="Of these events, those that were missing; null: a backfill.")
    reason: str | None = Field(description="Why it failed.")


class RejectAnswer(BaseModel):
    """
    A row that could not be read.
    """

    source_id: str
    stream: str
    digest: str = Field(description="Of the row, in hexadecimal digits.")
    why: str
    first_seen_at: Time
    row: Any = Field(description="As the phone system gave it.")


class RejectsReplayAnswer(BaseModel):
    """
    That rows are read once more.
    """

    source_id: str
    stream: str | None = Field(description="Null: all of them.")
    item_id: int = Field(description="Its number among everything put down for the source.")


class AliasAnswer(BaseModel):
    """
    A call whose published id is not the one that a rebuild from its rows would choose.
    """

    source_id: str
    natural_id: str = Field(description="What a rebuild would choose.")
    call_id: str = Field(description="What was published.")


class AliasesAnswer(BaseModel):
    """
    A page of aliases, and what tells the key of their ids from others.
    """

    items: list[AliasAnswer]
    next: str | None = Field(description="Send it as `after` for the following page; null on the last one.")
    id_key_fingerprint: str = Field(description="16 hexadecimal digits; send it with the items.")


class AliasesImportedAnswer(BaseModel):
    """
    What came of an import.
    """

    given: int
    added: int = Field(description="How many were not there yet.")
