"""
Ready means that every named condition was met.
"""

from __future__ import annotations

from relay.telemetry.health import Condition, Health


def test_nothing_is_ready_before_it_was_said() -> None:
    health = Health(["config", "journal"])
    health.set("config", True)

    assert not health.is_ready
    assert (Condition("config", True, ""), Condition("journal", False, "not yet")) == health.report()


def test_all_conditions_make_it_ready_and_one_takes_it_away() -> None:
    health = Health(["config", "journal"])
    for name in ("journal", "config"):
        health.set(name, True)
    before = health.is_ready

    health.set("journal", False, "disk full")

    assert (True, False) == (before, health.is_ready)
    assert ["config", "journal"] == [condition.name for condition in health.report()]


def test_a_condition_that_comes_later_counts_too() -> None:
    health = Health([])
    before = health.is_ready

    health.set("lease source/pbx", False, "held by another process")

    assert (True, False) == (before, health.is_ready)
