"""
What sinks promise to the pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from relay.model.endpoint import Delivery
from relay.model.event import StoredEvent
from relay.model.grant import Grant
from relay.model.outcome import Outcome


class DeliverySink(Protocol):
    """
    Hands single events to one registered endpoint.
    """

    async def deliver(self, delivery: Delivery) -> Outcome:
        """
        Make one attempt; never more than one, since a request that was sent may have arrived.

        Bounded by the endpoint's timeout.  Raises nothing on purpose; a cancelled attempt has no outcome.
        """
        ...


class GrantBook(Protocol):
    """
    Keeps what receivers consented to, over restarts.
    """

    async def grant_of(self, endpoint_id: str) -> Grant | None:
        """
        Return what an endpoint's receiver consented to last, at whatever address it then had.
        """
        ...

    async def keep_grant(self, endpoint_id: str, grant: Grant) -> None:
        """
        Keep a consent in place of the one before.
        """
        ...


class EventPublisher(Protocol):
    """
    Publishes the journal in seq order, exactly once.

    `open` may be called again after any failure: it makes everything anew and trusts only what the other
    side has committed.  After an error nothing else may be called before `open`.
    """

    async def open(self) -> int:
        """
        Fence every earlier publisher of this deployment; return the last seq the other side has (0: none).

        Raises:
            PublisherLost: not now.
            JournalUnusable: the other side's cursor is not of this journal.
        """
        ...

    async def publish(self, events: Sequence[StoredEvent]) -> None:
        """
        Commit all of `events` and the cursor behind them, or nothing.

        Raises:
            PublisherLost: the outcome is unknown; only `open` tells.
        """
        ...

    async def close(self) -> None:
        """
        Release everything, within a few seconds even where the other side hangs.  Safe twice.
        """
        ...
