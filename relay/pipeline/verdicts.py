"""
What an outcome means for a delivery, its subject and its lane (DESIGN section 7, Verdicts).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from relay.model.endpoint import Delivery
from relay.model.outcome import Delivered, GiveUp, Outcome, TryLater
from relay.model.settlement import DELIVERED, EXHAUSTED, PENDING, Settlement
from relay.model.times import to_ms
from relay.pipeline.endpoint_reports import EndpointReports
from relay.pipeline.lane import Lane
from relay.pipeline.settling import Settler

REFUSALS_TO_FAILING: Final = 3
OK: Final = "ok"

Report = Coroutine[Any, Any, None]


class Verdicts:
    """
    Judges the outcomes of one lane.

    `is_closed` once the receiver said that it is gone; `not_before_ms` is until when it wants nothing.

    Args:
        queue: the lane's queue.
        settler: makes outcomes durable.
        reports: tells people.
        next_delay_s: how long to wait after so many attempts, or None: no further one.
        spawn: runs a report beside the attempts.
    """

    def __init__(
        self,
        queue: Lane,
        settler: Settler,
        reports: EndpointReports,
        next_delay_s: Callable[[int], float | None],
        spawn: Callable[[Report], None],
    ) -> None:
        self._queue = queue
        self._settler = settler
        self._reports = reports
        self._next_delay_s = next_delay_s
        self._spawn = spawn
        self._refusals_in_a_row = 0
        self.is_closed = False
        self.not_before_ms = 0

    def judge(self, delivery: Delivery, outcome: Outcome, made_at_ms: int, latency_ms: int) -> None:
        """
        Move the lane along, and hand what happened to the settler.
        """
        attempts = delivery.attempt + 1
        if isinstance(outcome, Delivered):
            self._refusals_in_a_row = 0
            self._queue.settled(delivery)
            self._settler.add(
                Settlement(delivery, DELIVERED, attempts, made_at_ms, latency_ms, OK, outcome.status)
            )
            return
        ended_at_ms = made_at_ms + latency_ms
        due_at_ms: int | None = ended_at_ms
        if isinstance(outcome, GiveUp):
            self._close(outcome)
        elif outcome.not_before is not None:
            attempts = delivery.attempt  # asked to wait: costs no attempt
            due_at_ms = to_ms(outcome.not_before)
            self._hold(due_at_ms)
        else:
            self._note_refusal(outcome)
            due_at_ms = self._next_due_ms(delivery, outcome, attempts, ended_at_ms)
        if due_at_ms is None:
            self._queue.settled(delivery)
        else:
            self._queue.postponed(delivery, due_at_ms)
        self._settler.add(
            Settlement(
                delivery,
                EXHAUSTED if due_at_ms is None else PENDING,
                attempts,
                made_at_ms,
                latency_ms,
                outcome.reason,
                outcome.status,
                due_at_ms,
                outcome.answer,
            )
        )

    def _next_due_ms(
        self, delivery: Delivery, outcome: TryLater, attempts: int, ended_at_ms: int
    ) -> int | None:
        delay_s = self._next_delay_s(attempts)
        if delay_s is None:
            self._spawn(self._reports.exhausted(delivery, outcome, attempts))
            return None
        return ended_at_ms + round(delay_s * 1000)

    def _close(self, outcome: GiveUp) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._spawn(self._reports.disabled(outcome))

    def _hold(self, until_ms: int) -> None:
        if until_ms > self.not_before_ms:
            self.not_before_ms = until_ms
            self._spawn(self._reports.held(until_ms))

    def _note_refusal(self, outcome: TryLater) -> None:
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if outcome.is_refusal else 0
        if self._refusals_in_a_row == REFUSALS_TO_FAILING:
            self._spawn(self._reports.failing(outcome, self._refusals_in_a_row))
