"""
What a dialer's loop asks for, and how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

# The streams of a dialer, as metrics and the source's state name them.
AGENTS: Final = "agents"
IN_GROUPS: Final = "in_groups"
USER_GROUPS: Final = "user_groups"
CALLS: Final = "calls"
DID_CALLS: Final = "did_calls"
AGENT_STATS: Final = "agent_stats"
VERSION: Final = "version"
LISTS: Final = "lists"
PAST: Final = "past"
CROSS_LINKS: Final = "cross_links"  # asks no phone system: what it finds is in the journal


@dataclass(frozen=True, slots=True)
class DialerSettings:
    """
    One dialer.  Times in seconds; names as the dialer has them.

    `agents` are asked one by one where the user may not list those logged in.  `stats_every_s` None: what
    agents did is not read; a window is asked for `stats_settle_s` after its end.
    """

    source_id: str
    zone: ZoneInfo
    poll_every_s: float = 2.0
    agents: tuple[str, ...] = ()
    in_groups: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = ()
    group_every_s: float = 5.0
    min_interval_s: float = 10.0
    dids: tuple[str, ...] = ()
    did_every_s: float = 60.0
    version_every_s: float = 60.0
    with_recordings: bool = True
    stats_every_s: int | None = None
    stats_settle_s: int = 120
    end_hold: timedelta = timedelta(seconds=120)
