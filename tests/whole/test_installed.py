"""
The wheel, installed as the image installs it and run in the image's environment, needs nothing but its data
folder: no checkout, no home, no place for temporary files.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Final

import pytest

from tests.test_packaging import PROJECT, settings
from tests.whole.processes import free_ports

pytestmark = pytest.mark.whole

DEADLINE_S: Final = 60.0
CONFIG: Final = """
[[sources]]
id = "pbx"
kind = "voipcloud"
timezone = "Australia/Sydney"
country = "AU"
base_url = "http://127.0.0.1:1"
token = "t0ken"
"""


def install(folder: Path) -> Path:
    """
    Build the wheel and install it into an environment of its own; return that one's programs.

    What relay depends on is that of this interpreter, so nothing is fetched.
    """
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    run(sys.executable, "-m", "venv", "--without-pip", str(folder / "relay"))
    programs = folder / "relay" / "bin"
    (wheel,) = (folder / "dist").iterdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(programs / "python"))
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    (packages,) = (folder / "relay" / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def run(*command: str) -> None:
    """
    Run a command of ours that must not fail.
    """
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603

    assert 0 == done.returncode, f"{shlex.join(command)}: {done.stderr}"


def files(folder: Path) -> dict[str, int]:
    """
    Return everything in a folder with the time of its last change.
    """
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def environment(folder: Path, programs: Path) -> dict[str, str]:
    """
    Return the image's environment, its places moved into `folder` and its ports to free ones.
    """
    api_port, ops_port = free_ports(2)
    moved = {
        "PATH": str(programs),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "RELAY_JOURNAL__URL": f"sqlite:///{folder / 'data' / 'relay.db'}",
        "RELAY_SERVER__LISTEN": f"127.0.0.1:{api_port}",
        "RELAY_SERVER__OPS_LISTEN": f"0.0.0.0:{ops_port}",
    }
    return {**settings("ENV"), **moved}


def test_the_installed_relay_writes_into_its_data_folder_only(tmp_path: Path) -> None:
    programs = install(tmp_path)
    environ = environment(tmp_path, programs)
    for name in ("data", "home", "tmp"):
        (tmp_path / name).mkdir()
    config = tmp_path / "relay.toml"
    config.write_text(CONFIG)
    before = files(tmp_path)
    started = subprocess.Popen(  # noqa: S603 (what was just installed)
        [str(programs / "relay"), "serve", "--config", str(config)],
        cwd=tmp_path / "data",
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started as process:
        try:
            health = wait_for_health(programs, environ, tmp_path / "data")
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()

    after = files(tmp_path)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    data = str(tmp_path / "data")
    assert (0, 0) == (health, process.returncode), said
    journal = {f"{data}/relay.db{ending}" for ending in ("", ".lock", ".secrets-key")}
    assert {data, *journal} == changed


def wait_for_health(programs: Path, environ: dict[str, str], folder: Path) -> int:
    """
    Run the image's health check until it is content; return its last exit code.
    """
    end = time.monotonic() + DEADLINE_S
    while True:
        check = [str(programs / "python"), "-m", "relay.cli.healthcheck"]
        done = subprocess.run(check, cwd=folder, env=environ, capture_output=True, check=False)  # noqa: S603
        if done.returncode == 0 or time.monotonic() > end:
            return done.returncode
