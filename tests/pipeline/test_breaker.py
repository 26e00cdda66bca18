"""
When an endpoint is only probed, and when it is sent to as usual again.
"""

from __future__ import annotations

import pytest

from relay.model.endpoint import PROBING, Delivery, Endpoint
from relay.pipeline.breaker import FAILURES_TO_PROBING, Breaker
from relay.pipeline.rate import TokenBucket
from relay.pipeline.window import Window

HEALTHY = Endpoint(1, "crm", "https://crm.example.com/", ("*",), (), "healthy")


def delivery(seq: int = 1) -> Delivery:
    """
    Make a delivery.
    """
    return Delivery(1, seq, 0, seq, f"e{seq}", 0, 0, 0, b"{}")


def broken(now_ms: int = 1_000) -> Breaker:
    """
    Make a breaker that has just begun to probe.
    """
    breaker = Breaker(HEALTHY)
    turned = [breaker.failed(delivery(n), now_ms) for n in range(FAILURES_TO_PROBING)]
    assert [False] * 9 + [True] == turned
    return breaker


def test_a_success_between_failures_begins_the_count_anew() -> None:
    breaker = Breaker(HEALTHY)
    for _ in range(3):
        for n in range(FAILURES_TO_PROBING - 1):
            breaker.failed(delivery(n), 1_000)
        assert not breaker.succeeded()

    assert (False, False) == (breaker.is_probing, breaker.has_failed)


def test_probes_are_made_after_5_s_doubling_to_5_min() -> None:
    breaker, now_ms, waits = broken(), 1_000, []
    for n in range(9):
        waits.append(breaker.next_probe_ms - now_ms)
        now_ms = breaker.next_probe_ms
        breaker.begin(probe := delivery(n), now_ms)
        assert not breaker.is_waiting
        breaker.failed(probe, now_ms)

    assert [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000] == waits


def test_what_was_in_flight_when_probing_began_changes_no_wait() -> None:
    breaker = broken(1_000)
    breaker.failed(delivery(77), 3_000)

    assert (6_000, 1_000) == (breaker.next_probe_ms, breaker.failing_since_ms)


def test_after_a_success_nothing_is_sent_before_what_waits_is_due() -> None:
    breaker = broken()
    breaker.begin(probe := delivery(), 0)

    assert [True, False] == [breaker.succeeded(), breaker.succeeded()]
    assert (True, False) == (breaker.is_probing, breaker.is_waiting)
    breaker.reset()
    assert (False, None) == (breaker.is_probing, breaker.due_of_probe(probe))


def test_a_wait_that_the_receiver_asks_for_is_no_failure() -> None:
    breaker = broken(1_000)
    breaker.begin(probe := delivery(), 0)
    breaker.held(probe)

    assert (True, 6_000, 10) == (breaker.is_waiting, breaker.next_probe_ms, breaker.failures)


@pytest.mark.parametrize(("limit_s", "is_over"), [(60, True), (61, False), (0, False)])
def test_a_restart_does_not_shorten_how_long_an_endpoint_has_failed(limit_s: int, is_over: bool) -> None:
    was = Endpoint(1, "crm", "https://crm.example.com/", ("*",), (), PROBING, failing_since_ms=5_000)
    breaker = Breaker(was)

    assert (True, 0) == (breaker.is_probing, breaker.next_probe_ms)
    assert is_over == breaker.has_failed_for(65_000, limit_s)


def test_a_window_halves_once_for_all_that_was_in_flight() -> None:
    window = Window(64)
    for _ in range(40):
        window.narrow(made_at_ms=1_000, now_ms=21_000)

    assert 32 == window.size
    window.narrow(made_at_ms=21_000, now_ms=22_000)
    assert 16 == window.size
    for n in range(10):
        window.narrow(made_at_ms=30_000 + n, now_ms=30_000 + n)
    assert 1 == window.size


def test_a_window_regrows_by_one_for_each_window_of_successes() -> None:
    window, sizes = Window(4), []
    window.narrow(1, 1)
    for _ in range(6):
        window.succeeded()
        sizes.append(window.size)

    assert [2, 3, 3, 3, 4, 4] == sizes


def test_a_window_that_starts_over_doubles_with_each_round() -> None:
    window, sizes = Window(20), []
    window.start_over()
    for _ in range(5):
        sizes.append(window.size)
        for _ in range(window.size):
            window.succeeded()

    assert [1, 2, 4, 8, 16] == sizes
    assert 20 == window.size
    window.narrow(1, 1)
    window.succeeded()
    assert 10 == window.size


@pytest.mark.parametrize(("is_narrow", "size"), [(False, 20), (True, 5)])
def test_a_wider_window_is_whole_at_once_unless_it_was_narrow(is_narrow: bool, size: int) -> None:
    window = Window(10)
    if is_narrow:
        window.narrow(1, 1)
    window.resize(20)

    assert size == window.size


def test_a_bucket_holds_the_tokens_of_one_second() -> None:
    bucket = TokenBucket(10.0, now_s=0.0)
    taken = 0
    while bucket.wait_s(0.0) == 0.0:
        bucket.spend()
        taken += 1

    assert 10 == taken
    assert 0.1 == pytest.approx(bucket.wait_s(0.0))
    assert 0.0 == bucket.wait_s(0.1)
    assert 0.0 == bucket.wait_s(1_000.0)
    for _ in range(10):
        bucket.spend()
    assert 0.1 == pytest.approx(bucket.wait_s(1_000.0))


def test_a_slow_bucket_holds_one_token() -> None:
    bucket = TokenBucket(0.1, now_s=5.0)
    assert 0.0 == bucket.wait_s(5.0)
    bucket.spend()

    assert 10.0 == pytest.approx(bucket.wait_s(5.0))
    assert 4.0 == pytest.approx(bucket.wait_s(11.0))
