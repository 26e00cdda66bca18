"""
Under any schedule of calls, faults, polls, crashes and restarts everything is told, once and right.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ingest.doubles import WRONG
from tests.ingest.machine import AnySchedule
from tests.ingest.world import Doubles

EXAMPLES = 100
DEEP_EXAMPLES = 5_000
EXAMPLES_TO_FAIL = 25
STEPS = 12


def prove(template: Path, examples: int, doubles: Doubles, *, is_repeatable: bool = True) -> None:
    """
    Try so many schedules.
    """

    class Proof(AnySchedule):
        pass

    Proof.template, Proof.doubles = template, doubles
    run_state_machine_as_test(
        Proof,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=is_repeatable,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=[Phase.generate],
            print_blob=False,
        ),
    )


def test_once_faults_stop_what_is_published_is_what_the_phone_system_shows(
    template: Path, request: pytest.FixtureRequest
) -> None:
    is_deep = request.config.getoption("--deep")

    prove(template, DEEP_EXAMPLES if is_deep else EXAMPLES, Doubles(), is_repeatable=not is_deep)


@pytest.mark.parametrize("way", sorted(WRONG))
def test_the_proof_finds_what_is_done_wrong(template: Path, way: str) -> None:
    with pytest.raises(AssertionError):
        prove(template, EXAMPLES_TO_FAIL, WRONG[way])
