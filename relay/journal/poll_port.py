"""
What the journal promises to the poll loop; `relay.journal.port` shows it to the other rooms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from relay.model.change import CallChange, Neighbourhood, Reject, SourceChange, SourceHead
from relay.model.coverage import Gap, Interval, Read
from relay.model.endpoint import Delivery
from relay.model.event import StoredEvent
from relay.model.source_work import Allowance, InboxItem, SourceJob, StoredReject
from relay.model.subject_state import SubjectChange, SubjectState


@dataclass(frozen=True, slots=True)
class StreamState:
    """
    What is known of one stream: state up, degraded or absent; the scheme its leg ids follow.

    `visibility` is what was measured of when its rows appear (`relay.normalise.visibility`), as JSON.
    `polled_at` is when the last good answer of a status stream was asked for, as far as that was written.
    """

    state: str = "up"
    id_scheme: str = "facts"
    not_found_in_a_row: int = 0
    had_good_answer: bool = False
    visibility: Mapping[str, Any] = field(default_factory=dict)
    polled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """
    Everything one transaction writes for a source (I1).

    `read` extends the coverage.  `gaps` are opened, or, where one of that stream and start is there,
    changed.  `taken_items` leave the inbox; `job` is how far a job has come; `replayed` are digests of
    rejects of the stream that are none any more.  `subjects` are agents, groups, … that changed, each once.
    """

    source_id: str
    stream: str
    recorded_at: datetime
    calls: tuple[CallChange, ...] = ()
    source: SourceChange | None = None
    rejects: tuple[Reject, ...] = ()
    read: Read | None = None
    stream_state: StreamState | None = None
    gaps: tuple[Gap, ...] = ()
    taken_items: tuple[int, ...] = ()
    job: SourceJob | None = None
    replayed: tuple[bytes, ...] = ()
    subjects: tuple[SubjectChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """
    What an append committed: the events with their seq, and the deliveries they made.
    """

    events: tuple[StoredEvent, ...]
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class NearKeys:
    """
    What makes stored legs near to fresh rows: their bag, a native id, or the outside number at the time.

    Of a number those count that started in between and ended at `ended_from` or later, or are open.
    """

    base_keys: Collection[str]
    native_ids: Collection[str]
    link_keys: Collection[str]
    started_from: datetime
    ended_from: datetime
    started_to: datetime


@dataclass(frozen=True, slots=True)
class KnownLegRow:
    """
    A row that is held as a leg, in the state last read.
    """

    digest: bytes
    base_key: str
    started_at: datetime
    is_closed: bool


@dataclass(frozen=True, slots=True)
class KnownDigests:
    """
    Rows that were read before: as legs, and digests of those kept as rejects.
    """

    of_legs: tuple[KnownLegRow, ...]
    of_rejects: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SourceView:
    """
    A source as last appended: its head, what was read of its streams (oldest first, merged where intervals
    touch), and their open gaps, oldest start first.

    `oldest_open` is when the oldest open leg started, `oldest_unsettled` the oldest call whose end was
    published and which is not settled.
    """

    head: SourceHead
    coverage: Mapping[str, Sequence[Interval]]
    open_gaps: Sequence[Gap]
    oldest_open: datetime | None
    oldest_unsettled: datetime | None

    def gaps_of(self, stream: str) -> list[Gap]:
        """
        Return the open gaps of a stream.
        """
        return [gap for gap in self.open_gaps if gap.stream == stream]


class PollJournal(Protocol):
    """
    The journal as the poll loop needs it.
    """

    async def register_source(
        self, source_id: str, kind: str, publish_from: datetime, now: datetime
    ) -> SourceHead:
        """
        Enter a source, or read it back: its first `publish_from` is kept for ever.
        """
        ...

    async def source_head(self, source_id: str) -> SourceHead:
        """
        Return the head of a registered source's own subject.
        """
        ...

    async def view(self, source_id: str, ended_from: datetime) -> SourceView:
        """
        Return a registered source as last appended.  Calls that ended before `ended_from` are none of its
        unsettled ones, legs that started before it none of its open ones: some are never closed.
        """
        ...

    async def stream_states(self, source_id: str) -> dict[str, StreamState]:
        """
        Return the states of a source's streams that have one.
        """
        ...

    async def known_digests(
        self, source_id: str, stream: str, since: datetime, before: datetime | None = None
    ) -> KnownDigests:
        """
        Return the rows of legs that started since (and before an instant), provisional ones apart, and of
        all rejects of the stream.
        """
        ...

    async def neighbourhood(self, source_id: str, keys: NearKeys) -> Neighbourhood:
        """
        Return the calls that have a leg near some rows, each with all its legs.
        """
        ...

    async def held_calls(self, source_id: str) -> Neighbourhood:
        """
        Return the calls whose end is held, with all their legs.
        """
        ...

    async def provisional_calls(
        self, source_id: str, started_from: datetime, started_before: datetime, limit: int
    ) -> Neighbourhood:
        """
        Return the calls of the oldest `limit` legs that started in between, of those of which only a push
        told and that no read has denied yet; each with all its legs.
        """
        ...

    async def oldest_open_start(self, source_id: str) -> datetime | None:
        """
        Return when the oldest open leg started.
        """
        ...

    async def oldest_unsettled_start(self, source_id: str, ended_from: datetime) -> datetime | None:
        """
        Return when the oldest call started whose end was published and which is not settled, of those that
        ended at `ended_from` or later.
        """
        ...

    async def unsettled_calls(
        self, source_id: str, ended_from: datetime, ended_before: datetime, limit: int
    ) -> Neighbourhood:
        """
        Return calls, oldest end first, whose end was published in an event and which are not settled.
        """
        ...

    async def silent_calls(
        self, source_id: str, started_from: datetime, started_before: datetime, limit: int
    ) -> Neighbourhood:
        """
        Return calls, oldest start first, that ended before publishing began and were never published.
        """
        ...

    async def calls_between(
        self, source_id: str, started_from: datetime, started_before: datetime
    ) -> Neighbourhood:
        """
        Return the calls with a leg that started in between, each with all its legs.
        """
        ...

    async def coverage(self, source_id: str) -> dict[str, list[Interval]]:
        """
        Return what was read completely, by stream, oldest first, merged where intervals touch.
        """
        ...

    async def reads(
        self,
        source_id: str,
        since: datetime,
        tiers: Collection[str] | None = None,
        touching: Interval | None = None,
    ) -> dict[str, list[Read]]:
        """
        Return the complete reads whose `as_of` is `since` or later, by stream, oldest first.

        Args:
            source_id: whose.
            since: earlier ones are left out.
            tiers: only these; None for all.
            touching: only those that covered a part of it.
        """
        ...

    async def open_gaps(self, source_id: str) -> list[Gap]:
        """
        Return the gaps that are open, oldest start first.
        """
        ...

    async def leg_counts(self, source_id: str, since: datetime) -> dict[str, dict[int, int]]:
        """
        Return how many legs of each stream started since, by hour of the week (0: Monday 00:00 UTC).
        """
        ...

    async def known_names(self, source_id: str, stream: str, since: datetime) -> list[str]:
        """
        Return the names of users, queues or ring groups in a stream's legs that started since.
        """
        ...

    async def aliases(self, source_id: str) -> dict[str, str]:
        """
        Return published call ids by the id that a rebuild would choose.
        """
        ...

    async def allowance(self, source_id: str) -> Allowance | None:
        """
        Return how many requests polls may use since the last 429; None: as configured.
        """
        ...

    async def note_allowance(self, source_id: str, allowance: Allowance | None) -> None:
        """
        Keep an allowance, over restarts.
        """
        ...

    async def inbox(self, source_id: str, limit: int) -> list[InboxItem]:
        """
        Return what was put down for the owner of a source, oldest first.
        """
        ...

    async def next_job(self, source_id: str) -> SourceJob | None:
        """
        Return the job under way, or the oldest that waits.
        """
        ...

    async def stored_rejects(
        self, source_id: str, stream: str | None, after: bytes, limit: int
    ) -> list[StoredReject]:
        """
        Return rejects in the order of their digests, those after `after`; all of the last digest, so that
        the next page may begin there.
        """
        ...

    async def subjects(self, source_id: str, kinds: Collection[str]) -> list[SubjectState]:
        """
        Return the subjects of a source of some kinds, by name.
        """
        ...

    async def subjects_named(self, subjects: Collection[str]) -> dict[str, SubjectState]:
        """
        Return those of some subjects that are known, by subject.
        """
        ...

    def max_events_per_append(self, source_id: str) -> int:
        """
        Return how many events the next append of a source may carry, with the endpoints there are.
        """
        ...

    async def append(self, change: Append) -> Appended:
        """
        Write a change whole or not at all; an event id that is already there is left out.

        Raises:
            RevisionConflict: a subject has moved on since it was read.
        """
        ...
