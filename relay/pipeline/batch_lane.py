"""
The in-memory queue of an endpoint that takes its events in batches.

A batch may hold several events of a subject, in order; until it is settled nothing more of its subjects goes.
A batch that failed comes back from the journal whole, and goes before all others.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from relay.journal.port import LanePage
from relay.model.delivery_options import BatchOptions
from relay.model.endpoint import Batch, Delivery
from relay.pipeline.lane import NOW, Lane

BRACKETS_BYTES: Final = 2


class Ready(NamedTuple):
    """
    How many events could go now, up to the limits of one batch, and whether there is reason to wait for more.
    """

    events: int
    is_whole: bool


class BatchLane(Lane):
    """
    Pure state, as `Lane`, from which batches are cut.
    """

    def __init__(self, max_in_flight: int, batch: BatchOptions) -> None:
        super().__init__(max_in_flight)
        self.options = batch
        self._failed: deque[Batch] = deque()

    def ready(self) -> Ready:
        """
        Return what could go now.
        """
        if self._failed:
            return Ready(len(self._failed[0].members), True)
        events, size_bytes = 0, BRACKETS_BYTES
        for key in self._ready:
            for delivery in self._queues[key]:
                events, size_bytes = events + 1, size_bytes + len(delivery.body) + 1
                if events >= self.options.max_events or size_bytes > self.options.max_bytes:
                    return Ready(events, True)
        return Ready(events, False)

    def take_batch(self) -> Batch | None:
        """
        Return what goes next in one request, or None: nothing is ready.
        """
        if self._failed:
            return self._failed.popleft()
        return Batch.of(self._cut()) if self._ready else None

    def drop(self) -> None:
        """
        Forget what is not under way: it is left to the journal.
        """
        for batch in self._failed:
            self._busy -= {delivery.subject_key for delivery in batch.members}
        self._failed.clear()
        super().drop()

    def page_in(self, page: LanePage, limits: tuple[int, int], now_ms: int) -> None:
        """
        Take a page; the subjects of its batches are busy from now on, and led by the journal.
        """
        for batch in page.batches:
            self.restock_batch(batch)
        super().page_in(page, limits, now_ms)

    def restock_batch(self, batch: Batch) -> None:
        """
        Take a batch that failed as it was read from the journal; one that is here already is not taken.
        """
        keys = {delivery.subject_key for delivery in batch.members}
        if not keys & self._busy:
            self._failed.append(batch)
            self._busy |= keys
            self._led_by_journal.update(dict.fromkeys(keys, NOW))

    def _cut(self) -> tuple[Delivery, ...]:
        members: list[Delivery] = []
        left_bytes = self.options.max_bytes - BRACKETS_BYTES
        attempt = self._queues[self._ready[0]][0].attempt  # all of a batch are at one place of their schedule
        while self._ready and len(members) < self.options.max_events:
            key = self._ready[0]
            queue, before = self._queues[key], len(members)
            while queue and queue[0].attempt == attempt and len(members) < self.options.max_events:
                left_bytes -= len(queue[0].body) + 1
                if members and left_bytes < 0:
                    break
                members.append(queue.popleft())
            if len(members) == before:
                break  # not even its first: it leads the next batch
            self._ready.popleft()
            self._busy.add(key)
            if not queue:
                del self._queues[key]
        self._held -= len(members)
        self._held_bytes -= sum(len(member.body) for member in members)
        return tuple(members)
