"""
Resident memory of this process.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Memory:
    """
    Looked at again and again.
    """

    samples: list[int] = field(default_factory=list)

    def look(self) -> int:
        """
        Take a sample; return it in bytes.
        """
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
        self.samples.append(resident)
        return resident

    def look_mb(self) -> float:
        """
        Take a sample; return it in MB (10^6 bytes).
        """
        return self.look() / 1e6

    @property
    def peak_mb(self) -> float:
        """
        Return the highest sample.
        """
        return max(self.samples) / 1e6
