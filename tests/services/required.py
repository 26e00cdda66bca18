"""
The option `--require-services`: a run in which a service's tests did not run is a failed run.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

OPTION: Final = "--require-services"
REQUIRED_MARKERS: Final = ("kafka", "postgresql", "web_servers", "whole")


class RequiredServices:
    """
    Counts the tests of every required marker and fails the session where one was skipped, or none ran.
    """

    def __init__(self) -> None:
        self._markers: dict[str, list[str]] = {}
        self._ran: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()

    def faults(self) -> list[str]:
        """
        Return what is wrong with the session so far, one line for each marker.
        """
        lines = []
        for marker in REQUIRED_MARKERS:
            if self._skipped[marker]:
                lines.append(f"{self._skipped[marker]} test(s) marked {marker} were skipped")
            elif not self._ran[marker]:
                lines.append(f"no test marked {marker} ran")
        return lines

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """
        Note the required markers of every test that is left after selection.
        """
        for item in session.items:
            own = {marker.name for marker in item.iter_markers()}
            self._markers[item.nodeid] = [name for name in REQUIRED_MARKERS if name in own]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """
        Count a test that ran, or one that was skipped at any stage.
        """
        for marker in self._markers.get(report.nodeid, ()):
            if report.skipped:
                self._skipped[marker] += 1
            elif report.when == "call":
                self._ran[marker] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """
        Turn a green session red where a required test did not run.
        """
        if self.faults() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """
        Say why the session failed.
        """
        for line in self.faults():
            terminalreporter.write_line(f"ERROR {OPTION}: {line}", red=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """
    Declare the options of the suite.
    """
    parser.addoption(OPTION, action="store_true", help="fail where tests of a real service did not run")
    parser.addoption(
        "--deep", action="store_true", help="try many more schedules of ingest, new ones each time"
    )


def pytest_configure(config: pytest.Config) -> None:
    """
    Switch the check on where the option is given.
    """
    if config.getoption(OPTION):
        config.pluginmanager.register(RequiredServices())
