"""
Run the lanes of this process, those opened later too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from relay.pipeline.endpoint_lane import EndpointLane


class RunningLanes:
    """
    Supervises lanes: a bug in one of them ends all, loudly.  `ended` is told of every lane that is done.
    """

    def __init__(self, ended: Callable[[EndpointLane], None]) -> None:
        self._ended = ended
        self._lanes: set[EndpointLane] = set()
        self._group: asyncio.TaskGroup | None = None

    def add(self, lane: EndpointLane) -> None:
        """
        Run a lane: at once, or with `run`; not once told to stop.
        """
        self._lanes.add(lane)
        if self._group is not None:
            self._start(lane, self._group)

    async def run(self, stop: asyncio.Event) -> None:
        """
        Run until told to stop and every lane has finished.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            for lane in self._lanes:
                self._start(lane, group)
            try:
                await stop.wait()
            finally:
                self._group = None
            for lane in self._lanes:
                lane.stop()

    def _start(self, lane: EndpointLane, group: asyncio.TaskGroup) -> None:
        task = group.create_task(lane.run(), name=lane.name)
        task.add_done_callback(lambda _: self._forget(lane))

    def _forget(self, lane: EndpointLane) -> None:
        self._lanes.discard(lane)
        self._ended(lane)
