"""
What the journal promises to the REST API: registering endpoints, and looking at everything.

As in `relay.journal.port` every method is one transaction and raises JournalUnusable and JournalBusy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from relay.model.coverage import Read
from relay.model.delivery_options import V1
from relay.model.endpoint import EndpointSpec, RegisteredEndpoint
from relay.model.event import StoredEvent
from relay.model.listing import (
    AttemptItem,
    CallDetail,
    CallFilter,
    CallItem,
    DeliveryFilter,
    DeliveryItem,
    DeliveryKey,
    EndpointCounts,
    EventFilter,
    Page,
    RejectFilter,
    SourceItem,
    StreamCoverage,
    SubjectItem,
)
from relay.model.source_work import Alias, SourceJob, StoredReject

MAX_INBOX: Final = 10_000  # items of one source; beyond it a push is refused and counted
MAX_WAITING_JOBS: Final = 100


@dataclass(frozen=True, slots=True)
class Once:
    """
    An Idempotency-Key: who sent it, the key, and a digest of the request it came with.
    """

    owner: str
    key: str
    digest: bytes


class RegistryJournal(Protocol):
    """
    The journal as registering endpoints needs it.

    Where `once` is given, `answer` makes the reply of what was done, which is stored in the same transaction
    and comes back for the same key later, with nothing done again.  All raise Conflict for a key that came
    with another request before.
    """

    async def recall(self, once: Once, now: datetime) -> bytes | None:
        """
        Return the reply stored for a key, or None: it is new, or as good as new.
        """
        ...

    async def remember(self, once: Once, reply: bytes, now: datetime) -> bytes:
        """
        Store a reply to something that is no transaction of the journal; an earlier one stands.
        """
        ...

    async def registered(self, now: datetime) -> list[RegisteredEndpoint]:
        """
        Return all endpoints but the deleted ones, oldest first; their specs with what signs at `now`.
        """
        ...

    async def registered_as(self, endpoint_id: str, now: datetime) -> RegisteredEndpoint | None:
        """
        Return the endpoint with an id as `registered` does, or None.
        """
        ...

    async def create_endpoint(
        self,
        spec: EndpointSpec,
        answer: Callable[[RegisteredEndpoint], bytes],
        now: datetime,
        once: Once | None,
    ) -> bytes:
        """
        Register an endpoint: every matching event appended from now on gets a delivery.

        Raises:
            Conflict: its id is, or was, in use; or there are too many endpoints.
        """
        ...

    async def change_registered(self, spec: EndpointSpec, now: datetime) -> RegisteredEndpoint:
        """
        Make a registered endpoint so, its secrets apart: a signing key that it does not have is added.
        Deliveries that were made already stay.

        Raises:
            NotFound: there is none with its id.
            Conflict: it belongs to the configuration file.
        """
        ...

    async def add_secret(
        self,
        endpoint_id: str,
        key: bytes,
        old_until: datetime,
        answer: Callable[[RegisteredEndpoint], bytes],
        now: datetime,
        once: Once | None,
        *,
        scheme: str = V1,
        starts_at: datetime | None = None,
    ) -> bytes:
        """
        Sign with a new secret from `starts_at` (None: now) on, and with the older ones of its scheme until
        `old_until`.

        Raises:
            NotFound, Conflict: as `change_registered`; or it has too many secrets; or it would begin later
                and nothing signs until then.
        """
        ...

    async def delete_endpoint(self, endpoint_id: str, now: datetime) -> None:
        """
        Take an endpoint away; what waits for it is discarded (`endpoint_deleted`), soon and in steps.

        Raises:
            NotFound, Conflict: as `change_registered`.
        """
        ...

    async def resend(
        self, key: DeliveryKey, answer: Callable[[DeliveryItem], bytes], now: datetime, once: Once | None
    ) -> bytes:
        """
        Make a delivery of the same event to the same endpoint, with a job of its own, due at once.

        Raises:
            NotFound: there is no such delivery.
            Conflict: its endpoint is disabled.
        """
        ...


class ReadingJournal(Protocol):
    """
    The journal as people look at it; reads never wait for, nor hold up, what the loops do.

    `after` is the `next` of an earlier page.

    Raises:
        ValueError: an `after` that no page gave.
    """

    async def last_seq(self) -> int:
        """
        Return the seq of the newest event; 0 where there is none.
        """
        ...

    async def list_events(self, wanted: EventFilter, after: str | None, limit: int) -> Page[StoredEvent]:
        """
        Return events in seq order; `after` may be any seq, as decimal text.
        """
        ...

    async def event(self, event_id: str) -> StoredEvent | None:
        """
        Return an event by its id.
        """
        ...

    async def list_calls(self, wanted: CallFilter, after: str | None, limit: int) -> Page[CallItem]:
        """
        Return calls, newest start first.
        """
        ...

    async def call(self, call_id: str) -> CallDetail | None:
        """
        Return a call whole.
        """
        ...

    async def list_subjects(
        self, kinds: Collection[str], source_id: str | None, after: str | None, limit: int
    ) -> Page[SubjectItem]:
        """
        Return the subjects of some kinds (those of `relay.model.subject_state`), by kind, source and name.
        """
        ...

    async def subject(self, subject: str) -> SubjectItem | None:
        """
        Return an agent, a group, a list, … by its subject.
        """
        ...

    async def list_deliveries(
        self, wanted: DeliveryFilter, after: str | None, limit: int
    ) -> Page[DeliveryItem]:
        """
        Return deliveries, newest event first.
        """
        ...

    async def delivery(self, key: DeliveryKey) -> DeliveryItem | None:
        """
        Return a delivery.
        """
        ...

    async def attempts(self, key: DeliveryKey) -> list[AttemptItem]:
        """
        Return the attempts of a delivery, oldest first; a success at first try is one, too.
        """
        ...

    async def endpoint_counts(self, endpoint_id: str, newest: int) -> EndpointCounts | None:
        """
        Return what waits for an endpoint and how its `newest` deliveries went.
        """
        ...

    async def list_sources(self, now: datetime) -> list[SourceItem]:
        """
        Return all sources by id.
        """
        ...

    async def stream_coverage(self, source_id: str) -> list[StreamCoverage] | None:
        """
        Return what was read of each stream and what was not; None where there is no such source.
        """
        ...

    async def list_reads(
        self, source_id: str, stream: str | None, after: str | None, limit: int
    ) -> Page[Read]:
        """
        Return the complete reads that are kept, newest first.
        """
        ...

    async def list_rejects(self, wanted: RejectFilter, after: str | None, limit: int) -> Page[StoredReject]:
        """
        Return rows that could not be read, newest first.
        """
        ...

    async def list_jobs(self, source_id: str, kind: str, after: str | None, limit: int) -> Page[SourceJob]:
        """
        Return the jobs of a kind, newest first.
        """
        ...

    async def job(self, job_id: int) -> SourceJob | None:
        """
        Return a job.
        """
        ...

    async def list_aliases(self, source_id: str | None, after: str | None, limit: int) -> Page[Alias]:
        """
        Return aliases by source and natural id.
        """
        ...


class SourceWorkJournal(Protocol):
    """
    The journal as whoever asks something of a source's owner needs it.  `once` is as in RegistryJournal.
    """

    async def put_down(
        self,
        source_id: str,
        kind: str,
        body: Mapping[str, Any],
        answer: Callable[[int], bytes],
        now: datetime,
        once: Once | None = None,
    ) -> bytes:
        """
        Put an item into a source's inbox; `answer` makes the reply of its number.

        Raises:
            NotFound: there is no such source.
            Conflict: its inbox is full (MAX_INBOX).
        """
        ...

    async def make_job(
        self,
        source_id: str,
        kind: str,
        start: datetime,
        end: datetime,
        answer: Callable[[SourceJob], bytes],
        now: datetime,
        once: Once | None = None,
    ) -> bytes:
        """
        Make a job for a source's owner.

        Raises:
            NotFound: there is no such source.
            Conflict: too many jobs of it wait (MAX_WAITING_JOBS).
        """
        ...

    async def cancel_job(self, job_id: int, now: datetime) -> SourceJob:
        """
        Cancel a job that has not ended; one that has stays as it is.

        Raises:
            NotFound: there is no such job.
        """
        ...

    async def import_aliases(self, aliases: Sequence[Alias]) -> int:
        """
        Keep aliases of another journal of this deployment; return how many were new.

        Raises:
            Conflict: one is here with another call id; nothing was changed.
        """
        ...
