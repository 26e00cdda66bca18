"""
What the journal promises to those who operate webhooks: replays, reconciliation, and the account of a call.

As in `relay.journal.port` every method raises JournalUnusable and JournalBusy.  What looks at many events
does so in steps, each of them short and on a snapshot of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from relay.journal.api_port import Once
from relay.model.explanation import Explanation
from relay.model.listing import Page
from relay.model.replay import (
    Chosen,
    MissingItem,
    Reconciliation,
    Replay,
    ReplayFilter,
    ReplayStand,
    ReplayTrial,
)

MAX_UNFINISHED_REPLAYS: Final = 100


class OperatingJournal(Protocol):
    """
    The journal as those need it who want to know what a receiver has, and to send it the rest.
    """

    # replays

    async def make_replay(
        self,
        endpoint_id: str,
        wanted: ReplayFilter,
        rate_per_s: float,
        answer: Callable[[Replay], bytes],
        now: datetime,
        once: Once | None = None,
    ) -> bytes:
        """
        Make a replay of what was recorded until now; `once` and `answer` are as in RegistryJournal.

        Raises:
            NotFound: there is no such endpoint, or no such call.
            Conflict: the endpoint is disabled, or MAX_UNFINISHED_REPLAYS have not ended.
        """
        ...

    async def try_replay(self, endpoint_id: str, wanted: ReplayFilter) -> ReplayTrial:
        """
        Return what a replay would send; nothing is made.

        Raises:
            NotFound: there is no such endpoint, or no such call.
        """
        ...

    async def list_replays(self, endpoint_id: str | None, after: str | None, limit: int) -> Page[Replay]:
        """
        Return replays, newest first; those of deleted endpoints, too.

        Raises:
            NoSuchPlace: `after` is no place in the list.
        """
        ...

    async def replay(self, job_id: int) -> tuple[Replay, dict[str, int]] | None:
        """
        Return a replay, and how many of its deliveries have which status.
        """
        ...

    async def cancel_replay(self, job_id: int, now: datetime) -> Replay:
        """
        End a replay and discard what waits of it (`replay_cancelled`); one that has ended stays as it is,
        but for what waits.

        Raises:
            NotFound: there is no such replay.
        """
        ...

    async def unfinished_replays(self, now: datetime) -> list[ReplayStand]:
        """
        Return the replays that have not ended, oldest first.
        """
        ...

    async def choose(self, replay: Replay, limit: int) -> Chosen:
        """
        Return the next events of a replay, at most `limit`; it looks at so many events and no more.
        """
        ...

    async def enter(self, replay: Replay, chosen: Chosen, now: datetime) -> bool:
        """
        Make the deliveries of chosen events, due at once, and note how far the replay has come, in one
        transaction; nothing, and False, where it has moved on or ended meanwhile.
        """
        ...

    async def note_replay(self, replay: Replay, state: str, reason: str | None, now: datetime) -> None:
        """
        Keep a replay's new state, unless it has ended meanwhile.
        """
        ...

    # reconciliation

    async def reconcile(
        self, endpoint_id: str, start: datetime | None, end: datetime | None, after: str | None
    ) -> Reconciliation:
        """
        Compare what was recorded in [start, end) with what an endpoint has acknowledged.

        Raises:
            NotFound: there is no such endpoint.
            NoSuchPlace: `after` is no seq.
        """
        ...

    async def list_missing(
        self, endpoint_id: str, start: datetime | None, end: datetime | None, after: str | None, limit: int
    ) -> Page[MissingItem]:
        """
        Return the events of [start, end) that are missing: wanted by an endpoint, and neither acknowledged
        nor about to be sent; by seq.

        Raises:
            NotFound, NoSuchPlace: as `reconcile`.
        """
        ...

    # one call

    async def explain(self, call_id: str) -> Explanation | None:
        """
        Return how a call came to be known and who was told of it; None for an unknown one.
        """
        ...
