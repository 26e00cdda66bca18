"""
What an outcome means for a delivery, its subject and its lane (DESIGN section 7, Verdicts).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from relay.model.endpoint import Batch, Delivery
from relay.model.outcome import Delivered, GiveUp, Outcome, TryLater
from relay.model.settlement import DELIVERED, EXHAUSTED, PENDING, Settlement
from relay.model.times import to_ms
from relay.pipeline.endpoint_reports import FAILING, EndpointReports
from relay.pipeline.lane import Lane
from relay.pipeline.settling import Settler
from relay.pipeline.stale import Stale
from relay.pipeline.standing import Standing
from relay.pipeline.window import Window

REFUSALS_TO_FAILING: Final = 3
OK: Final = "ok"
TIMEOUT: Final = "timeout"

Report = Coroutine[Any, Any, None]


class Verdicts:
    """
    Judges the outcomes of one lane; its endpoint's standing follows from them at once, and is told.

    Args:
        queue: the lane's queue.
        standing: of the endpoint.
        settler: makes outcomes durable.
        reports: tells people.
        next_delay_s: how long to wait after so many attempts, or None: no further one.
        spawn: runs a report beside the attempts.
    """

    def __init__(
        self,
        queue: Lane,
        standing: Standing,
        settler: Settler,
        reports: EndpointReports,
        next_delay_s: Callable[[int], float | None],
        spawn: Callable[[Report], None],
    ) -> None:
        self.window = Window(queue.max_in_flight)
        self._queue = queue
        self._standing = standing
        self._breaker = standing.breaker
        self._settler = settler
        self._reports = reports
        self._next_delay_s = next_delay_s
        self._spawn = spawn
        self._refusals_in_a_row = 0

    def judge(self, delivery: Delivery, outcome: Outcome, made_at_ms: int, latency_ms: int) -> None:
        """
        Move the lane along, and hand what happened to the settler.
        """
        if isinstance(outcome, Delivered):
            self._queue.settled(delivery)
            attempts = delivery.attempt + 1
            self._settler.add(
                Settlement(delivery, DELIVERED, attempts, made_at_ms, latency_ms, OK, outcome.status)
            )
            self._succeeded()
            return
        attempts, due_at_ms = self._failed(delivery, (delivery,), outcome, made_at_ms, latency_ms)
        self._put_off((delivery,), due_at_ms)
        self._settler.add(_of_failure(delivery, outcome, attempts, made_at_ms, latency_ms, due_at_ms))

    def judge_batch(
        self, batch: Batch, request: Delivery, outcome: Outcome, made_at_ms: int, latency_ms: int
    ) -> None:
        """
        Do so for all of a batch, which was sent as one `request`: the row of its first alone is due again.
        """
        members = batch.members
        if isinstance(outcome, Delivered):
            for one in members:
                self._queue.settled(one)
                settled = Settlement(
                    one, DELIVERED, one.attempt + 1, made_at_ms, latency_ms, OK, outcome.status
                )
                self._settler.add(settled._replace(batch=batch))
            self._succeeded()
            return
        attempts, due_at_ms = self._failed(request, members, outcome, made_at_ms, latency_ms)
        self._put_off(members, due_at_ms)
        made = attempts - request.attempt
        for one in members:
            settled = _of_failure(one, outcome, one.attempt + made, made_at_ms, latency_ms, due_at_ms)
            is_due = one is members[0]
            self._settler.add(settled._replace(batch=batch, due_at_ms=due_at_ms if is_due else None))

    def end(self, delivery: Delivery, stale: Stale, now_ms: int, *, frees: bool = True) -> None:
        """
        Settle a delivery that is not worth an attempt any more; `frees` unless others of its subject that
        were taken with it are still to be sent.
        """
        if frees:
            self._queue.settled(delivery)
        else:
            self._queue.left_out(delivery)
        self._settler.add(
            Settlement(delivery, stale.status, delivery.attempt, now_ms, 0, stale.reason, is_attempt=False)
        )

    def resize(self, most: int) -> None:
        """
        Allow so many attempts in flight from now on.
        """
        self.window.resize(most)
        self._queue.max_in_flight = self.window.size

    def start_over(self) -> None:
        """
        Begin with one attempt at a time, and more with every success.
        """
        self.window.start_over()
        self._queue.max_in_flight = self.window.size

    def _succeeded(self) -> None:
        self._refusals_in_a_row = 0
        if self._breaker.has_failed and self._breaker.succeeded():
            self._spawn(self._reports.recovered())
        if self.window.size < self.window.most:
            self.window.succeeded()
            self._queue.max_in_flight = self.window.size

    def _put_off(self, deliveries: Sequence[Delivery], due_at_ms: int | None) -> None:
        for delivery in deliveries:
            if due_at_ms is None:
                self._queue.settled(delivery)
            else:
                self._queue.postponed(delivery, due_at_ms)

    def _failed(
        self,
        delivery: Delivery,
        members: Sequence[Delivery],
        outcome: TryLater | GiveUp,
        made_at_ms: int,
        latency_ms: int,
    ) -> tuple[int, int | None]:
        """
        Return how many attempts were made that count, and when the next is due; None: never.
        """
        ended_at_ms = made_at_ms + latency_ms
        if isinstance(outcome, GiveUp):
            self._close(self._reports.disabled(outcome.reason, outcome.status))
            return delivery.attempt + 1, ended_at_ms
        own_due_ms = self._breaker.due_of_probe(delivery)
        is_early = own_due_ms is not None and own_due_ms > made_at_ms
        if outcome.not_before is not None or outcome.reason == TIMEOUT:
            self.window.narrow(made_at_ms, ended_at_ms)
            self._queue.max_in_flight = self.window.size
        if outcome.not_before is not None:
            until_ms = to_ms(outcome.not_before)
            self._breaker.held(delivery)
            self._hold(until_ms)
        else:
            self._note_refusal(outcome)
            if self._breaker.failed(delivery, ended_at_ms):
                self._spawn(self._reports.probing(outcome, self._breaker.failures, ended_at_ms))
        limit_s = self._reports.endpoint.options.disable_after_s
        if self._breaker.has_failed_for(ended_at_ms, limit_s):
            self._close(self._reports.disabled(FAILING, outcome.status))
        if outcome.not_before is not None:  # asked to wait: costs no attempt
            return delivery.attempt, max(until_ms, own_due_ms or 0)
        if is_early:  # so that a long outage uses up no schedule before its time
            return delivery.attempt, own_due_ms
        return delivery.attempt + 1, self._next_due_ms(delivery, members, outcome, ended_at_ms)

    def _next_due_ms(
        self, delivery: Delivery, members: Sequence[Delivery], outcome: TryLater, ended_at_ms: int
    ) -> int | None:
        attempts = delivery.attempt + 1
        delay_s = self._next_delay_s(attempts)
        if delay_s is not None:
            return ended_at_ms + round(delay_s * 1000)
        for one in members:
            self._spawn(self._reports.exhausted(one, outcome, attempts))
        return None

    def _close(self, report: Report) -> None:
        if self._standing.is_closed:
            report.close()
            return
        self._standing.is_closed = True
        self._spawn(report)

    def _hold(self, until_ms: int) -> None:
        if until_ms > self._standing.not_before_ms:
            self._standing.not_before_ms = until_ms
            self._spawn(self._reports.held(until_ms))

    def _note_refusal(self, outcome: TryLater) -> None:
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if outcome.is_refusal else 0
        if self._refusals_in_a_row == REFUSALS_TO_FAILING:
            self._spawn(self._reports.failing(outcome, self._refusals_in_a_row))


def _of_failure(
    delivery: Delivery,
    outcome: TryLater | GiveUp,
    attempts: int,
    made_at_ms: int,
    latency_ms: int,
    due_at_ms: int | None,
) -> Settlement:
    return Settlement(
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
