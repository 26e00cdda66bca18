"""
What the source must know of a row to page: when its call began, and what of it never changes.

The rest is for `relay.normalise`: rows are handed on untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.times import from_vendor

Row = dict[str, Any]

START: Final = "call_start_at"
_UNCHANGING: Final = {
    USER_CALLS: (START, "from_number", "to_number", "is_inbound"),
    QUEUE_CALLS: (START, "callerid", "inbound_number"),
    RINGGROUP_CALLS: (START, "callerid", "inbound_number"),
}
# By which parameter rows of some names alone can be asked for, and in which column they stand.
_NAMES: Final = {
    USER_CALLS: ("users_names", "user_name"),
    QUEUE_CALLS: ("queues_names", "queue_name"),
    RINGGROUP_CALLS: ("ringgroups_names", "ring_group_name"),
}


@dataclass(frozen=True, slots=True)
class CallList:
    """
    One list of calls: the stream, the zone of times without an offset, how many rows are shown at once and
    how many may be held in memory.
    """

    stream: str
    zone: ZoneInfo
    largest_page: int
    most_rows: int

    @property
    def names_parameter(self) -> str:
        """
        Return the parameter that asks for the rows of one name.
        """
        return _NAMES[self.stream][0]

    @property
    def names_column(self) -> str:
        """
        Return the column that holds the name.
        """
        return _NAMES[self.stream][1]

    @property
    def identity(self) -> Callable[[Row], str]:
        """
        Return what tells rows apart, but for twins, by what never changes: start and numbers.
        """
        columns = _UNCHANGING[self.stream]
        return lambda row: repr([row.get(column) for column in columns])

    def start_text(self, row: Row) -> str | None:
        """
        Return the start as written, or None where it cannot be read.
        """
        return None if self.earliest_start(row) is None else row[START]

    def earliest_start(self, row: Row) -> datetime | None:
        """
        Return when a call began, in the repeated hour by its first pass; None where it cannot be read.
        """
        return self._start(row, min)

    def latest_start(self, row: Row) -> datetime | None:
        """
        Return when a call began, in the repeated hour by its second pass; None where it cannot be read.
        """
        return self._start(row, max)

    def _start(self, row: Row, choose: Callable[[datetime, datetime], datetime]) -> datetime | None:
        try:
            return choose(from_vendor(row[START], self.zone), from_vendor(row[START], self.zone, fold=1))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
