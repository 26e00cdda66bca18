"""
A phone system's list of calls as its API shows it: newest first, in no order within a second, changing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from aiohttp import web

from tests.sources.vendor import NOON

Row = dict[str, Any]
NAMES: Final = ("users_names", "queues_names", "ringgroups_names")


def call(second: int, number: int = 0, name: str | None = "Alice", **columns: Any) -> Row:
    """
    Return the row of a call that began so many seconds before noon.
    """
    start = (NOON - timedelta(seconds=second)).isoformat()
    return {
        "call_start_at": start,
        "from_number": f"04915701{number:02}",
        "to_number": "0270101000",
        "is_inbound": 1,
        "user_name": name,
        **columns,
    }


class CallList:
    """
    Answers pages of `rows`, and changes as a test says before it answers a request.

    Offsets beyond `last_offset` are answered 400.  `before[number]` is done before request `number` (from 0).
    With `has_loose_filter` a name lets those pass that hold it.
    """

    def __init__(
        self,
        rows: list[Row],
        seed: int = 0,
        last_offset: int | None = None,
        *,
        has_loose_filter: bool = False,
    ) -> None:
        self.rows = list(rows)
        self.before: dict[int, Callable[[], object]] = {}
        self.asked: list[Mapping[str, str]] = []
        self._last_offset = last_offset
        self._has_loose_filter = has_loose_filter
        self._rng = random.Random(seed)

    def page(self, params: Mapping[str, str]) -> list[Row] | None:
        """
        Return the rows asked for, or None where the offset is refused.
        """
        self.before.get(len(self.asked), lambda: None)()
        self.asked.append(dict(params))
        offset, limit = int(params["offset"]), int(params["limit"])
        if self._last_offset is not None and offset > self._last_offset:
            return None
        names = next((params[parameter] for parameter in NAMES if parameter in params), None)
        rows = [row for row in self.rows if names is None or self._passes(row, names.split(","))]
        self._rng.shuffle(rows)
        rows.sort(key=_start, reverse=True)
        return rows[offset : offset + limit]

    def _passes(self, row: Row, names: list[str]) -> bool:
        name = row["user_name"]
        if self._has_loose_filter:
            return any(part in (name or "") for part in names)
        return name in names

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """
        Answer as the phone system does.
        """
        rows = self.page(request.query)
        if rows is None:
            return web.Response(body=b'{"code":400,"message":"Parameters error"}', status=400)
        return web.Response(body=orjson.dumps(rows))


def _start(row: Row) -> datetime:
    """
    Return when a row stands in the list: `sorted_at` where its own start cannot be read.
    """
    return datetime.fromisoformat(str(row.get("sorted_at", row["call_start_at"])))
