"""
Ask a receiver whether it wants events at all, before the first one is sent (CloudEvents, Abuse protection
for HTTP webhooks, section 4: an OPTIONS request that only the owner of the address answers rightly).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from relay.model.clock import Clock
from relay.model.endpoint import EndpointSpec
from relay.model.errors import JournalBusy, TransportError
from relay.model.grant import Grant
from relay.model.outcome import TryLater
from relay.sinks.port import GrantBook
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.headers import build_headers
from relay.sinks.webhook.transport.reply import Reply
from relay.sinks.webhook.transport.target import Target
from relay.sinks.webhook.verdict import KEPT_ANSWER_BYTES, judge

NO_CONSENT: Final = "no_consent"
ASK_AGAIN_AFTER: Final = timedelta(seconds=60)
ANY: Final = "*"
REQUEST_ORIGIN: Final = b"webhook-request-origin"
FIRST_ASK_PER_S: Final = 0.2  # until it is known how much is allowed: one delivery, with which it is asked
_LONGEST_RATE: Final = 9  # digits


class Handshake:
    """
    Keeps the consent of one receiver: asked for once, kept over restarts, asked for again after 24 hours or
    at a new address.  However many deliveries wait for it, one request is made.

    Args:
        spec: the endpoint.
        origin: the DNS name of this sender, the same for all endpoints.
        transport: sends the request.
        book: where consents are kept.
        clock: tells when one is too old.
    """

    def __init__(
        self, spec: EndpointSpec, origin: str, transport: Transport, book: GrantBook, clock: Clock
    ) -> None:
        self.origin = origin
        self._endpoint_id, self._url, self._timeout_s = spec.id, spec.url, spec.timeout_s
        self._target = Target.of_url(spec.url, spec.options.client_certificate, "OPTIONS")
        self._transport = transport
        self._book = book
        self._clock = clock
        self._grant: Grant | None = None
        self._is_known = False  # whether the book was asked
        self._tell_rate: Callable[[float | None], None] = lambda _: None
        self._asking: asyncio.Task[TryLater | None] | None = None
        asked = [(REQUEST_ORIGIN, origin.encode())]
        if spec.options.rate_per_s:
            per_minute = max(1, math.floor(spec.options.rate_per_s * 60))
            asked.append((b"webhook-request-rate", b"%d" % per_minute))
        self._lines = build_headers(asked)

    @property
    def rate_per_s(self) -> float | None:
        """
        Return how many requests a second may be made now; None: any number.
        """
        return self._grant.rate_per_s if self._grant is not None else FIRST_ASK_PER_S

    def follow_rate(self, tell: Callable[[float | None], None]) -> None:
        """
        Tell somebody of the rate that the receiver allows, now and whenever it is another.
        """
        self._tell_rate = tell
        tell(self.rate_per_s)

    async def refusal(self) -> TryLater | None:
        """
        Return None where the receiver consents, else what becomes of an attempt that is not made.

        Without consent the lane waits a minute, or as long as the receiver says (429, 503), and no attempt
        is used up.
        """
        if self._is_granted():
            return None
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="handshake")
            self._asking.add_done_callback(self._asked)
        # One delivery that is cancelled must not take the answer from the others.
        return await asyncio.shield(self._asking)

    def _is_granted(self) -> bool:
        return self._grant is not None and self._grant.is_for(self._url, self.origin, self._clock.now())

    def _asked(self, _task: asyncio.Task[TryLater | None]) -> None:
        self._asking = None

    async def _ask(self) -> TryLater | None:
        if await self._was_granted():
            return None
        try:
            reply = await self._transport.post(self._target, self._lines, b"", timeout_s=self._timeout_s)
        except TransportError as error:
            return TryLater(error.reason, answer=str(error).encode()[:KEPT_ANSWER_BYTES])
        try:
            grant = self._grant_in(reply)
        except ValueError as error:
            return self._refused(reply, str(error))
        self._grant = grant
        self._tell_rate(self.rate_per_s)
        with suppress(JournalBusy):  # it counts all the same; after a restart the receiver is asked again
            await self._book.keep_grant(self._endpoint_id, grant)
        return None

    async def _was_granted(self) -> bool:
        if self._is_known:
            return False
        with suppress(JournalBusy):  # then the receiver is asked, as if for the first time
            self._grant = await self._book.grant_of(self._endpoint_id)
            self._tell_rate(self.rate_per_s)
            self._is_known = True
        return self._is_granted()

    def _grant_in(self, reply: Reply) -> Grant:
        """
        Return the consent in an answer.  Its status says nothing: a receiver that knows nothing of this may
        answer anything.
        """
        headers = reply.headers
        origin = headers.get("webhook-allowed-origin", "").strip()
        if not origin:
            raise ValueError(f"OPTIONS was answered {reply.status} without WebHook-Allowed-Origin")
        if origin != ANY and origin.lower() != self.origin.lower():
            raise ValueError(f"WebHook-Allowed-Origin is {origin[:200]!r}, and this sender {self.origin}")
        rate = headers.get("webhook-allowed-rate", ANY).strip()
        if rate == ANY:
            return Grant(self._url, self.origin, None, self._clock.now())
        if not (rate.isascii() and rate.isdigit() and len(rate) <= _LONGEST_RATE and int(rate)):
            raise ValueError(f"WebHook-Allowed-Rate is {rate[:200]!r}: neither a number of requests nor *")
        return Grant(self._url, self.origin, int(rate), self._clock.now())

    def _refused(self, reply: Reply, why: str) -> TryLater:
        now = self._clock.now()
        asked = judge(reply.status, reply.headers, b"", now)
        until = asked.not_before if isinstance(asked, TryLater) else None
        return TryLater(
            NO_CONSENT,
            reply.status,
            f"no consent: {why}".encode()[:KEPT_ANSWER_BYTES],
            not_before=max(until, now + ASK_AGAIN_AFTER) if until else now + ASK_AGAIN_AFTER,
            is_refusal=True,
        )
