"""
Run what a lane does beside its loop: attempts, and reports of what came of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from relay.pipeline.waiting import pause_until_done


class Attempts:
    """
    The tasks of one lane.  A bug in one of them is kept in `failure`, for the lane to raise.

    Args:
        ended: told of every task that is over.
        grace_s: how long those under way may take once they are cut short.
    """

    def __init__(self, ended: Callable[[], None], grace_s: float) -> None:
        self.failure: BaseException | None = None
        self._ended = ended
        self._grace_s = grace_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_cut_short = asyncio.Event()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """
        Run something beside the loop.
        """
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def cut_short(self) -> None:
        """
        Let `finish` wait no longer than the grace.
        """
        self._is_cut_short.set()

    async def finish(self) -> None:
        """
        Return once everything is over; what is cut off has no outcome, stays due and is made again.
        """
        ending = asyncio.create_task(self._all_done())
        try:
            await pause_until_done(ending, self._is_cut_short, self._grace_s)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.failure = task.exception()
            self._is_cut_short.set()
        self._ended()

    async def _all_done(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)
