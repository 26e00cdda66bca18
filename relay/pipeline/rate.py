"""
How fast an endpoint may be sent to: a token bucket.
"""

from __future__ import annotations


class TokenBucket:
    """
    Holds a token for each request that may be made now; `rate_per_s` come in a second.

    It holds at most those of one second, and at least one; it is full when made.

    Args:
        rate_per_s: requests a second, more than 0.
        now_s: the present, by a clock that never goes back; so everywhere here.
    """

    def __init__(self, rate_per_s: float, now_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._most = max(1.0, rate_per_s)
        self._tokens = self._most
        self._counted_s = now_s

    def wait_s(self, now_s: float) -> float:
        """
        Return how long to wait for a token; 0 where there is one.
        """
        self._tokens = min(self._most, self._tokens + (now_s - self._counted_s) * self.rate_per_s)
        self._counted_s = now_s
        # A clock is not exact: a token that lacks a billionth would be waited for, and lack it again.
        missing = 1.0 - self._tokens
        return missing / self.rate_per_s if missing > 1e-9 else 0.0

    def spend(self) -> None:
        """
        Take a token: a request is made.
        """
        self._tokens -= 1.0
