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
    What could go now, counted up to the limits of one batch.
    """

    events: int
    is_whole_batch: bool


class BatchLane(Lane):
    """
    Pure state, as `Lane`; `max_in_flight` counts batches.
    """

    def __init__(self, max_in_flight: int, batch: BatchOptions) -> None:
        super().__init__(max_in_flight)
        self.options = batch
        self._failed: deque[Batch] = deque()
        self._sent = 0

    @property
    def in_flight(self) -> int:
        """
        Return how many batches are under way.
        """
        return self._sent

    def ready(self) -> Ready:
        """
        Return what could go now, if the window has room.
        """
        if self._sent >= self.max_in_flight:
            return Ready(0, False)
        if self._failed:
            return Ready(1, True)
        events, size_bytes = 0, BRACKETS_BYTES
        for key in self._ready:
            for delivery in self._queues[key]:
                events, size_bytes = events + 1, size_bytes + len(delivery.body) + 1
                if events >= self.options.max_events or size_bytes > self.options.max_bytes:
                    return Ready(events, True)
        return Ready(events, False)

    def take_batch(self) -> Batch | None:
        """
        Return what goes next in one request, or None: nothing is ready, or the window is full.
        """
        if self._sent >= self.max_in_flight or not (self._failed or self._ready):
            return None
        batch = self._failed.popleft() if self._failed else Batch.of(self._cut())
        self._sent += 1
        return batch

    def batch_settled(self, batch: Batch) -> None:
        """
        Note a final outcome: what follows of its subjects may go, before the outcome is committed.
        """
        self._sent -= 1
        for delivery in batch.members:
            self.settled(delivery)

    def batch_postponed(self, batch: Batch, due_at_ms: int) -> None:
        """
        Note that a batch waits: its subjects are left to the journal until then.
        """
        self._sent -= 1
        for delivery in batch.members:
            self.postponed(delivery, due_at_ms)

    def settled(self, delivery: Delivery) -> None:
        """
        Note a final outcome; a subject with several events in a batch is free, and ready, once.
        """
        key = delivery.subject_key
        is_free = key in self._busy
        self._busy.discard(key)
        self._uncommitted[key] += 1
        if is_free and key in self._queues:
            self._ready.append(key)

    def page_in(self, page: LanePage, limits: tuple[int, int], now_ms: int) -> None:
        """
        Take a page; the subjects of its batches are busy from now on, and led by the journal.
        """
        for batch in page.batches:
            keys = {delivery.subject_key for delivery in batch.members}
            if keys & self._busy:
                continue  # it was taken from an earlier page, and is on its way
            self._failed.append(batch)
            self._busy |= keys
            self._led_by_journal.update(dict.fromkeys(keys, NOW))
        super().page_in(page, limits, now_ms)

    def _cut(self) -> tuple[Delivery, ...]:
        members: list[Delivery] = []
        size_bytes = BRACKETS_BYTES
        while self._ready and len(members) < self.options.max_events:
            key = self._ready[0]
            queue = self._queues[key]
            fitting = len(members)
            while queue and len(members) < self.options.max_events:
                size_bytes += len(queue[0].body) + 1
                if members and size_bytes > self.options.max_bytes:
                    break
                members.append(queue.popleft())
            if len(members) == fitting:
                break  # not even its first: it leads the next batch
            self._ready.popleft()
            self._busy.add(key)
            if queue:
                continue
            del self._queues[key]
        self._held -= len(members)
        self._held_bytes -= sum(len(member.body) for member in members)
        return tuple(members)
