"""
Under any schedule of calls, faults, polls, crashes and restarts everything is told, once and right.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ingest.machine import AnySchedule

EXAMPLES = 200
STEPS = 12


def test_once_faults_stop_what_is_published_is_what_the_phone_system_shows(
    template: Path, request: object
) -> None:
    class Proof(AnySchedule):
        pass

    Proof.template = template
    run_state_machine_as_test(
        Proof,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=[Phase.generate],
            print_blob=False,
        ),
    )
