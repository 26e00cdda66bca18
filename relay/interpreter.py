"""
Set the interpreter up for a process that answers quickly beside threads and many short-lived objects.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

# How long a thread may keep the interpreter from the event loop; those of the journal are often busy.
SWITCH_INTERVAL_S: Final = 0.0005
# Objects of an event live for milliseconds and hold no cycles: looking for some at every 700 finds nothing.
COLLECT_AFTER: Final = (20_000, 20, 50)


def tune_interpreter() -> None:
    """
    Let threads take turns more often, and look for garbage less often and not among what is loaded now.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*COLLECT_AFTER)
    gc.collect()
    gc.freeze()
