"""
Figures that a test finds are printed behind all tests, where a reader of the run sees them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

FIGURES: Final = pytest.StashKey[list[str]]()


@pytest.fixture
def tell_figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """
    Give what takes a line to be printed behind all tests.
    """
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """
    Print what tests found.
    """
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)
