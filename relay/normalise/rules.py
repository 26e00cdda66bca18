"""
What normalising one source depends on besides its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class CallRules:
    """
    The settings of one source that decide how rows become calls.

    Calls that ended before `publish_from` are silent.  A negative end waits until every call stream was
    read `link_window` after it, at most `end_hold` from when it was first seen.
    """

    source_id: str
    zone: ZoneInfo
    country: str
    publish_from: datetime
    link_window: timedelta = timedelta(seconds=10)
    end_hold: timedelta = timedelta(seconds=120)
