"""
What a receiver consented to (CloudEvents, Abuse protection for HTTP webhooks).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

GRANT_LIFE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Grant:
    """
    A receiver's consent: who may send where, how many requests a minute (None: any), since when.
    """

    url: str
    origin: str
    rate_per_minute: int | None
    at: datetime

    def is_for(self, url: str, origin: str, now: datetime) -> bool:
        """
        Tell whether it still lets `origin` send to `url`.
        """
        return (self.url, self.origin) == (url, origin) and self.at <= now < self.at + GRANT_LIFE

    @property
    def rate_per_s(self) -> float | None:
        """
        Return how many requests a second it allows; None: any number.
        """
        return None if self.rate_per_minute is None else self.rate_per_minute / 60
