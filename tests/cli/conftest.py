"""
The command as a process, with everything it printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

DEADLINE_S: Final = 60
ROOT: Final = Path(__file__).parents[2]
APP: Final = "relay.cli.app"
CONFIG: Final = """
[[sources]]
id = "pbx-sydney"
kind = "voipcloud"
timezone = "Australia/Sydney"
country = "AU"
base_url = "https://pbx.example.com"
token = { env = "PBX_TOKEN" }
[[endpoints]]
id = "crm"
url = "https://crm.example.com/hooks"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
events = ["call.*"]
"""


@dataclass(frozen=True)
class Finished:
    """
    What a process left behind.
    """

    code: int
    out: str
    err: str


Relay = Callable[..., Finished]


@contextmanager
def started(*arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """
    Start `relay` with these arguments, and end it with the test.
    """
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-m", APP, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), "PBX_TOKEN": "t0ken", **environ},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def finished(process: subprocess.Popen[str]) -> Finished:
    """
    Wait until the process has ended.
    """
    out, err = process.communicate(timeout=DEADLINE_S)
    return Finished(process.returncode, out, err)


@pytest.fixture
def relay() -> Relay:
    """
    Give a function that runs `relay` to its end.
    """

    def run(*arguments: str, **environ: str) -> Finished:
        with started(*arguments, **environ) as process:
            return finished(process)

    return run


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """
    Give a configuration without fault.
    """
    path = tmp_path / "relay.toml"
    path.write_text(CONFIG)
    return path
