"""
Test an endpoint because a person asked: one attempt, outside its lane and the journal.
"""

from __future__ import annotations

import logging
import secrets
from typing import Final

from relay.model.clock import Clock
from relay.model.endpoint import Delivery, Endpoint
from relay.model.errors import Conflict
from relay.model.outcome import Outcome, TestResult, TryLater
from relay.model.times import to_ms
from relay.normalise.endpoint_events import ping
from relay.sinks.port import DeliverySink

MAX_AT_ONCE: Final = 5

log = logging.getLogger(__name__)


class Pings:
    """
    Makes the attempts that people ask for, a few at a time over all endpoints.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way = 0

    async def attempt(self, endpoint: Endpoint, sink: DeliverySink) -> TestResult:
        """
        Send an `endpoint.test` event once, whatever state the endpoint is in.

        Raises:
            Conflict: too many are under way.
        """
        if self._under_way >= MAX_AT_ONCE:
            raise Conflict(f"{MAX_AT_ONCE} tests are under way, which is the most: try again later")
        self._under_way += 1
        try:
            delivery = self._delivery(endpoint)
            started_s = self._clock.monotonic()
            outcome = await _outcome(sink, delivery)
            latency_ms = round((self._clock.monotonic() - started_s) * 1000)
        finally:
            self._under_way -= 1
        return TestResult(outcome, latency_ms, delivery.event_id)

    def _delivery(self, endpoint: Endpoint) -> Delivery:
        now = self._clock.now()
        event = ping(endpoint, f"evt_test_{secrets.token_hex(16)}", now)
        return Delivery(
            endpoint_no=endpoint.no,
            seq=0,
            job=0,
            subject_key=0,
            event_id=event.id,
            attempt=0,
            occurred_at_ms=to_ms(now),
            recorded_at_ms=to_ms(now),
            body=event.to_json(now),
        )


async def _outcome(sink: DeliverySink, delivery: Delivery) -> Outcome:
    try:
        return await sink.deliver(delivery)
    except Exception as error:  # a bug of a sink is an answer, as it is in a lane
        log.exception("a sink failed", extra={"event": delivery.event_id})
        return TryLater(reason="bug", answer=repr(error).encode()[:1024])
