"""
A journal that the process loses at a chosen operation, before it or after it was committed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from relay.journal.store import SqlJournal


class Crash(BaseException):
    """
    The process is gone: nothing after this happens, whatever tries to catch errors.
    """


class CrashingJournal:
    """
    Passes everything on to a journal until the operation at which the process dies.
    """

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal
        self._operations_left: int | None = None
        self._is_committed = False

    def crash_at(self, operation: int, *, is_committed: bool) -> None:
        """
        Die at an operation from now on (0: the next), after its commit or before it.
        """
        self._operations_left = operation
        self._is_committed = is_committed

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._journal, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return self._watched(value)

    def _watched(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        async def watched(*args: Any, **named: Any) -> Any:
            is_last = self._operations_left == 0
            if self._operations_left is not None:
                self._operations_left -= 1
            if self._operations_left is not None and self._operations_left < -1:
                raise Crash  # what other tasks try before they are gone
            if is_last and not self._is_committed:
                raise Crash
            result = await operation(*args, **named)
            if is_last:
                raise Crash
            return result

        return watched
