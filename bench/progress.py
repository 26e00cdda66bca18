"""
What a person sees while it runs: one line a step on standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from bench.figures import rounded


class Progress:
    """
    Tells what was measured, and how long the bench has been running.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """
        Write a line.
        """
        seconds = time.monotonic() - self._started
        sys.stderr.write(f"[{seconds:5.0f} s] {text}\n")
        sys.stderr.flush()

    def tell(self, what: str, figures: Mapping[str, float]) -> None:
        """
        Write some figures in a line.
        """
        shown = ", ".join(f"{name} {value}" for name, value in rounded(figures).items())
        self.say(f"{what}: {shown}")
