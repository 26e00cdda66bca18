"""
Whether an endpoint is sent to as usual, or only probed because it has failed too often (DESIGN section 7).
"""

from __future__ import annotations

from typing import Final

from relay.model.endpoint import PROBING, Delivery, Endpoint

FAILURES_TO_PROBING: Final = 10
FIRST_PROBE_MS: Final = 5_000
LONGEST_PROBE_MS: Final = 300_000


class Breaker:
    """
    Counts failures in a row; after ten of them it allows one probe at a time, until something succeeds.

    Pure state, shared by the lanes of one endpoint.  An endpoint that was probed when relay was stopped is
    probed at once when it starts.

    Args:
        endpoint: as the journal has it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.is_probing = endpoint.state == PROBING
        self.failing_since_ms = endpoint.failing_since_ms if self.is_probing else None
        self.failures = 0
        self.next_probe_ms = 0
        self._delay_ms = FIRST_PROBE_MS
        self._probe: Delivery | None = None
        self._probe_due_ms = 0
        self._is_recovering = False

    @property
    def has_failed(self) -> bool:
        """
        Tell whether a failure has had no success after it.
        """
        return self.failing_since_ms is not None

    @property
    def is_waiting(self) -> bool:
        """
        Tell whether nothing but the time has to come for the next probe.
        """
        return self.is_probing and self._probe is None and not self._is_recovering

    def begin(self, delivery: Delivery, due_ms: int) -> None:
        """
        Note that a delivery is sent as a probe, which its own schedule has due at `due_ms`.
        """
        self._probe, self._probe_due_ms = delivery, due_ms

    def due_of_probe(self, delivery: Delivery) -> int | None:
        """
        Return when the probe was due by its own schedule; None for what is no probe.
        """
        return self._probe_due_ms if self._probe is delivery else None

    def failed(self, delivery: Delivery, now_ms: int) -> bool:
        """
        Note a failure; return whether the endpoint is only probed from now on.
        """
        self.failures += 1
        if self.failing_since_ms is None:
            self.failing_since_ms = now_ms
        if self._probe is delivery:
            self._probe = None
            self.next_probe_ms = now_ms + self._delay_ms
            self._delay_ms = min(2 * self._delay_ms, LONGEST_PROBE_MS)
        elif not self.is_probing and self.failures >= FAILURES_TO_PROBING:
            self.is_probing = True
            self.next_probe_ms = now_ms + FIRST_PROBE_MS
            self._delay_ms = 2 * FIRST_PROBE_MS
            return True
        return False

    def held(self, delivery: Delivery) -> None:
        """
        Note that the receiver asked for a wait: it is neither a failure nor a success.
        """
        if self._probe is delivery:
            self._probe = None

    def succeeded(self) -> bool:
        """
        Note a success; return whether the probing is over with it.

        Nothing is probed or sent until `reset`, once what waits is made due.
        """
        if self.is_probing:
            is_first, self._is_recovering = not self._is_recovering, True
            return is_first
        self.reset()
        return False

    def has_failed_for(self, now_ms: int, limit_s: int) -> bool:
        """
        Tell whether an endpoint that is probed has had no success for so long; a limit of 0 is none.
        """
        if not self.is_waiting or self.failing_since_ms is None or not limit_s:
            return False
        return now_ms - self.failing_since_ms >= limit_s * 1000

    def reset(self) -> None:
        """
        Forget all failures: the endpoint is sent to as usual.
        """
        self.is_probing = self._is_recovering = False
        self.failing_since_ms = self._probe = None
        self.failures = 0
        self._delay_ms = FIRST_PROBE_MS
