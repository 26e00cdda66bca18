"""
How long a stretch of the past one read asks for: as much as an answer can show.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from relay.sources.port import Pull

LONGEST: Final = timedelta(days=32)
SHORTEST: Final = timedelta(hours=1)
GROWS_BELOW_ROWS: Final = 4_000  # a stretch with so few rows may be twice as long


class Span:
    """
    The length of the next stretch, a day at first.
    """

    def __init__(self) -> None:
        self.length = timedelta(days=1)

    def fit(self, pull: Pull) -> None:
        """
        Halve it after an answer that was cut, double it after a short one.
        """
        if pull.covered_from > pull.window_start:
            self.failed()
        elif len(pull.rows) < GROWS_BELOW_ROWS:
            self.length = min(self.length * 2, LONGEST)

    def failed(self) -> None:
        """
        Halve it after no answer: it may have been too much for one.
        """
        self.length = max(self.length / 2, SHORTEST)

    @property
    def is_shortest(self) -> bool:
        """
        Tell whether it cannot be any shorter.
        """
        return self.length == SHORTEST
