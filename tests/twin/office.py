"""
A PBX driven in process, second by second, and what it shows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from relay.model.call import CALL_STREAMS, USER_CALLS
from relay.twin.voipcloud.pbx import Pbx
from relay.twin.voipcloud.settings import Traffic, TwinSettings
from relay.twin.voipcloud.stream_rows import PageQuery

START = 1_772_413_200  # 2026-03-02T01:00:00Z, noon in Sydney
EVERYTHING = PageQuery(limit=100_000)
Row = dict[str, Any]


class Office:
    """
    One PBX and the seconds since its start.
    """

    def __init__(self, settings: TwinSettings | None = None, start: int = START, **traffic: Any) -> None:
        usual = Traffic(**{"calls_per_minute": 20, "speed": 2, **traffic})
        self.pbx = Pbx(settings or TwinSettings("key", traffic=usual), start)
        self.faults = self.pbx.faults
        self.start = start
        self.second = 0

    def runs(self, seconds: int) -> None:
        self.second += seconds
        self.pbx.advance(self.start + self.second)

    def ends(self) -> None:
        self.pbx.make_calls(False)
        self.runs(7_200)

    def rows(self, stream: str = USER_CALLS, query: PageQuery = EVERYTHING) -> list[Row]:
        rows: list[Row] = orjson.loads(self.pbx.page(stream, query))
        return rows

    def shows(self) -> dict[str, list[Row]]:
        return {stream: self.rows(stream) for stream in CALL_STREAMS}


def second_of(row: Row, column: str = "call_start_at") -> int:
    """
    Return a time of a row in seconds since the start; naive times count as those of the start's zone.
    """
    return int(datetime.fromisoformat(row[column]).timestamp()) - START


def unlike(rows: list[Row], others: list[Row]) -> list[Row]:
    """
    Return the rows that are not among others.
    """
    return [row for row in rows if row not in others]
