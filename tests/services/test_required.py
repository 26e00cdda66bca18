"""
`--require-services` turns a session red in which a service's tests did not run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ALL_RUN = """
import pytest

@pytest.mark.kafka
def test_kafka(): pass

@pytest.mark.postgresql
def test_postgresql(): pass

@pytest.mark.web_servers
def test_web_servers(): pass

@pytest.mark.whole
def test_whole(): pass
"""
SKIPPED = ALL_RUN.replace("def test_whole(): pass", "@pytest.mark.skip\ndef test_whole(): pass")
NAMED_LIKE_A_MARKER = "def test_kafka(): pass"


def _session(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n    kafka:\n    postgresql:\n    web_servers:\n    whole:\n"
    )
    (folder / "test_some.py").write_text(source)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.services.required",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(  # noqa: S603 - our own code
        [*command, "--rootdir", str(folder), *options, str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("source", "options", "fault"),
    [
        (SKIPPED, (), "1 test(s) marked whole were skipped"),
        (ALL_RUN, ("-m", "not kafka"), "no test marked kafka ran"),
        (NAMED_LIKE_A_MARKER, (), "no test marked postgresql ran"),
        (NAMED_LIKE_A_MARKER, (), "no test marked kafka ran"),
        (NAMED_LIKE_A_MARKER, (), "no test marked web_servers ran"),
        ("", (), "no test marked whole ran"),
    ],
)
def test_a_skipped_or_missing_test_fails_the_session(
    tmp_path: Path, source: str, options: tuple[str, ...], fault: str
) -> None:
    session = _session(tmp_path, source, "--require-services", *options)

    assert fault in session.stdout
    assert pytest.ExitCode.TESTS_FAILED == session.returncode


@pytest.mark.parametrize(("source", "options"), [(ALL_RUN, ("--require-services",)), (SKIPPED, ())])
def test_a_session_that_ran_them_all_or_need_not_is_green(
    tmp_path: Path, source: str, options: tuple[str, ...]
) -> None:
    session = _session(tmp_path, source, *options)

    assert pytest.ExitCode.OK == session.returncode
    assert "--require-services" not in session.stdout
