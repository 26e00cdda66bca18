"""
What an endpoint may be sent now.
"""

from __future__ import annotations

from typing import Final

from relay.model.clock import Clock
from relay.model.endpoint import DISABLED, PAUSED, Endpoint
from relay.pipeline.breaker import Breaker
from relay.pipeline.rate import TokenBucket

CLOSED: Final = (PAUSED, DISABLED)


class Standing:
    """
    Shared by the lanes of one endpoint.

    `is_closed` while it is paused, or disabled; `not_before_ms` is until when its receiver wants nothing.

    Args:
        endpoint: as the journal has it.
        clock: tells the present.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self.breaker = Breaker(endpoint)
        self.is_closed = endpoint.state in CLOSED
        self.not_before_ms = endpoint.not_before_ms or 0
        self.rate: TokenBucket | None = None
        self._clock = clock

    def limit(self, rate_per_s: float) -> None:
        """
        Allow so many requests a second from now on; 0: as many as there are.
        """
        if rate_per_s <= 0:
            self.rate = None
        elif self.rate is None or self.rate.rate_per_s != rate_per_s:
            self.rate = TokenBucket(rate_per_s, self._clock.monotonic())

    def may_send(self) -> bool:
        """
        Tell whether a request may be made now, and the endpoint is not only probed.
        """
        return not self.breaker.is_probing and self._takes_requests()

    def may_probe(self) -> bool:
        """
        Tell whether a probe may be made now.
        """
        breaker = self.breaker
        return breaker.is_waiting and breaker.next_probe_ms <= self._clock.now_ms() and self._takes_requests()

    def wait_ms(self) -> float:
        """
        Return how long nothing may be sent for sure; 0 where something may be, or only the endpoint's state
        forbids it.
        """
        now_ms, breaker = self._clock.now_ms(), self.breaker
        wait_ms = float(self.not_before_ms - now_ms)
        if breaker.is_probing:
            wait_ms = max(wait_ms, breaker.next_probe_ms - now_ms)
        return max(wait_ms, self.token_wait_s() * 1000, 0.0)

    def token_wait_s(self) -> float:
        """
        Return how long to wait until the rate allows a request.
        """
        return 0.0 if self.rate is None else self.rate.wait_s(self._clock.monotonic())

    def _takes_requests(self) -> bool:
        return (
            not self.is_closed
            and (self.not_before_ms == 0 or self.not_before_ms <= self._clock.now_ms())
            and (self.rate is None or self.rate.wait_s(self._clock.monotonic()) == 0.0)
        )
