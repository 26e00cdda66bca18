"""
When a failed delivery is tried again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

JITTER: Final = 0.2


def next_delay_s(schedule: Sequence[int], attempts_made: int, rng: random.Random) -> float | None:
    """
    Return the seconds to wait before the next attempt, or None once the schedule is used up.

    After the first attempt (`attempts_made` = 1) the first entry counts.  Every delay is spread evenly
    over 20 % to either side, so that what failed together does not come back together; never below 0.
    """
    if attempts_made < 1:
        raise ValueError("a delay follows an attempt: attempts_made must be at least 1")
    if attempts_made > len(schedule):
        return None
    return max(0.0, schedule[attempts_made - 1] * rng.uniform(1 - JITTER, 1 + JITTER))
