"""
What the figures were measured on, and whether the machine had something else to do.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any, Final

STAT: Final = Path("/proc/stat")
IDLE: Final = (3, 4)  # idle, and waiting for a disk (proc(5))
COUNTED: Final = slice(0, 8)  # guests are in user time already


class Rig:
    """
    Watches the machine from now on.
    """

    def __init__(self) -> None:
        self._busy_s, self._all_s = _machine_s()
        self._own_s = _own_s()

    def to_json(self, runs: int, receiver_per_s: float | None) -> dict[str, Any]:
        """
        Return the rig; `busy_elsewhere` is the share of all cores that went to others since, None if unknown.
        """
        busy_s, all_s = _machine_s()
        took_s = all_s - self._all_s
        others_s = busy_s - self._busy_s - (_own_s() - self._own_s)
        return {
            "receiver_per_s": receiver_per_s,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "runs": runs,
            "busy_elsewhere": max(0.0, others_s / took_s) if took_s else None,
        }


def _machine_s() -> tuple[float, float]:
    """
    Return the busy and the whole time of all cores since the machine started; (0, 0) where nothing tells.
    """
    if not STAT.exists():
        return 0.0, 0.0
    ticks = [int(word) for word in STAT.read_text().partition("\n")[0].split()[1:]][COUNTED]
    idle = sum(ticks[place] for place in IDLE)
    per_s = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - idle) / per_s, sum(ticks) / per_s


def _own_s() -> float:
    """
    Return the CPU time of this process and of all that it started and that have ended.
    """
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
