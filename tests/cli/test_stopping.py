"""
Signals and failures of a command that runs for long.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from relay.cli.failures import told_to_a_person
from relay.model.errors import ConfigError, Fault, JournalUnusable, PublisherLost
from tests.cli.conftest import ROOT, finished

RUNNING = """
import asyncio, sys
from relay.cli.running import run_until_stopped

async def work(stop):
    print("running", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    if sys.argv[1] == "hang":
        await asyncio.Event().wait()

run_until_stopped(work)
"""


@contextmanager
def running(how: str) -> Iterator[subprocess.Popen[str]]:
    """
    Run some work until it is stopped, or beyond.
    """
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-c", RUNNING, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        try:
            assert process.stdout is not None
            assert "running\n" == process.stdout.readline()
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_in_order(number: signal.Signals) -> None:
    with running("well") as process:
        process.send_signal(number)
        done = finished(process)

    assert (0, "stopping\n", "") == (done.code, done.out, done.err)


def test_the_second_signal_ends_at_once() -> None:
    with running("hang") as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert "stopping\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)

        assert 1 == finished(process).code


def test_errors_that_ended_together_are_told_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    gone = ExceptionGroup("", [PublisherLost("closed", "gone")])

    with pytest.raises(SystemExit) as left, told_to_a_person():
        raise ExceptionGroup("loops", [JournalUnusable("disk full"), gone])

    assert (1, "relay: disk full\nrelay: gone\n") == (left.value.code, capsys.readouterr().err)


def test_faults_of_the_configuration_are_two(capsys: pytest.CaptureFixture[str]) -> None:
    faults = [Fault("log.level", "is odd"), Fault("journal.url", "is odd too")]

    with pytest.raises(SystemExit) as left, told_to_a_person():
        raise ConfigError(faults)

    expected = "relay: log.level: is odd\nrelay: journal.url: is odd too\n"
    assert (2, expected) == (left.value.code, capsys.readouterr().err)


def test_a_bug_is_not_hidden_behind_an_error_of_relay() -> None:
    with pytest.raises(ExceptionGroup), told_to_a_person():
        raise ExceptionGroup("loops", [JournalUnusable("disk full"), ZeroDivisionError("a bug")])
