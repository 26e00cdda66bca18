"""
What the journal promises: one narrow interface for each room that uses it.  That of the poll loop is in
`relay.journal.poll_port`, that of whoever operates webhooks in `relay.journal.operating_port`; both are shown
here.

Every method is one transaction, durable when it returns.  All raise JournalUnusable where the journal
can no longer be used (the process then stops) and JournalBusy where a retry may help.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from relay.journal.operating_port import OperatingJournal as OperatingJournal
from relay.journal.poll_port import Append as Append
from relay.journal.poll_port import Appended as Appended
from relay.journal.poll_port import KnownDigests as KnownDigests
from relay.journal.poll_port import KnownLegRow as KnownLegRow
from relay.journal.poll_port import NearKeys as NearKeys
from relay.journal.poll_port import PollJournal as PollJournal
from relay.journal.poll_port import SourceView as SourceView
from relay.journal.poll_port import StreamState as StreamState
from relay.model.endpoint import Batch, Delivery, Endpoint, EndpointSpec
from relay.model.event import Event, StoredEvent
from relay.model.ids import key_fingerprint
from relay.model.journal_stats import Backlog, EndpointBacklog, JournalStats
from relay.model.settlement import Settlement

KEEP_REPLIES = timedelta(hours=24)  # for how long an Idempotency-Key counts


@dataclass(frozen=True, slots=True)
class Identity:
    """
    What makes this journal this journal.
    """

    journal_id: str
    id_key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """
        Return what tells this journal's `id_key` from others without giving it away.
        """
        return key_fingerprint(self.id_key)


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """
    A new state of an endpoint and the events on its own subject.

    `backlog_told` is the level of its backlog that they tell; None: it stays.
    """

    endpoint_no: int
    state: str
    reason: str | None
    events: tuple[Event, ...]
    failing_since_ms: int | None = None
    backlog_told: int | None = None


@dataclass(frozen=True, slots=True)
class EndpointHead:
    """
    The head of an endpoint's own subject.
    """

    endpoint: Endpoint
    revision: int
    last_event_id: str | None


@dataclass(frozen=True, slots=True)
class LanePage:
    """
    What the journal holds for one lane: deliveries due, and (subject key, due time) of those that wait.

    `due` holds, for each subject, its head and what follows it in order.  `is_full` tells that more subjects
    are due than were asked for; of those `unfinished` more may follow.  `last_seq` is that of the newest
    event when it was read.  `batches` are those that failed and are due again, whole; their members are not
    in `due`, and the subjects of members of those that are not due yet are in `waiting`.
    """

    due: tuple[Delivery, ...]
    waiting: tuple[tuple[int, int], ...]
    last_seq: int = 0
    is_full: bool = False
    unfinished: frozenset[int] = frozenset()
    batches: tuple[Batch, ...] = ()


class DeliveryJournal(Protocol):
    """
    The journal as the deliver loop needs it.
    """

    async def sync_endpoints(self, specs: Sequence[EndpointSpec], now: datetime) -> list[Endpoint]:
        """
        Make the endpoints of the configuration file so; return all there are, those made by REST too.

        One no longer in the file becomes disabled and may be changed by REST; one made by REST with the
        id of one in the file belongs to the file from now on.
        """
        ...

    async def endpoint_head(self, endpoint_no: int) -> EndpointHead:
        """
        Return an endpoint with the head of its own subject.
        """
        ...

    async def page_in(
        self,
        endpoint_no: int,
        now_ms: int,
        limit: int,
        waiting_limit: int,
        *,
        resends: bool = False,
        busy: Collection[int] = (),
        follow: int = 0,
    ) -> LanePage:
        """
        Return the first heads that are due, but for the subjects in `busy`; at most `follow` deliveries that
        follow them; and the first that wait for later.

        Those of job 0, or with `resends` only those of other jobs, each of which is a subject of its own.
        """
        ...

    async def hold_endpoint(self, endpoint_no: int, not_before_ms: int | None) -> None:
        """
        Keep until when the receiver asked to be left alone, over restarts; None: no longer.
        """
        ...

    async def make_due(self, endpoint_no: int, now_ms: int, limit: int) -> int:
        """
        Make due at most `limit` of the deliveries that wait for a later time; return how many.
        """
        ...

    async def settle(self, batch: Sequence[Settlement]) -> None:
        """
        Record outcomes; whatever reaches a final state makes the next of its subject due.
        """
        ...

    async def change_endpoint(self, change: EndpointChange, now: datetime) -> Appended:
        """
        Store an endpoint's state and append its events.
        """
        ...

    async def reorder(self, endpoint_no: int, after: int | None, now_ms: int) -> int | None:
        """
        Bring some more of what waits for an endpoint into its order, behind a place (None: the beginning);
        return how far it is done, None: all of it is.  Nothing may be under way to the endpoint.
        """
        ...

    async def backlogs(self) -> dict[int, EndpointBacklog]:
        """
        Return what waits for endpoints, by their number; without those for which nothing does.
        """
        ...

    async def last_before(self, before_ms: int) -> int:
        """
        Return the seq of the last event that was recorded before an instant; 0: there is none.
        """
        ...

    async def waiting_longest(
        self, endpoint_no: int, from_seq: int, to_seq: int, limit: int
    ) -> list[Delivery]:
        """
        Return the first deliveries that wait for an endpoint, oldest event first, without their events.
        """
        ...


class PublishJournal(Protocol):
    """
    The journal as the publish loop needs it.
    """

    async def events_after(self, seq: int, limit: int, max_bytes: int) -> list[StoredEvent]:
        """
        Return the next events in seq order: at least one if there is one, contiguous.
        """
        ...

    async def event_id_at(self, seq: int) -> str | None:
        """
        Return the id of the event at `seq`, or None.
        """
        ...

    async def note_publication(self, name: str, seq: int, event_id: str, now: datetime) -> None:
        """
        Keep a copy of the other side's cursor, for monitoring and retention.
        """
        ...


class HousekeepingJournal(Protocol):
    """
    The journal as housekeeping needs it.
    """

    async def stats(self) -> JournalStats:
        """
        Return sizes and backlogs.
        """
        ...

    async def backlog(self, publication: str) -> Backlog:
        """
        Return what lies between a publisher's cursor and the newest event.
        """
        ...

    async def forget_sends(self, before: datetime) -> int:
        """
        Remove budget reservations that no window can hold any more; return how many.
        """
        ...

    async def forget_replies(self, before: datetime) -> int:
        """
        Remove some of the replies stored before an instant for their Idempotency-Keys; return how many.
        """
        ...

    async def forget_reads(self, before_head: datetime, before: datetime) -> int:
        """
        Remove some of the reads of the head as of before `before_head`, and of all reads as of before
        `before`; return how many.
        """
        ...

    async def forget_subjects(self, before: datetime) -> int:
        """
        Remove some of the leads, commands and inbound numbers that have no events and whose state has not
        changed since `before`; return how many.
        """
        ...

    async def forget_commands(self, before: datetime) -> int:
        """
        Remove some of the commands requested before `before` that have a verdict; return how many.
        """
        ...

    async def forget_bulks(self, before: datetime, loading_before: datetime) -> int:
        """
        Remove some of the bulk jobs requested before `before` that have ended, and of those requested before
        `loading_before` whose rows never came in whole, with their rows; return how many of both.
        """
        ...

    async def discard_of_deleted(self, limit: int, now: datetime) -> int:
        """
        Settle as discarded at most `limit` deliveries that wait for deleted endpoints; return how many.
        """
        ...
