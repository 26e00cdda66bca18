"""
A sink that remembers what it was handed and answers as told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from relay.model.endpoint import Delivery
from relay.model.outcome import Delivered, Outcome


class RecordingSink:
    """
    Stands at `relay.sinks.port.DeliverySink`.

    `answer` decides each outcome; without one everything is delivered.  While `gate` is closed attempts
    hang, as with a receiver that does not answer.
    """

    def __init__(self, answer: Callable[[Delivery], Outcome] | None = None) -> None:
        self.answer = answer or (lambda _: Delivered(200))
        self.attempted: list[Delivery] = []
        self.delivered: list[Delivery] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._changed = asyncio.Condition()

    async def deliver(self, delivery: Delivery) -> Outcome:
        """
        Remember the delivery and answer.
        """
        self.attempted.append(delivery)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        async with self._changed:
            self._changed.notify_all()
        try:
            await self.gate.wait()
            outcome = self.answer(delivery)
        finally:
            self.in_flight -= 1
        if isinstance(outcome, Delivered):
            self.delivered.append(delivery)
        async with self._changed:
            self._changed.notify_all()
        return outcome

    async def wait_until(self, is_so: Callable[[RecordingSink], bool], timeout_s: float = 10.0) -> None:
        """
        Return once something is true of this sink.

        Raises:
            TimeoutError: it did not become true in time.
        """
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: is_so(self))
