"""
Delays between attempts.
"""

from __future__ import annotations

import random

import pytest

from relay.model.endpoint import RETRY_SCHEDULE_S
from relay.sinks.webhook.retry import next_delay_s


def test_each_delay_is_its_entry_of_the_schedule_give_or_take_a_fifth() -> None:
    rng = random.Random(7)
    for attempts_made, entry_s in enumerate(RETRY_SCHEDULE_S, start=1):
        delays = [next_delay_s(RETRY_SCHEDULE_S, attempts_made, rng) or 0.0 for _ in range(500)]

        assert 0.8 * entry_s <= min(delays) < 0.85 * entry_s
        assert 1.15 * entry_s < max(delays) <= 1.2 * entry_s


@pytest.mark.parametrize(
    ("schedule", "attempts_made"), [((), 1), ((5,), 2), (RETRY_SCHEDULE_S, 10), ((5,), 99)]
)
def test_a_used_up_schedule_has_no_delay(schedule: tuple[int, ...], attempts_made: int) -> None:
    assert next_delay_s(schedule, attempts_made, random.Random(7)) is None


def test_a_delay_of_nothing_stays_nothing() -> None:
    assert 0.0 == next_delay_s((0,), 1, random.Random(7))


def test_a_delay_before_the_first_attempt_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        next_delay_s((5,), 0, random.Random(7))
