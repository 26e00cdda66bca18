"""
A publisher that remembers what it was handed and fails as told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from relay.model.errors import RelayError
from relay.model.event import StoredEvent


class RecordingPublisher:
    """
    Stands at `relay.sinks.port.EventPublisher`; what it has committed survives its own failures.

    Errors put into `failures` are raised by the next calls of `publish`, those in `failures_at_open` by the
    next of `open`.  With `commits_before_failing` a failing publish has been committed all the same, as
    when an answer is lost.
    """

    def __init__(self) -> None:
        self.committed: list[StoredEvent] = []
        self.failures: list[RelayError | ZeroDivisionError] = []
        self.failures_at_open: list[RelayError] = []
        self.commits_before_failing = False
        self.opened = 0
        self.is_closed = False
        self._changed = asyncio.Condition()

    async def open(self) -> int:
        """
        Return the last seq committed.
        """
        self.opened += 1
        if self.failures_at_open:
            raise self.failures_at_open.pop(0)
        return self.committed[-1].seq if self.committed else 0

    async def publish(self, events: Sequence[StoredEvent]) -> None:
        """
        Commit some events, or fail.
        """
        if self.failures:
            failure = self.failures.pop(0)
            if self.commits_before_failing:
                await self._commit(events)
            raise failure
        await self._commit(events)

    async def close(self) -> None:
        """
        Remember that it was closed.
        """
        self.is_closed = True

    async def wait_for(self, count: int, timeout_s: float = 10.0) -> None:
        """
        Return once so many events are committed.

        Raises:
            TimeoutError: they were not in time.
        """
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: len(self.committed) >= count)

    async def _commit(self, events: Sequence[StoredEvent]) -> None:
        async with self._changed:
            self.committed.extend(events)
            self._changed.notify_all()
