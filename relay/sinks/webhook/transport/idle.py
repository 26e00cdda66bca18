"""
Open connections that wait for the next request to their place.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from relay.sinks.webhook.transport.connection import Connection, Place

_PROMISED_IDLE: Final = re.compile(rb"timeout=([0-9]{1,6})", re.I)


class IdlePool:
    """
    Keeps connections for at most `limit_s` and at most `max_idle` of them; the one idle longest goes first.

    Whatever leaves the pool other than by `take` is closed.

    Args:
        limit_s: seconds after which an idle connection is closed.
        max_idle: connections kept over all places.
    """

    def __init__(self, limit_s: float, max_idle: int) -> None:
        self._limit_s = limit_s
        self._max_idle = max_idle
        self._by_place: dict[Place, list[Connection]] = {}
        self._expiries: dict[Connection, float] = {}  # in the order in which they became idle
        self._sweep_timer: asyncio.TimerHandle | None = None

    def take(self, place: Place, now: float) -> Connection | None:
        """
        Return the connection to `place` that was used last, or None where none is fit for use.
        """
        waiting = self._by_place.get(place)
        while waiting:
            connection = waiting.pop()
            if self._expiries.pop(connection) > now and connection.is_fit():
                return connection
            connection.abort()
        return None

    def put(self, connection: Connection, keep_alive: bytes | None) -> None:
        """
        Keep a connection whose answer was read whole; `keep_alive` is the header of that name, if any.

        A server that says how long it keeps idle connections gets a request at most until one second
        before: later ones could meet its close half-way, and would have no answer.
        """
        limit_s = self._limit_s
        promised = _PROMISED_IDLE.search(keep_alive) if keep_alive else None
        if promised is not None:
            limit_s = min(limit_s, int(promised[1]) - 1)
        if limit_s <= 0 or self._max_idle <= 0:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        if len(self._expiries) >= self._max_idle:
            self._drop(next(iter(self._expiries)))
        self._by_place.setdefault(connection.place, []).append(connection)
        self._expiries[connection] = loop.time() + limit_s
        if self._sweep_timer is None:
            self._sweep_timer = loop.call_later(self._limit_s, self._sweep)

    def forget(self, connection: Connection) -> None:
        """
        Drop a connection that is gone; harmless for one that is not here.
        """
        if connection in self._expiries:
            self._drop(connection)

    def close(self) -> None:
        """
        Close all.  Safe twice.
        """
        for connection in list(self._expiries):
            self._drop(connection)
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None

    def _drop(self, connection: Connection) -> None:
        del self._expiries[connection]
        waiting = self._by_place[connection.place]
        waiting.remove(connection)
        if not waiting:
            del self._by_place[connection.place]
        connection.abort()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [each for each, expiry in self._expiries.items() if expiry <= now]:
            self._drop(connection)
        # Places whose last connection was taken and never came back.
        self._by_place = {place: waiting for place, waiting in self._by_place.items() if waiting}
        self._sweep_timer = None
        if self._expiries:
            delay_s = min(self._expiries.values()) - now
            self._sweep_timer = loop.call_later(max(delay_s, self._limit_s / 10), self._sweep)
