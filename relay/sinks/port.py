"""
What sinks promise to the pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from relay.model.endpoint import Delivery, RegisteredEndpoint
from relay.model.event import StoredEvent
from relay.model.grant import Grant
from relay.model.outcome import Outcome
from relay.model.signed_request import PublicKey, SignatureCheck


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


class Auth(Protocol):
    """
    What a receiver asks of requests besides signatures.

    `headers` go with every request; they are asked for once, when an endpoint is opened or changed.
    `secrets` are what must never be shown, also where the receiver says it back.
    """

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """
        Return names and values.
        """
        ...

    @property
    def secrets(self) -> Sequence[bytes]:
        """
        Return what is secret of them.
        """
        ...


class Signatures(Protocol):
    """
    What can be told of an endpoint's signatures to anybody: never a secret.
    """

    def public_keys(self, endpoint: RegisteredEndpoint) -> list[PublicKey]:
        """
        Return the keys that its signatures of `v1a` are checked with, newest first.
        """
        ...

    def check(
        self, endpoint: RegisteredEndpoint, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> SignatureCheck:
        """
        Check the signature of a request as the endpoint's receiver would at `now`.
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
